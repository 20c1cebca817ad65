"""Who comes too late to a crowd is told so without a look, and nobody else is."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import clock
from app.coupons.used_up import LASTS_S, UsedUp
from tests.conftest import rows
from tests.coupons import live_template
from tests.shop import Shop

IN_CENTRE = {"in_centre": True}


class Watch:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    """The claims' own knowledge, with nothing in it, by a clock that the test sets."""
    watch = Watch()
    monkeypatch.setattr("app.coupons.claim.USED_UP", UsedUp(watch))
    monkeypatch.setattr("app.identity.sessions.monotonic", watch)
    return watch


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that ask a template."""
    sent: list[str] = []
    execute = psycopg.Cursor.execute

    def note(cursor: Any, query: Any, *values: Any, **options: Any) -> Any:
        if "coupon_templates" in str(query):
            sent.append(str(query))
        return execute(cursor, query, *values, **options)

    monkeypatch.setattr(psycopg.Cursor, "execute", note)
    return sent


def claimer(shop: Shop, template_id: str) -> Callable[[str], Any]:
    phone = shop.member()

    def claim(key: str) -> Any:
        return phone.post("/coupons", json={"template_id": template_id}, headers={"Idempotency-Key": key})

    return claim


def test_what_is_known_lasts_a_second_and_holds_for_those_who_asked_after_it() -> None:
    watch = Watch()
    known = UsedUp(watch)
    assert not known.is_known("t", before_s=100.0)
    known.note("t")
    assert not known.is_known("t", before_s=99.9)
    assert known.is_known("t", before_s=100.0)
    assert known.is_known("t", before_s=100.0 + LASTS_S - 0.01)
    assert not known.is_known("t", before_s=100.0 + LASTS_S)
    assert not known.is_known("another", before_s=100.5)


def test_it_never_holds_more_than_a_process_can_bear() -> None:
    known = UsedUp(Watch())
    for number in range(5_000):
        known.note(str(number))
    assert sum(known.is_known(str(number), before_s=100.0) for number in range(5_000)) <= 1_000


def test_of_a_crowd_only_the_first_who_is_too_late_looks(shop: Shop, watch: Watch, looks: list[str]) -> None:
    template = live_template(clock.now(), stock=1, terms=IN_CENTRE)
    assert claimer(shop, template)("k").status_code == 201
    late = [claimer(shop, template) for _ in range(5)]
    looks.clear()
    for claim in late:
        refused = claim("k")
        assert (refused.status_code, refused.json["code"]) == (409, "coupons_used_up")
    assert len(looks) == 1
    watch.now_s += LASTS_S
    assert late[0]("another").status_code == 409
    assert len(looks) == 2


def test_who_got_the_last_one_gets_it_again_by_the_same_key(shop: Shop, watch: Watch) -> None:
    template = live_template(clock.now(), stock=1, terms=IN_CENTRE)
    winner = claimer(shop, template)
    first = winner("k")
    assert claimer(shop, template)("k").status_code == 409
    again = winner("k")
    assert (again.status_code, again.json) == (201, first.json)


def test_a_key_of_another_request_is_refused_as_such(shop: Shop, watch: Watch) -> None:
    there, gone = (live_template(clock.now(), stock=stock, terms=IN_CENTRE) for stock in (1, 0))
    assert claimer(shop, gone)("k").status_code == 409
    phone = shop.member()
    headers = {"Idempotency-Key": "mine"}
    assert phone.post("/coupons", json={"template_id": there}, headers=headers).status_code == 201
    refused = phone.post("/coupons", json={"template_id": gone}, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")


def test_a_raised_stock_is_there_after_a_second(shop: Shop, engine: Engine, watch: Watch) -> None:
    template = live_template(clock.now(), stock=0, terms=IN_CENTRE)
    claim = claimer(shop, template)
    assert claim("k").status_code == 409
    with engine.begin() as connection:
        connection.execute(text("UPDATE coupon_stock SET stock = 1"))
    assert claim("k").status_code == 409
    watch.now_s += LASTS_S
    assert claim("k").status_code == 201
    assert rows(engine, "SELECT issued FROM coupon_stock") == [(1,)]


def test_of_another_template_nothing_is_known(shop: Shop, watch: Watch) -> None:
    gone = live_template(clock.now(), stock=0, terms=IN_CENTRE)
    assert claimer(shop, gone)("k").status_code == 409
    assert claimer(shop, live_template(clock.now(), stock=1, terms=IN_CENTRE))("k").status_code == 201


def test_who_is_not_signed_in_is_told_that_first(shop: Shop, app: Flask, watch: Watch) -> None:
    gone = live_template(clock.now(), stock=0, terms=IN_CENTRE)
    assert claimer(shop, gone)("k").status_code == 409
    stranger = app.test_client()
    asked = {"json": {"template_id": gone}, "headers": {"Idempotency-Key": "k"}}
    assert stranger.post("/api/v1/coupons", **asked).status_code == 401
