"""What should never be sent: each gets a clear refusal in the caller's language, and nothing changes."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine

from app.ledger.post import NotEnough
from app.staff.roles import Grant
from app.texts.errors import ERRORS
from tests.actors import Actors, staff_token
from tests.conftest import rows
from tests.shop import Shop
from tests.web.test_authorisation_matrix import address, routes
from web.errors import refused

SALE = {"receipt_no": "R-1", "amount_fen": 1_000}
LINE = {"sku": "A", "name": "茶", "quantity": 1, "unit_price_fen": 1_000}


def assert_refused(answer: Any, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    assert answer.content_type == "application/problem+json"
    told = answer.json
    assert (told["status"], told["code"]) == (status, code)
    assert told["detail"] in ERRORS[code]
    assert told["type"] == f"/docs/errors#{code}"
    assert told["request_id"] == answer.headers["X-Request-Id"]


def office_headers(shop: Shop) -> dict[str, str]:
    return {"Authorization": f"Bearer {staff_token(shop.person('chief', Grant('admin', None)).id)}"}


def nothing_was_sold(engine: Engine) -> bool:
    return rows(engine, "SELECT 1 FROM sales UNION ALL SELECT 1 FROM idempotency_keys") == []


@pytest.mark.parametrize(
    "amount",
    [
        5.7, 12.0, "5", "1_000", True, False, None, [], {}, [5], -1, -(2**63), 1_000_000_001, 2**63, 10**30,
        "٥", "1e3", "NaN", "0x10", "",
    ],
    ids=lambda value: repr(value)[:12],
)  # fmt: skip
@pytest.mark.parametrize("field", ["amount_fen", "quantity", "unit_price_fen"])
def test_only_whole_numbers_within_bounds_are_money(
    bare_shop: Shop, bare_engine: Engine, field: str, amount: Any
) -> None:
    body = {**SALE, "lines": [LINE]}
    if field == "amount_fen":
        body[field] = amount
    else:
        body["lines"] = [{**LINE, field: amount}]
    refused = bare_shop.app.test_client().post(
        "/pos/v1/sales",
        data=json.dumps(body),
        content_type="application/json",
        headers={"Authorization": f"Bearer {bare_shop.till.key}", "Idempotency-Key": "k"},
    )
    assert_refused(refused, 422, "validation_failed")
    assert field in str(refused.json["fields"])
    assert nothing_was_sold(bare_engine)


@pytest.mark.parametrize(
    "change",
    [
        {"unknown": 1},
        {"points": 100},
        {"member_id": 1},
        {"store_id": 1},
        {"receipt_no": ""},
        {"receipt_no": "x" * 41},
        {"receipt_no": "a\x00b"},
        {"receipt_no": "a\nb"},
        {"receipt_no": "a\u202eb"},
        {"receipt_no": 5},
        {"receipt_no": None},
        {"ticket": "\x00" * 43},
        {"ticket": ["x"]},
        {"staff_no": "\x1b[2J"},
        {"lines": None},
        {"lines": "x"},
        {"lines": [None]},
        {"lines": [LINE] * 201},
        {"lines": [{**LINE, "extra": 1}]},
        {"lines": [{**LINE, "name": "\x00"}]},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_fields_that_are_unknown_of_another_kind_or_unprintable_are_refused(
    bare_shop: Shop, bare_engine: Engine, change: dict[str, Any]
) -> None:
    assert_refused(bare_shop.till.post("/sales", {**SALE, **change}), 422, "validation_failed")
    assert nothing_was_sold(bare_engine)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"}", b"nonsense", b"\xff\xfe", b"\x00", b'{"a": NaN}', b'{"a": Infinity}', b'{"a": "\xed\xa0\x80"}',
        b'{"receipt_no": "\\ud800", "amount_fen": 1}', b'{"amount_fen": 1, "amount_fen": 2, "receipt_no": "R"}',
        b'{"receipt_no": "R", "amount_fen": ' + b"9" * 5_000 + b"}", b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"[" * 30_000, b'\xef\xbb\xbf{"receipt_no": "R", "amount_fen": 1}',
        '{"receipt_no": "R", "amount_fen": 1}'.encode("utf-16"), b"{'receipt_no': 'R'}",
        b'{"receipt_no": "R", "amount_fen": 1} x', b'{"receipt_no": "R",}',
    ],
    ids=lambda value: repr(value)[:24],
)  # fmt: skip
def test_what_is_not_json_or_has_two_meanings_is_refused(
    bare_shop: Shop, bare_engine: Engine, body: bytes
) -> None:
    client = bare_shop.app.test_client()
    headers = {
        "Authorization": f"Bearer {bare_shop.till.key}",
        "Idempotency-Key": "k",
        "Content-Type": "application/json",
    }
    given = client.post("/pos/v1/sales", data=body, headers=headers)
    assert_refused(given, *((400, "malformed_json") if body else (422, "validation_failed")))
    assert nothing_was_sold(bare_engine)


@pytest.mark.parametrize("body", [b"null", b"[]", b'"x"', b"5", b"true"])
def test_json_that_is_no_object_is_refused(bare_shop: Shop, body: bytes) -> None:
    headers = {"Authorization": f"Bearer {bare_shop.till.key}", "Idempotency-Key": "k"}
    given = bare_shop.app.test_client().post(
        "/pos/v1/sales", data=body, headers=headers, content_type="application/json"
    )
    assert_refused(given, 422, "validation_failed")


def json_writes(shop: Shop) -> list[tuple[str, str]]:
    """Every route of the JSON faces that takes a body, but for the one that takes files."""
    return sorted(
        (method, rule)
        for method, rule in routes(shop.app)
        if method in ("POST", "PATCH", "PUT", "DELETE")
        and rule.startswith(("/api/", "/pos/", "/office/"))
        and (method, rule) != ("POST", "/office/v1/pictures")
    )


def who_may(rule: str) -> str:
    return {"api": "member_a", "pos": "till_1", "office": "admin"}[rule.split("/")[1]]


def test_every_write_refuses_other_types_and_large_bodies_before_it_looks_at_them(
    shop: Shop, actors: Actors
) -> None:
    client = shop.app.test_client()
    wrong = []
    for method, rule in json_writes(shop):
        path = re_place(rule)
        headers = {**actors.headers(who_may(rule)), "Idempotency-Key": "k"}
        for status, code, options in (
            (
                415,
                "unsupported_media_type",
                {"data": "a=1", "content_type": "application/x-www-form-urlencoded"},
            ),
            (415, "unsupported_media_type", {"data": "{}", "content_type": "text/plain"}),
            (415, "unsupported_media_type", {"data": "{}", "content_type": "application/jsonp"}),
            (415, "unsupported_media_type", {"data": "{}"}),
            (413, "body_too_large", {"data": b'"' + b"x" * 2**20 + b'"', "content_type": "application/json"}),
            (400, "malformed_json", {"data": "{", "content_type": "application/json"}),
        ):
            given = client.open(path, method=method, headers=headers, **options)  # type: ignore[arg-type]
            if (given.status_code, given.json["code"]) != (status, code):
                wrong.append(
                    f"{method} {rule} {options.get('content_type')}: {given.status_code} {given.text}"
                )
    assert wrong == []


def re_place(rule: str) -> str:
    return address(
        rule,
        {
            "staff_id": 1,
            "code": "S001",
            "store_code": "S001",
            "key_id": "k",
            "sale_id": "s",
            "lottery_id": "l",
            "activity_id": "a",
            "survey_id": "s",
            "thread_id": "t",
            "picture_id": "p",
            "segment_id": "s",
            "campaign_id": "c",
            "automation_no": 1,
            "shift_id": "s",
            "quote_id": "q",
            "message_id": "m",
            "coupon_id": "c",
            "approval_id": "a",
            "name": "points_adjustment",
            "rule_no": 1,
            "offer_no": 1,
            "template_id": "x",
            "template_no": 1,
            "grant_id": "x",
            "recall_id": "x",
            "redemption_id": "x",
            "settlement_no": 1,
            "top_up_id": "t",
            "item_id": "i",
            "order_id": "o",
            "event_id": "e",
            "session_id": "s",
            "booking_id": "b",
            "member_no": "M1",
        },
    )


@pytest.mark.parametrize(
    "cursor",
    ["x", "%00", "%FF%FE", "!!!!", "AAAA", "bnVsbA", "4pi6", "Li4v", "JyBPUiAx", "9" * 80,
     "OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "", "MQ==%0A"],
)  # fmt: skip
def test_a_cursor_that_is_not_ours_is_refused(bare_shop: Shop, cursor: str) -> None:
    phone = bare_shop.member()
    answer = phone.get(f"/me/points/entries?cursor={cursor}")
    assert answer.status_code == 422, answer.text
    assert answer.json["code"] in ("cursor_malformed", "validation_failed")


@pytest.mark.parametrize(
    "limit", ["0", "-1", "101", "1e1", "1_0", "+5", "%205", "٥", "x", "9" * 30, "5&limit=6"]
)
def test_a_page_has_one_to_a_hundred_items(bare_shop: Shop, limit: str) -> None:
    answer = bare_shop.member().get(f"/me/sales?limit={limit}")
    if limit == "5&limit=6":
        assert answer.status_code in (200, 422)  # the first one counts
    else:
        assert_refused(answer, 422, "validation_failed")


@pytest.mark.parametrize(
    "query",
    [
        "action=", "action=.", "action=staff.", "action=Staff.change", "action=a.b.c", "action=%25",
        "action=" + "x" * 41, "action=staff.change%0A", "object_type=", "object_type=a%00b", "object_id=5",
        "object_type=sale", "object_type=sale&object_id=", "actor=", "actor=" + "x" * 17, "actor=a%00b",
        "from=yesterday", "until=2026-01-01", "from=2026-01-01T00:00:00", "store=",
        "cursor=MQ==", "cursor=OTk5OTk5OTk5OTk5OTk5OTk5LTE=", "cursor=LTUtMQ==",
    ],
)  # fmt: skip
def test_what_cannot_be_asked_of_the_audit_log_is_refused(shop: Shop, query: str) -> None:
    answer = shop.app.test_client().get(f"/office/v1/audit-entries?{query}", headers=office_headers(shop))
    assert answer.status_code == 422, answer.text
    assert answer.json["code"] in ("cursor_malformed", "validation_failed")


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "x" * 201, "a\tb", "\x7f"])
def test_an_idempotency_key_is_visible_ascii(bare_shop: Shop, bare_engine: Engine, key: str) -> None:
    headers = {"Authorization": f"Bearer {bare_shop.till.key}", "Idempotency-Key": key}
    given = bare_shop.app.test_client().post("/pos/v1/sales", json=SALE, headers=headers)
    assert_refused(given, 422, "idempotency_key_malformed")
    assert nothing_was_sold(bare_engine)


@pytest.mark.parametrize("path", ["/pos/v1/sales", "/pos/v1/scans"])
def test_what_moves_value_needs_an_idempotency_key(bare_shop: Shop, bare_engine: Engine, path: str) -> None:
    body = SALE if path.endswith("sales") else {"code": bare_shop.code(bare_shop.member())}
    headers = {"Authorization": f"Bearer {bare_shop.till.key}"}
    given = bare_shop.app.test_client().post(path, json=body, headers=headers)
    assert_refused(given, 400, "idempotency_key_missing")
    assert nothing_was_sold(bare_engine)


IMPOSSIBLE = (
    "%00", "a%00b", "%0A", "%7F", "%E2%80%AE", "%FF", "..", "%2e%2e%2fetc", "x" * 5_000, "9" * 400, str(2**63),
    "-1", "1.5",
    "%F0%9F%8D%B5", "';--",
)  # fmt: skip


def test_an_address_that_cannot_be_is_not_there(shop: Shop, actors: Actors) -> None:
    client, office, phone = shop.app.test_client(), actors.headers("admin"), actors.a
    wrong = []
    for part in IMPOSSIBLE:
        for answer in (
            shop.till.get(f"/sales/{part}"),
            phone.post(f"/me/messages/{part}/read"),
            client.patch(f"/office/v1/staff/{part}", json={"version": 1}, headers=office),
            client.patch(f"/office/v1/stores/{part}", json={"version": 1}, headers=office),
            client.delete(f"/office/v1/api-keys/{part}", headers=office),
            client.post(
                f"/office/v1/stores/{part}/terminals", json={"code": "T8", "name": "x"}, headers=office
            ),
            client.get(f"/docs/assets/{part}"),
            client.get(f"/{part}"),
        ):
            if answer.status_code not in (404, 405) or answer.content_type != "application/problem+json":
                wrong.append(f"{part[:20]} {answer.request.path[:60]!r}: {answer.text[:200]}")
    assert wrong == []


def test_a_flag_is_true_or_false_and_not_one_or_yes(bare_shop: Shop) -> None:
    phone = bare_shop.member()
    for value in (1, 0, 1.0, "true", "yes", "", None, []):
        assert_refused(phone.patch("/me", json={"marketing_opt_out": value}), 422, "validation_failed")
    assert phone.get("/me").json["marketing_opt_out"] is False


def test_stores_with_hyphens_are_listed_a_page_at_a_time(shop: Shop) -> None:
    headers = office_headers(shop)
    for code in ("A-1", "A-2", "A-3"):
        shop.open_store(code)
    client = shop.app.test_client()
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/office/v1/stores?limit=1{cursor and '&cursor=' + cursor}", headers=headers).json
        seen += [store["code"] for store in page["items"]]
        cursor = page["next_cursor"]
    assert seen == ["A-1", "A-2", "A-3", "S001"]


@pytest.mark.parametrize(
    ("asked", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-US,en;q=0.9", "en"), ("fr", "zh"), ("", "zh"),
        ("en;q=0.1, zh;q=0.9", "zh"), ("en-US,zh;q=0.1", "en"), ("EN-us, zh", "en"), ("zh, en-US", "zh"),
        ("fr, en-GB;q=0.2", "en"), ("zh;q=0,en", "en"), ("en;q=0", "zh"), ("*", "zh"),
        ("zh-TW", "zh"), ("\xff\xfe;;q=x,,", "zh"), ("en" + ",en" * 2_000, "en"),
    ],
)  # fmt: skip
def test_errors_speak_the_callers_language(bare_shop: Shop, asked: str, language: str) -> None:
    client = bare_shop.app.test_client()
    told = client.get("/api/v1/me", headers={"Accept-Language": asked}).json
    assert told["detail"] == ERRORS["unauthenticated"][language == "en"]


@pytest.mark.parametrize(
    ("unit", "chinese", "english"),
    [
        ("points", "可用积分不足。", "There are not enough points."),
        ("principal_fen", "可用余额不足。", "The balance does not cover this."),
        (None, "可用余额不足。", "The balance does not cover this."),
    ],
)
def test_what_does_not_suffice_is_called_by_its_name(
    app: Flask, unit: str | None, chinese: str, english: str
) -> None:
    for language, sentence in (("zh", chinese), ("en", english)):
        with app.test_request_context(headers={"Accept-Language": language}):
            told = json.loads(refused(NotEnough(unit=unit)).data)
        assert (told["status"], told["detail"]) == (409, sentence)


def test_a_store_needs_a_code_and_a_zone_that_exist(shop: Shop) -> None:
    headers = office_headers(shop)
    client = shop.app.test_client()
    for change, status, code in (
        ({"code": "s1"}, 422, "code_unusable"),
        ({"code": "-S1"}, 422, "code_unusable"),
        ({"code": "店"}, 422, "code_unusable"),
        ({"code": "S001"}, 409, "code_taken"),
        ({"time_zone": "Mars/Base"}, 422, "time_zone_unknown"),
        ({"time_zone": "../../etc/passwd"}, 422, "time_zone_unknown"),
        ({"time_zone": "/etc/passwd"}, 422, "time_zone_unknown"),
        ({"time_zone": "Asia"}, 422, "time_zone_unknown"),
        ({"time_zone": "..."}, 422, "time_zone_unknown"),
        ({"name": "\t"}, 422, "validation_failed"),
    ):
        body = {"code": "S9", "name": "新店", "time_zone": "Asia/Shanghai", **change}
        assert_refused(client.post("/office/v1/stores", json=body, headers=headers), status, code)
