"""The keys that point-of-sale machines present."""

import hashlib
import time
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.errors import Unauthenticated
from app.staff.roles import Grant
from app.stores import setup, tills
from app.stores.tills import Till
from tests.actors import Actors, keys
from tests.conftest import rows
from tests.shop import Shop


def test_a_key_is_told_once_and_kept_as_a_hash(shop: Shop, actors: Actors, engine: Engine) -> None:
    client, headers = shop.app.test_client(), actors.headers("manager")
    made = client.post(
        "/office/v1/api-keys", json={"store": "S001", "terminal": "T1", "name": "备用"}, headers=headers
    ).json
    assert made["key"].startswith("mc_")
    assert len(made["key"]) >= 43

    listed = client.get("/office/v1/api-keys", headers=headers)
    [shown] = [key for key in listed.json["items"] if key["id"] == made["id"]]
    assert shown["hint"] == made["key"][-4:]
    assert made["key"] not in listed.text
    [(kept,)] = rows(engine, "SELECT key_hash FROM api_keys WHERE id = :id", id=made["id"])
    assert kept == hashlib.sha256(made["key"].encode()).digest()
    everything = rows(engine, "SELECT k::text FROM api_keys k UNION ALL SELECT a::text FROM audit_log a")
    assert made["key"] not in str(everything)


def test_a_manager_lists_makes_and_revokes_keys_of_the_own_store_only(shop: Shop, actors: Actors) -> None:
    client, headers = shop.app.test_client(), actors.headers("manager")
    [foreign] = [key for key in keys() if key.store_code == "S002"]
    listed = client.get("/office/v1/api-keys", headers=headers).json["items"]
    assert {key["store"] for key in listed} == {"S001"}
    other = {"store": "S002", "terminal": "T1", "name": "x"}
    assert client.post("/office/v1/api-keys", json=other, headers=headers).status_code == 404
    # Not 403: whether there is such a store or key is nobody's business here.
    assert client.delete(f"/office/v1/api-keys/{foreign.id}", headers=headers).status_code == 404
    assert actors.till_2.get("/sales/x").status_code == 404


def test_a_revoked_key_is_worth_nothing_from_the_next_request_on(shop: Shop) -> None:
    assert shop.till.sell(None, 100).status_code == 201
    [key] = keys()
    setup.revoke_api_key(key_id=key.id, actor=OPERATOR, now=clock.now())
    assert shop.till.sell(None, 100).status_code == 401
    setup.revoke_api_key(key_id=key.id, actor=OPERATOR, now=clock.now())
    assert keys()[0].revoked_at is not None


def test_a_key_that_was_good_a_moment_ago_is_asked_about_in_the_sale_itself(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sale's guard believes it for a minute; neither a sale nor a former answer comes of that."""
    sold = shop.till.sell(None, 100, idempotency_key="first")
    assert sold.status_code == 201
    monkeypatch.setattr(tills, "_found", refuse_to_ask)
    assert shop.till.sell(None, 100).status_code == 201  # negative control: the guard did not ask
    with engine.begin() as connection:
        connection.execute(text("UPDATE api_keys SET revoked_at = now()"))
    assert shop.till.sell(None, 100, idempotency_key="first").status_code == 401
    assert shop.till.sell(None, 100).status_code == 401
    assert rows(engine, "SELECT count(*) FROM sales") == [(2,)]


def refuse_to_ask(_: bytes) -> Till:
    raise Unauthenticated


def test_a_key_is_believed_for_a_minute_only(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    assert shop.till.sell(None, 100).status_code == 201
    monkeypatch.setattr(tills, "_found", refuse_to_ask)
    later = time.monotonic() + 61
    monkeypatch.setattr(tills, "monotonic", lambda: later)
    assert shop.till.sell(None, 100).status_code == 401


def test_a_store_that_moved_to_another_time_zone_has_its_new_day_from_the_next_sale_on(
    shop: Shop, engine: Engine
) -> None:
    """Kiritimati and Niue are a day apart at any hour."""
    days = []
    for zone in ("Pacific/Niue", "Pacific/Kiritimati", "Pacific/Niue"):
        with engine.begin() as connection:
            connection.execute(text("UPDATE stores SET time_zone = :zone"), {"zone": zone})
        days.append(date.fromisoformat(shop.till.sell(None, 100).json["business_date"]))
    assert days[1] - days[0] >= timedelta(days=1)
    assert days[1] - days[2] >= timedelta(days=1)


def test_a_till_learns_what_became_of_a_sale_after_its_clerk_has_left(shop: Shop, engine: Engine) -> None:
    anna = shop.person("anna", Grant("clerk", shop.store.id)).staff_no
    scan = {"code": shop.code(shop.member()), "staff_no": anna}
    ticket = shop.till.post("/scans", scan, "scan").json["ticket"]
    sale = {"ticket": ticket, "receipt_no": "R-1", "amount_fen": 100, "staff_no": anna}
    sold = shop.till.post("/sales", sale, "sale").json
    with engine.begin() as connection:
        connection.execute(text("UPDATE staff SET status = 'disabled', disabled_rank = 2"))
    assert shop.till.post("/scans", scan, "scan").json["ticket"] == ticket
    assert shop.till.post("/sales", sale, "sale").json == sold
    refused = shop.till.post("/sales", {**sale, "ticket": None, "receipt_no": "R-2"}, "another")
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")


def test_a_closed_store_takes_no_sale_until_it_opens_again(shop: Shop) -> None:
    code = shop.code(shop.member())
    for version, (status, answer) in enumerate((("closed", 401), ("open", 201)), start=1):
        setup.change_store(
            code="S001", version=version, name=None, status=status, actor=OPERATOR, now=clock.now()
        )
        assert shop.till.scan(code).status_code == answer


def test_whatever_is_wrong_with_a_key_the_answer_is_the_same(shop: Shop) -> None:
    client = shop.app.test_client()
    answers = [
        client.get("/pos/v1/sales/x", headers={"Authorization": value})
        for value in (
            "Bearer mc_" + "x" * 43,
            "Bearer " + shop.till.key[:-1],
            "Bearer " + shop.till.key + "\xff",
            "Bearer  " + shop.till.key,
            "Basic " + shop.till.key,
            "Bearer",
            "Bearer " + "x" * 100_000,
            shop.till.key,
        )
    ]
    assert {a.status_code for a in answers} == {401}
    assert len({(a.json["code"], a.json["detail"]) for a in answers}) == 1
    assert all(a.headers["WWW-Authenticate"] == "Bearer" for a in answers)
