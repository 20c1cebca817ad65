"""The document itself: complete, consistent, and the one that is committed."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from commands.openapi import document
from tests.conftest import ROOT
from web import document as openapi

FIX = "run: flask --app wsgi openapi print --output docs/openapi.json"


@pytest.fixture(scope="module")
def spec(whole_app: Flask) -> dict[str, Any]:
    return openapi.document(whole_app)


def operations(spec: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [
        (f"{method} {path}", item[method])
        for path, item in spec["paths"].items()
        for method in openapi.METHODS
        if method in item
    ]


def test_the_committed_copy_is_current(whole_app: Flask) -> None:
    with whole_app.app_context():
        assert (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8") == document(), FIX


def test_the_served_document_is_the_same(whole_app: Flask, spec: dict[str, Any]) -> None:
    served = whole_app.test_client().get("/openapi.json")
    assert served.content_type == "application/json"
    assert served.json == spec


def test_every_json_route_is_described(whole_app: Flask, spec: dict[str, Any]) -> None:
    served = {
        (
            method.lower(),
            "/".join(
                p.partition(":")[2].join("{}").replace(">", "") if p.startswith("<") else p
                for p in rule.rule.split("/")
            ),
        )
        for rule in whole_app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/pos/", "/office/"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {tuple(name.split(" ")) for name, _ in operations(spec)}
    assert served == described


def test_every_operation_is_described_in_full(spec: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, operation in operations(spec)]
    assert len(set(ids)) == len(ids)
    for name, operation in operations(spec):
        assert operation["summary"], name
        assert len(operation["tags"]) == 1, name
        assert "security" in operation, name
        good = [status for status in operation["responses"] if status.startswith("2")]
        assert len([status for status in good if status != "202"]) == 1, name  # 202: it waits for somebody
        assert "default" not in operation["responses"], name


def test_refusals_are_problem_documents(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        refusals = {s: told for s, told in operation["responses"].items() if not s.startswith("2")}
        for told in refusals.values():
            [kind] = spec["components"]["responses"][told["$ref"].rsplit("/", 1)[1]]["content"]
            assert kind == "application/problem+json"
        if operation["security"]:
            assert {"401", "429", "503"} <= set(refusals), name
        if "requestBody" in operation:
            assert {"400", "409", "413", "415", "422"} <= set(refusals), name
        if "{" in name:
            assert "404" in refusals, name
        if "/office/" in name and operation["security"]:
            assert "403" in refusals, name


def test_what_moves_value_asks_for_a_key(spec: dict[str, Any]) -> None:
    keyed = {
        name
        for name, operation in operations(spec)
        if any(p["name"] == "Idempotency-Key" and p["required"] for p in operation.get("parameters", []))
    }
    assert {
        "post /pos/v1/scans",
        "post /pos/v1/sales",
        "post /api/v1/login",
        "post /api/v1/me/phone",
    } <= keyed


def test_only_the_declared_operations_are_open(spec: dict[str, Any]) -> None:
    assert {name for name, operation in operations(spec) if not operation["security"]} == {
        "get /api/v1/config",
        "get /api/v1/pictures/{picture_id}",
        "post /api/v1/login",
        "post /office/v1/login",
    }


def test_every_schema_is_closed_but_the_problem(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    assert [n for n, s in schemas.items() if s.get("additionalProperties") is not False] == ["Problem"]
    text = str(spec["paths"]) + str(schemas) + str(spec["components"]["responses"])
    assert [name for name in schemas if f"#/components/schemas/{name}'" not in text] == []


def test_every_bound_leaves_something_between(spec: dict[str, Any]) -> None:
    """A shortest length above the longest is a field that nobody can fill in."""
    pairs = (("minLength", "maxLength"), ("minItems", "maxItems"), ("minimum", "maximum"))
    crossed = [
        (where, low, node[low], node[high])
        for where, node in nodes(spec)
        for low, high in pairs
        if isinstance(node.get(low), int) and isinstance(node.get(high), int) and node[low] > node[high]
    ]
    assert crossed == []


def nodes(part: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of the document and where it stands."""
    if isinstance(part, dict):
        yield where, part
    inner = part.items() if isinstance(part, dict) else enumerate(part) if isinstance(part, list) else ()
    for name, value in inner:
        yield from nodes(value, f"{where}/{name}")
