"""Rewards are handed over at the counter: to the member who is there, where they wait, and once."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.engagement.rewards.reward import Place
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.app.stored_value.offering import ticket
from tests.conftest import rows
from tests.phones import bound
from tests.quoting import fill
from tests.rewards import exchanged, given_up, item, mugs
from tests.shop import Phone, Shop, TillClient


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


@pytest.fixture
def phone(shop: Shop) -> Phone:
    phone = shop.member("陈一二")
    fill(phone, points=1_000)
    return phone


def handed(till: TillClient, opened: str, order_id: str, clerk: StaffView, key: str | None = None) -> Any:
    body = {"ticket": opened, "order_id": order_id, "staff_no": clerk.staff_no}
    return till.post("/reward-hand-overs", body, idempotency_key=key)


def test_what_waits_is_found_by_the_code_and_handed_over_once(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    first, second = (exchanged(phone, mugs(shop)) for _ in range(2))
    opened = ticket(shop, phone)
    listed = shop.till.get(f"/reward-orders?ticket={opened}").json["items"]
    assert [one["id"] for one in listed] == [second["id"], first["id"]]
    assert (listed[0]["member"], listed[0]["name"]) == ("陈**", "马克杯")
    done = handed(shop.till, opened, first["id"], anna, "k")
    assert (done.status_code, done.json["state"]) == (201, "handed_over")
    assert handed(shop.till, opened, first["id"], anna, "k").data == done.data
    refused = handed(shop.till, opened, first["id"], anna)
    assert (refused.status_code, refused.json["code"], refused.json["state"]) == (
        409, "reward_order_over", "handed_over",
    )  # fmt: skip
    assert [one["id"] for one in shop.till.get(f"/reward-orders?ticket={opened}").json["items"]] == [
        second["id"]
    ]
    assert given_up(phone, first["id"]).json["code"] == "reward_order_over"
    assert rows(engine, "SELECT actor_id, object_id FROM audit_log WHERE action = 'reward.hand_over'") == [
        (anna.id, first["id"])
    ]


def test_only_whoever_shows_the_code_gets_it_and_only_there(
    shop: Shop, phone: Phone, anna: StaffView
) -> None:
    order = exchanged(phone, mugs(shop))
    stranger = ticket(shop, shop.member())
    assert handed(shop.till, stranger, order["id"], anna).status_code == 404
    assert shop.till.get(f"/reward-orders?ticket={stranger}").json["items"] == []
    other = shop.open_store("S002")
    bert, till_2 = shop.person("bert", Grant("clerk", other.id)), shop.add_till("S002", "T1")
    there = ticket(shop, phone, till=till_2)
    assert till_2.get(f"/reward-orders?ticket={there}").json["items"] == []
    assert handed(till_2, there, order["id"], bert).status_code == 404
    assert handed(shop.till, there, order["id"], anna).json["code"] == "ticket_unknown"
    assert handed(shop.till, ticket(shop, phone), order["id"], bert).status_code == 403
    assert handed(shop.till, ticket(shop, phone), order["id"], anna).status_code == 201


def test_who_was_found_by_a_number_fetches_nothing(shop: Shop, phone: Phone, anna: StaffView) -> None:
    order = exchanged(bound(shop, phone), mugs(shop))
    named = {"staff_no": anna.staff_no}
    found = shop.till.post("/scans/by-phone", {"phone": "13800138000", **named}).json["ticket"]
    assert handed(shop.till, found, order["id"], anna).json["code"] == "ticket_earns_only"
    listed = shop.till.get(f"/reward-orders?ticket={found}&staff_no={anna.staff_no}")
    assert listed.json["code"] == "ticket_earns_only"


def test_what_has_waited_too_long_is_not_handed_over(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, real = exchanged(phone, mugs(shop)), clock.now
    monkeypatch.setattr(clock, "now", lambda: real() + timedelta(days=15))
    opened = ticket(shop, phone)
    assert shop.till.get(f"/reward-orders?ticket={opened}").json["items"] == []
    refused = handed(shop.till, opened, order["id"], anna).json
    assert (refused["code"], refused["state"]) == ("reward_order_over", "expired")


def test_staff_undo_an_exchange_in_their_stores(shop: Shop, engine: Engine, phone: Phone) -> None:
    first, second = (exchanged(phone, mugs(shop)) for _ in range(2))
    other = shop.open_store("S002")
    people = {
        "anna": shop.person("anna", Grant("clerk", shop.store.id)),
        "bert": shop.person("bert", Grant("clerk", other.id)),
    }

    def undone(who: str, order_id: str, key: str) -> Any:
        headers = {"Authorization": f"Bearer {staff_token(people[who].id)}", "Idempotency-Key": key}
        return shop.app.test_client().post(
            f"/office/v1/reward-orders/{order_id}/cancel", json={"note": "damaged"}, headers=headers
        )

    assert undone("bert", first["id"], "b").status_code == 404
    done = undone("anna", first["id"], "a")
    assert (done.status_code, done.json["state"], done.json["cancelled_for"]) == (200, "cancelled", "staff")
    assert undone("anna", first["id"], "a").data == done.data
    assert phone.get("/me/points").json["points"] == 900
    headers = {"Authorization": f"Bearer {staff_token(people['anna'].id)}"}
    client = shop.app.test_client()
    listed = client.get("/office/v1/reward-orders?state=ready", headers=headers).json["items"]
    assert [one["id"] for one in listed] == [second["id"]]


def test_who_makes_items_reads_who_exchanged_for_them_in_their_stores_masked(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    """Who may refund there as well is told the whole number, and where they may not, none."""
    other = shop.open_store("S002")
    there = exchanged(phone, item(Place(store_id=other.id, stock=3)), store="S002")
    here = exchanged(phone, mugs(shop))
    number = str(phone.get("/me").json["member_no"])

    def listed(name: str, *grants: Grant) -> list[tuple[str, str]]:
        headers = {"Authorization": f"Bearer {staff_token(shop.person(name, *grants).id)}"}
        client = shop.app.test_client()
        undone = client.post(
            f"/office/v1/reward-orders/{here['id']}/cancel",
            json={"note": "damaged"},
            headers=headers | {"Idempotency-Key": name},
        )
        assert undone.status_code == (404 if len(grants) == 2 else 403)
        found = client.get("/office/v1/reward-orders", headers=headers).json["items"]
        return [(one["id"], one["member_no"]) for one in found]

    masked, makes = f"{'*' * (len(number) - 4)}{number[-4:]}", Grant("marketer", shop.store.id)
    assert listed("mark", makes) == [(here["id"], masked)]
    assert listed("both", makes, Grant("clerk", other.id)) == [(here["id"], masked), (there["id"], number)]
    assert listed("all", Grant("marketer", None)) == [(here["id"], masked), (there["id"], masked)]
