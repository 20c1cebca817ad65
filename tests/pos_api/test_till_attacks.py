"""What one might try with a till or a phone: quotes, sales, refunds; and what users of other products complain of."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.stored_value.policy import StoredValuePolicy
from tests.app.checkout.test_scan import outcome
from tests.conftest import rows
from tests.quoting import CUP, TEA, ask, fill, points_pay, quoted, set_policy, take, taken
from tests.shop import Phone, Shop


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


def refund(shop: Shop, sale: dict[str, Any], who: StaffView, **asked: Any) -> Any:
    body = {"refund_no": uuid.uuid4().hex, "reason": "returned", **shop.proof(who), **asked}
    return shop.till.post(f"/sales/{sale['id']}/refunds", body)


def balances(engine: Engine, phone: Phone) -> dict[object, object]:
    found = rows(
        engine, "SELECT unit, balance FROM ledger_accounts WHERE member_id = :id", id=phone.member_id
    )
    return {unit: balance for unit, balance in found if balance}


def test_a_ticket_of_another_till_or_clerk_is_not_there(shop: Shop, phone: Phone, anna: StaffView) -> None:
    scanned = shop.till.post("/scans", {"code": shop.code(phone), "staff_no": anna.staff_no})
    other = shop.add_till("S001", "T2")
    body = {"ticket": scanned.json["ticket"], "lines": [TEA]}
    assert outcome(other.post("/quotes", body | {"staff_no": anna.staff_no})) == (404, "ticket_unknown")
    assert outcome(shop.till.post("/quotes", body)) == (404, "ticket_unknown")
    quote = shop.till.post("/quotes", body | {"staff_no": anna.staff_no}).json
    assert outcome(take(shop.till, quote)) == (404, "quote_unknown")


def test_one_scan_is_one_sale_however_many_quotes(shop: Shop, phone: Phone, engine: Engine) -> None:
    """Complaint: points are multiplied, awarded twice. A ticket is used up by its first sale, by quote or not."""
    ticket = shop.till.ticket(shop.code(phone))
    body = {"ticket": ticket, "lines": [TEA]}
    first, second = (shop.till.post("/quotes", body).json for _ in range(2))
    taken(shop, first)
    assert outcome(take(shop.till, second)) == (409, "ticket_used")
    assert outcome(shop.till.sell(ticket, 100)) == (409, "ticket_used")
    assert outcome(shop.till.post("/quotes", body)) == (409, "ticket_used")
    assert balances(engine, phone) == {"points": 30}


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": [TEA | {"quantity": -1}]},
        {"lines": [TEA | {"unit_price_fen": -1}]},
        {"lines": [TEA | {"quantity": 9_999, "unit_price_fen": 1_000_000_000}]},
        {"lines": [TEA | {"quantity": 1, "unit_price_fen": 1_000_000_000}, CUP]},
        {"balance_fen": -1},
        {"points": True},
        {"points": "5"},
        {"benefits": "rule:1"},
        {"benefits": ["a\u0000b"]},
    ],
)
def test_numbers_that_would_turn_a_bill_around_are_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    assert outcome(shop.till.post("/quotes", {"lines": [TEA], **wrong})) == (422, "validation_failed")


@pytest.mark.parametrize("key", ["rounding", "rule:1' OR '1'='1", "%(ticket)s", "rule:１", "{}"])
def test_a_benefit_that_is_not_there_is_only_a_word(shop: Shop, phone: Phone, key: str) -> None:
    answer = ask(shop, phone, benefits=[key])
    assert (outcome(answer), answer.json["reason"]) == ((409, "benefit_not_applicable"), "unknown")


def test_points_and_bonus_come_back_as_what_they_were(
    shop: Shop, phone: Phone, engine: Engine, anna: StaffView
) -> None:
    """Complaint: a refund takes points again. Nor does it turn them, or bonus, into money or principal."""
    points_pay()
    set_policy(StoredValuePolicy, confirm_above_fen=None)
    fill(phone, points=1_000, principal_fen=1_000, bonus_fen=1_000)
    before = balances(engine, phone)
    sale = taken(shop, quoted(shop, phone, points=1_000, balance_fen=2_000))
    cash = next(t["amount_fen"] for t in sale["tenders"] if t["kind"] == "other")
    assert cash == 999
    back = [refund(shop, sale, anna, lines=[{"line_no": 1, "quantity": 1}]).json for _ in range(3)]
    back.append(refund(shop, sale, anna).json)
    assert sum(t["amount_fen"] for one in back for t in one["tenders"] if t["kind"] == "other") == cash
    assert balances(engine, phone) == before
    assert outcome(refund(shop, sale, anna)) == (409, "nothing_to_refund")


def test_buying_and_sending_back_earns_nothing(
    shop: Shop, phone: Phone, engine: Engine, anna: StaffView
) -> None:
    """Complaint: refunding leaves the earned points. Whole, in pieces, and after they were spent."""
    points_pay()
    sale = taken(shop, quoted(shop, phone, TEA))
    for _ in range(3):
        refund(shop, sale, anna, lines=[{"line_no": 1, "quantity": 1}])
    assert balances(engine, phone) == {}
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    sale = taken(shop, shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA]}).json)
    fill(phone, points=-30)
    assert refund(shop, sale, anna).json["points_owed"] == 30
    assert balances(engine, phone) == {"points_owed": 30}


def test_a_sale_by_quote_goes_back_by_line_and_not_by_amount(
    shop: Shop, phone: Phone, anna: StaffView
) -> None:
    for bill in ([TEA], [TEA, CUP]):
        sale = taken(shop, quoted(shop, None, *bill))
        assert outcome(refund(shop, sale, anna, amount_fen=1)) == (422, "refund_by_line")


def test_another_store_neither_sees_nor_refunds_the_sale(shop: Shop, phone: Phone) -> None:
    """Complaint: permissions do nothing."""
    sale = taken(shop, quoted(shop, phone, TEA))
    store = shop.open_store("S002")
    ben = shop.person("ben", Grant("clerk", store.id))
    body = {"refund_no": "R", "reason": "returned", "staff_no": ben.staff_no}
    path = f"/sales/{sale['id']}/refunds"
    assert outcome(shop.add_till("S002", "T1").post(path, body)) == (404, "not_found")
    assert outcome(shop.till.post(path, body)) == (403, "forbidden")


def test_a_bill_of_nothing_gives_nothing(shop: Shop, phone: Phone, engine: Engine, anna: StaffView) -> None:
    free = TEA | {"unit_price_fen": 0}
    quote = quoted(shop, phone, free, points=5, balance_fen=5)
    assert (quote["amount_fen"], quote["payable_fen"], quote["points_to_earn"]) == (0, 0, 0)
    sale = taken(shop, quote)
    assert sale["tenders"] == []
    assert refund(shop, sale, anna).json["amount_fen"] == 0
    assert balances(engine, phone) == {}


def test_what_has_ended_pays_nothing(shop: Shop, phone: Phone) -> None:
    """Complaint: expired value is still usable."""
    points_pay()
    fill(phone, points=500, bonus_fen=500, expires_at=clock.now() + timedelta(milliseconds=1))
    quote = quoted(shop, phone, points=500, balance_fen=500)
    assert (quote["points"]["points"], quote["balance"]["most_fen"]) == (0, 0)


def test_the_whole_bill_with_its_cents_is_paid_with_points(shop: Shop, phone: Phone) -> None:
    """Complaint: points cannot pay the whole bill, cents included."""
    points_pay(points_per_yuan=300)
    fill(phone, points=50_000)
    quote = quoted(shop, phone, TEA, CUP, points=50_000)
    assert (quote["points"]["points"], quote["points"]["amount_fen"], quote["payable_fen"]) == (
        11_997,
        3_999,
        0,
    )
    assert taken(shop, quote)["points_earned"] == 0


def test_a_refund_uses_what_was_written_down_and_not_todays_settings(
    shop: Shop, phone: Phone, engine: Engine, anna: StaffView
) -> None:
    """Complaint: a reversal is recomputed with today's settings."""
    points_pay()
    fill(phone, points=500)
    sale = taken(shop, quoted(shop, phone, TEA, points=500))
    points_pay(points_per_yuan=1)
    shop.rule(rate_bp=0)
    back = refund(shop, sale, anna).json
    assert back["points"] == sale["points_earned"] == 25
    assert {"kind": "points", "amount_fen": 500, "points": 500} in back["tenders"]
    assert balances(engine, phone) == {"points": 500}


def test_confirmations_are_for_ones_own_token(shop: Shop, phone: Phone) -> None:
    """A quote's id is no right, and no token no answer."""
    fill(phone, principal_fen=50_000)
    quote = quoted(shop, phone, TEA | {"quantity": 30}, balance_fen=30_000)
    assert quote["confirmation"] == "pending"
    other = shop.member()
    path = f"/me/confirmations/{quote['id']}"
    assert other.post(path, json={"agree": True}).status_code == 404
    assert Phone(0, "x" * 43, phone.client).post(path, json={"agree": True}).status_code == 401
    assert phone.post(path, json={"agree": 1}).status_code == 422
    assert outcome(take(shop.till, quote)) == (409, "quote_not_confirmed")
    assert phone.post(path, json={"agree": True}).json == {"confirmation": "confirmed"}
    assert taken(shop, quote)["balance_after_fen"] == 20_000
