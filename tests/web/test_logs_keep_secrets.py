"""One line of JSON for each request, and in it nothing that belongs to a person or opens a door."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from flask import Flask
from sqlalchemy import text

from app import db
from tests.shop import Shop
from web import logs

MARK = "zz7mark7zz"


class Heard:
    """What went to standard error, by either way there."""

    def __init__(self) -> None:
        self.kept = io.BytesIO()
        self.stream = io.TextIOWrapper(self.kept, encoding="utf-8", write_through=True)

    def getvalue(self) -> str:
        return self.kept.getvalue().decode()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> Iterator[Heard]:
    """What is logged from now on, at the level that tells most."""
    heard = Heard()
    with monkeypatch.context() as instead:
        instead.setattr(sys, "stderr", heard.stream)
        logs.configure("debug")
    # A logger keeps the level and the stream it first spoke with.
    monkeypatch.setattr(logs, "access", structlog.get_logger())
    yield heard
    logs.configure("warning")


def read(lines: Heard) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def requests_in(lines: Heard) -> list[dict[str, Any]]:
    return [line for line in read(lines) if line.get("event") == "request"]


def test_a_request_is_one_line_with_route_status_time_and_id(bare_shop: Shop, lines: Heard) -> None:
    bare_shop.app.test_client().get("/api/v1/me?x=1", headers={"X-Request-Id": "request-of-mine"})
    [line] = requests_in(lines)
    assert line["ms"] >= 0
    assert {name: line[name] for name in ("method", "route", "status", "code", "request_id", "level")} == {
        "method": "GET",
        "route": "/api/v1/me",
        "status": 401,
        "code": "unauthenticated",
        "request_id": "request-of-mine",
        "level": "info",
    }
    assert set(line) == {
        "method", "route", "status", "ms", "code", "request_id", "event", "level", "logger", "timestamp"
    }  # fmt: skip


def test_probes_are_not_logged_unless_they_fail(bare_shop: Shop, lines: Heard) -> None:
    bare_shop.app.test_client().get("/healthz")
    bare_shop.app.test_client().get("/readyz")
    assert requests_in(lines) == []


def test_nothing_that_was_sent_stands_in_the_log(bare_shop: Shop, lines: Heard) -> None:
    """Every place where a caller can put something holds the mark; so does the token of a real session."""
    client, phone = bare_shop.app.test_client(), bare_shop.member(f"名{MARK}")
    code = bare_shop.code(phone)
    marked = {
        "Authorization": f"Bearer {MARK}{MARK}",
        "User-Agent": MARK,
        "Referer": f"https://x/{MARK}",
        "Cookie": f"a={MARK}",
        "Idempotency-Key": MARK,
        "X-Request-Id": f"{MARK}<",
        "X-Forwarded-For": MARK,
    }
    client.get(f"/{MARK}?{MARK}={MARK}", headers=marked)
    client.open("/api/v1/config", method=MARK.upper(), headers=marked)
    for path in ("/pos/v1/sales", "/pos/v1/scans", "/api/v1/login", "/office/v1/login", "/api/v1/me"):
        client.post(path, json={MARK: MARK}, headers=marked)
        client.post(path, data=MARK, headers=marked)
    client.post("/office/v1/login", json={"login": MARK, "password": MARK})
    client.post(
        "/api/v1/login", json={"provider": "telegram", "code": MARK}, headers={"Idempotency-Key": MARK}
    )
    bare_shop.till.scan(code + "1")
    bare_shop.till.scan(f"13800138000{MARK}")
    bare_shop.till.get(f"/sales/{MARK}")
    phone.patch("/me", json={"name": MARK * 30})
    phone.get(f"/me/points/entries?cursor={MARK}")

    written = lines.getvalue()
    assert len(requests_in(lines)) >= 17
    for secret in (MARK, MARK.upper(), code, phone.token, bare_shop.till.key, "13800138000"):
        assert secret not in written


def test_a_crash_tells_the_caller_nothing_and_the_log_where(
    bare_shop: Shop, lines: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A statement that fails with a member's data in it: the driver's words would quote both."""

    def broken(*_: object, **__: object) -> None:
        with db.transaction() as session:
            session.execute(
                text("INSERT INTO members (name, phone) VALUES (:name, 13800138000)"), {"name": MARK}
            )

    monkeypatch.setattr("pos_api.sales.record_sale", broken)
    for language, sentence in (("zh", "系统出错了"), ("en", "Something went wrong")):
        answer = bare_shop.till.post(
            "/sales", {"receipt_no": MARK, "amount_fen": 1}, headers={"Accept-Language": language}
        )
        assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
        assert sentence in answer.json["detail"]
        assert set(answer.json) == {"type", "title", "status", "code", "detail", "request_id"}
        for word in (MARK, "INSERT", "Traceback", "psycopg", "sqlalchemy", ".py"):
            assert word not in answer.text

    written = lines.getvalue()
    for secret in (MARK, "13800138000", "INSERT"):
        assert secret not in written
    crash = next(line for line in read(lines) if "exception" in line)
    assert crash["level"] == "error"
    assert any("test_logs_keep_secrets.py" in frame for frame in crash["exception"][0]["at"])
    assert {"psycopg.errors.UndefinedColumn", "psycopg.errors.DatatypeMismatch"} & {
        link["type"] for link in crash["exception"]
    }


def test_a_crash_outside_the_database_is_told_the_same_way(
    bare_shop: Shop, lines: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: object) -> None:
        raise ValueError(f"not a phone number: {MARK}")

    monkeypatch.setattr("pos_api.sales.record_sale", broken)
    answer = bare_shop.till.post("/sales", {"receipt_no": "R", "amount_fen": 1})
    assert answer.status_code == 500
    assert MARK not in answer.text + lines.getvalue()
    [crash] = [line for line in read(lines) if "exception" in line]
    assert crash["exception"][0]["type"] == "builtins.ValueError"


def test_logging_through_the_standard_library_is_json_too(whole_app: Flask, lines: Heard) -> None:
    logging.getLogger("somebody.else").warning("a %s word", "plain")
    assert read(lines)[-1]["event"] == "a plain word"
