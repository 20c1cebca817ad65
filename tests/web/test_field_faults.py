"""What is wrong with a field is said in the caller's language, whatever may be wrong with it."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from marshmallow import Schema, ValidationError, fields, validate

from app.texts.fields import FIELD_FAULTS, OTHER_FAULT
from tests.actors import Actors
from tests.shop import Shop
from web.field_faults import fault_text, field_faults

#: What some validator of ours refuses: too small, too large, too short, too long, unprintable, not in a list.
PROVOKING: tuple[Any, ...] = (
    0,
    -(10**30),
    10**30,
    "",
    "x" * 10_000,
    "\x00",
    [],
    [0] * 10_000,
    "no such choice",
)


def schemas_of_requests(app: Flask) -> Iterator[Schema]:
    for view in app.view_functions.values():
        # A view of several methods keeps what it takes at each of them.
        for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ()):
            if isinstance(parameter.get("schema"), Schema):
                yield parameter["schema"]


def fields_of(schema: Schema) -> Iterator[fields.Field[Any]]:
    for field in schema.fields.values():
        yield from within(field)


def within(field: fields.Field[Any]) -> Iterator[fields.Field[Any]]:
    yield field
    if isinstance(field, fields.Nested):
        yield from fields_of(field.schema)
    if isinstance(field, fields.List):
        yield from within(field.inner)
    if isinstance(field, fields.Dict):
        for part in (field.key_field, field.value_field):
            if part is not None:
                yield from within(part)


def sentences_of(field: fields.Field[Any]) -> Iterator[str]:
    """Everything the field can say of what it is sent: `format` is about answers, and dates have no zone."""
    kind = getattr(field, "OBJ_TYPE", "")
    unsaid = {"format"} | ({"invalid_awareness"} if isinstance(field, fields.Date) else set())
    for name, sentence in field.error_messages.items():
        if name not in unsaid:
            yield sentence.format(obj_type=kind, awareness="aware", input="<input>")
    for validator in field.validators:
        said = set(refusals(validator))
        assert said, f"nothing provokes {validator} of {field.name}"
        yield from said


def refusals(validator: Any) -> Iterator[str]:
    for value in PROVOKING:
        try:
            validator(value)
        except ValidationError as refused:
            yield from map(str, refused.messages)
        except (TypeError, AttributeError):
            continue  # the field lets no value of this kind through to its validator


def untranslated(schema: Schema) -> list[str]:
    said = [*schema.error_messages.values()]
    for field in fields_of(schema):
        said += sentences_of(field)
    return [sentence for sentence in said if fault_text(sentence, "zh") == OTHER_FAULT[0]]


def test_no_field_of_any_request_says_anything_that_has_no_translation(app: Flask) -> None:
    schemas = list(schemas_of_requests(app))
    names = {type(schema).__name__ for schema in schemas}
    assert {"SaleSchema", "LoginSchema", "DraftSchema", "PageArguments", "ImageAskSchema"} <= names
    assert {type(schema).__name__: told for schema in schemas if (told := untranslated(schema))} == {}


def test_a_validator_with_words_of_its_own_is_noticed() -> None:
    class Odd(Schema):
        lines = fields.List(fields.Nested({"sku": fields.String(validate=validate.Equal("A"))}))

    assert untranslated(Odd()) == ["Must be equal to A."]


def test_every_text_is_said_by_some_field_in_both_languages_with_the_same_places(app: Flask) -> None:
    used = set()
    for schema in schemas_of_requests(app):
        for field in fields_of(schema):
            used |= {fault_text(sentence, "zh") for sentence in sentences_of(field)}
        used |= {fault_text(sentence, "zh") for sentence in schema.error_messages.values()}
    for zh, en in (*FIELD_FAULTS.values(), OTHER_FAULT):
        assert re.search(r"[\u4e00-\u9fff]", zh)
        assert not re.search(r"[\u4e00-\u9fff]", en)
        places = [re.findall(r"{(\w+)}", words) for words in (zh, en)]
        assert places[0] == places[1], zh
        said = re.compile(re.sub(r"\\{\w+\\}", ".*", re.escape(zh)))
        assert (zh, en) == OTHER_FAULT or any(map(said.fullmatch, used)), f"nothing says {zh}"


@pytest.mark.parametrize(
    ("language", "missing", "amount", "line", "unknown"),
    [
        ("zh-CN", "必填。", "须在 0 到 1000000000 之间。", "须为整数。", "没有这个字段。"),
        ("en", "This field is required.", "Must be between 0 and 1000000000.", "Must be a whole number.",
         "There is no such field."),
    ],
)  # fmt: skip
def test_a_sale_is_refused_in_the_language_that_was_asked_for(
    bare_shop: Shop, language: str, missing: str, amount: str, line: str, unknown: str
) -> None:
    lines = [
        {"sku": "A", "name": "茶", "quantity": 1, "unit_price_fen": 1},
        {"sku": "A", "name": "茶", "quantity": "13800138000", "unit_price_fen": 1},
    ]
    refused = bare_shop.app.test_client().post(
        "/pos/v1/sales",
        json={"amount_fen": -13800138000, "lines": lines, "nonsense": 1},
        headers={
            "Authorization": f"Bearer {bare_shop.till.key}",
            "Idempotency-Key": "k",
            "Accept-Language": language,
        },
    )
    assert refused.json["fields"] == {
        "json": {
            "receipt_no": [missing],
            "amount_fen": [amount],
            "lines": {"1": {"quantity": [line]}},
            "nonsense": [unknown],
        }
    }
    assert "13800138000" not in refused.text


def test_an_address_is_refused_in_the_language_that_was_asked_for(bare_shop: Shop) -> None:
    client, headers = bare_shop.app.test_client(), Actors(bare_shop).headers("member_a")
    for language, told in (("zh", "只能是：qr, code128。"), ("en", "Must be one of: qr, code128.")):
        refused = client.get(
            "/api/v1/me/code/image?symbology=13800138000", headers={**headers, "Accept-Language": language}
        )
        assert refused.json["fields"] == {"query": {"symbology": [told]}}


def test_what_nobody_foresaw_is_not_handed_on() -> None:
    assert field_faults({"json": {"a": ["13800138000 is odd"]}}, "zh") == {"json": {"a": [OTHER_FAULT[0]]}}
