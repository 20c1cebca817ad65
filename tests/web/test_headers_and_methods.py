"""What every answer carries, and what happens to requests that fit no route."""

from typing import Any

import pytest
from flask import Flask

from tests.shop import Shop

NOTHING = "default-src 'none'; frame-ancestors 'none'"


def answers(shop: Shop) -> list[Any]:
    """A good one of each kind, and one of each way to fail before, in and after routing."""
    client = shop.app.test_client()
    return [
        client.get("/healthz"),
        client.get("/api/v1/config"),
        client.get("/docs"),
        client.get("/openapi.json"),
        client.get("/no/such/place"),
        client.get("/%00"),
        client.put("/api/v1/me"),
        client.get("/api/v1/me"),
        client.post("/api/v1/login", data="x", content_type="text/plain"),
        client.post("/api/v1/login", json={}),
        client.options("/api/v1/config"),
        client.open("/api/v1/config", method="BREW"),
        client.get("//api/v1/config"),
        shop.member().post("/logout"),
    ]


def test_every_answer_carries_the_headers_that_keep_browsers_from_harm(bare_shop: Shop) -> None:
    for answer in answers(bare_shop):
        headers = answer.headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert len(headers["X-Request-Id"]) == 16
        policy = headers["Content-Security-Policy"]
        if answer.request.path == "/docs":
            assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
            assert "unsafe" not in policy
        else:
            assert policy == NOTHING
        assert "Strict-Transport-Security" not in headers
        assert "Access-Control-Allow-Origin" not in headers
        assert "Set-Cookie" not in headers
        answer.close()


def test_over_https_browsers_are_told_to_stay_there(bare_shop: Shop) -> None:
    given = bare_shop.app.test_client().get("/healthz", base_url="https://shop.example")
    assert given.headers["Strict-Transport-Security"].startswith("max-age=63072000")


@pytest.mark.parametrize("asked", ["abcdefgh", "A-1.b_2" * 3, "x" * 64])
def test_a_request_keeps_the_id_it_came_with(bare_shop: Shop, asked: str) -> None:
    given = bare_shop.app.test_client().get("/api/v1/me", headers={"X-Request-Id": asked})
    assert given.headers["X-Request-Id"] == given.json["request_id"] == asked


@pytest.mark.parametrize(
    "asked", ["", "short", "x" * 65, "a b c d e f", "<script>alert(1)</script>", "abcdefgh\xff", "../../../etc"]
)  # fmt: skip
def test_a_hostile_id_is_replaced(bare_shop: Shop, asked: str) -> None:
    given = bare_shop.app.test_client().get("/api/v1/me", headers={"X-Request-Id": asked})
    assert given.headers["X-Request-Id"] != asked
    assert given.headers["X-Request-Id"] == given.json["request_id"]


def test_another_method_is_refused_with_those_that_are_allowed(bare_shop: Shop) -> None:
    client = bare_shop.app.test_client()
    for path, method, allowed in (
        ("/api/v1/config", "DELETE", {"GET", "HEAD", "OPTIONS"}),
        ("/api/v1/me", "PUT", {"GET", "HEAD", "OPTIONS", "POST", "PATCH"}),
        ("/pos/v1/scans", "GET", {"POST", "OPTIONS"}),
        ("/office/v1/staff", "BREW", {"GET", "HEAD", "OPTIONS", "POST"}),
    ):
        given = client.open(path, method=method)
        assert (given.status_code, given.json["code"]) == (405, "method_not_allowed")
        assert set(given.headers["Allow"].split(", ")) == allowed


def test_an_unknown_address_is_a_problem_document(bare_shop: Shop) -> None:
    client = bare_shop.app.test_client()
    for path in (
        "/nothing",
        "/api/v2/me",
        "/api/v1/me/",
        "/pos/v1/",
        "/office/v1/staff/x",
        "/.env",
        "/docs/",
    ):
        given = client.get(path)
        assert (given.status_code, given.json["code"]) == (404, "no_such_route"), path
        assert given.content_type == "application/problem+json"


def test_head_answers_as_get_without_a_body(bare_shop: Shop) -> None:
    client = bare_shop.app.test_client()
    assert client.head("/api/v1/config").status_code == 200
    assert client.head("/api/v1/config").data == b""
    assert client.head("/api/v1/me").status_code == 401


def test_options_tells_methods_and_gives_no_other_site_leave(bare_shop: Shop) -> None:
    client = bare_shop.app.test_client()
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    given = client.options("/api/v1/config", headers=asked)
    assert given.status_code == 200
    assert "GET" in given.headers["Allow"]
    assert client.options("/api/v1/me", headers=asked).status_code == 401
    assert not [name for name, _ in given.headers if name.startswith("Access-Control")]


def test_an_answer_without_content_has_no_type(bare_shop: Shop) -> None:
    given = bare_shop.member().post("/logout")
    assert (given.status_code, given.data) == (204, b"")
    assert "Content-Type" not in given.headers


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_a_number_no_column_can_hold_is_an_address_that_is_not_there(app: Flask, method: str) -> None:
    """Also where several methods share the address, of which the first would have claimed it."""
    answer = app.test_client().open(f"/office/v1/staff/{10**18}/memberships/1", method=method)
    assert (answer.status_code, answer.json["code"]) == (404, "no_such_route")
