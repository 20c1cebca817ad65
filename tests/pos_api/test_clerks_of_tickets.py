"""A scan may name its clerk, or leave it to the sale; it never changes from one to another."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.app.stored_value.offering import ticket as scanned
from tests.app.stored_value.offering import topped_up
from tests.conftest import rows
from tests.shop import Phone, Shop


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


@pytest.fixture
def ben(shop: Shop) -> StaffView:
    return shop.person("ben", Grant("clerk", shop.store.id))


def sell(shop: Shop, ticket: str, who: StaffView | None) -> Any:
    body = {"ticket": ticket, "receipt_no": ticket[:20], "amount_fen": 1_000}
    return shop.till.post("/sales", body if who is None else body | {"staff_no": who.staff_no})


def test_a_scan_without_clerk_serves_whoever_rings_up(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    ticket = scanned(shop, phone)
    topped = topped_up(shop, phone, ticket=ticket, clerk=anna)
    assert topped.status_code == 201, topped.json
    assert sell(shop, ticket, anna).json["points_earned"] == 10
    guest = shop.till.sell(None, 500).json
    body = {"ticket": scanned(shop, phone), "staff_no": anna.staff_no}
    assert shop.till.post(f"/sales/{guest['id']}/member", body).json["points_earned"] == 5
    assert rows(engine, "SELECT staff_id FROM sales WHERE ticket_id IS NOT NULL") == [(anna.id,)]


def test_a_scan_of_a_clerk_is_that_clerks_and_the_refusal_says_so(
    shop: Shop, phone: Phone, anna: StaffView, ben: StaffView
) -> None:
    ticket = scanned(shop, phone, clerk=anna)
    guest = shop.till.sell(None, 500).json
    refused = [
        sell(shop, ticket, ben),
        sell(shop, ticket, None),
        topped_up(shop, phone, ticket=ticket, clerk=ben),
        shop.till.post(f"/sales/{guest['id']}/member", {"ticket": ticket, "staff_no": ben.staff_no}),
    ]
    assert {(one.status_code, one.json["code"], one.json["reason"]) for one in refused} == {
        (404, "ticket_unknown", "other_clerk")
    }
    nowhere = sell(shop, "no-such-ticket", ben)
    assert (nowhere.status_code, nowhere.json["code"], "reason" in nowhere.json) == (
        404,
        "ticket_unknown",
        False,
    )
    assert sell(shop, ticket, anna).status_code == 201
