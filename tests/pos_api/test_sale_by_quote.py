"""A sale takes its quote as it stands: points and stored value are spent, the rest is money, all of it or nothing."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.checkout.pricing import RoundingPolicy
from app.checkout.quote import QUOTE_LIFE
from app.stored_value.policy import StoredValuePolicy
from tests.app.checkout.test_scan import outcome
from tests.conftest import rows
from tests.quoting import CUP, TEA, ask, fill, points_pay, quoted, set_policy, take, taken
from tests.racing import race
from tests.shop import Phone, Shop

RUNNERS = 16


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


def has(engine: Engine, phone: Phone) -> dict[object, object]:
    found = rows(
        engine, "SELECT unit, balance FROM ledger_accounts WHERE member_id = :id", id=phone.member_id
    )
    return {unit: balance for unit, balance in found if balance}


def test_points_and_stored_value_pay_and_only_money_earns(shop: Shop, phone: Phone, engine: Engine) -> None:
    fill(phone, points=500, principal_fen=1_200, bonus_fen=300)
    points_pay()
    quote = quoted(shop, phone, points=500, balance_fen=1_500)
    assert (quote["goods_fen"], quote["amount_fen"], quote["payable_fen"]) == (3_999, 3_999, 1_999)
    assert (quote["points"]["points"], quote["points"]["amount_fen"]) == (500, 500)
    assert (quote["balance"]["principal_fen"], quote["balance"]["bonus_fen"]) == (1_200, 300)
    # 39.99 less 5.00 of points and 3.00 of bonus: 31.99 were money.
    assert quote["points_to_earn"] == 31
    sale = taken(shop, quote, tenders=[{"kind": "cash", "amount_fen": 1_999}])
    assert (sale["points_earned"], sale["points_after"], sale["balance_after_fen"]) == (31, 31, 0)
    assert {tender["kind"]: tender["amount_fen"] for tender in sale["tenders"]} == {
        "points": 500,
        "bonus": 300,
        "principal": 1_200,
        "cash": 1_999,
    }
    assert has(engine, phone) == {"points": 31}


def test_a_sale_without_member_is_rounded_and_nothing_else(shop: Shop, engine: Engine) -> None:
    set_policy(RoundingPolicy, down_to_fen=10)
    quote = quoted(shop, None, points=100, balance_fen=100)
    assert (quote["amount_fen"], quote["rounding_fen"], quote["payable_fen"]) == (3_990, 9, 3_990)
    sale = taken(shop, quote)
    assert (sale["amount_fen"], sale["discount_fen"], sale["points_after"]) == (3_990, 9, None)
    assert sale["tenders"] == [{"kind": "other", "amount_fen": 3_990, "points": 0}]
    assert rows(engine, "SELECT discount_fen FROM sale_lines ORDER BY line_no") == [(7,), (2,)]


def test_a_repeated_request_gets_the_same_answer(shop: Shop, phone: Phone, engine: Engine) -> None:
    fill(phone, principal_fen=5_000)
    quote = quoted(shop, phone, balance_fen=5_000)
    body = {"quote_id": quote["id"], "receipt_no": "R-1"}
    first, second = (shop.till.post("/sales", body, "key") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    assert has(engine, phone) == {"principal_fen": 1_001, "points": 39}
    again = take(shop.till, quote)
    assert (outcome(again), again.json["sale_id"]) == ((409, "quote_used"), first.json["id"])
    shown = shop.till.get(f"/quotes/{quote['id']}").json
    assert shown["sale_id"] == first.json["id"]


def test_what_was_quoted_holds_for_some_minutes_whatever_is_changed(shop: Shop, phone: Phone) -> None:
    fill(phone, points=500)
    points_pay()
    quote = quoted(shop, phone, points=500)
    points_pay(points_per_yuan=1_000)
    shop.rule(rate_bp=50_000)
    sale = taken(shop, quote)
    assert (sale["tenders"][0]["amount_fen"], sale["points_earned"]) == (500, 34)


def test_a_quote_ends(shop: Shop, phone: Phone, engine: Engine) -> None:
    quote = quoted(shop, phone)
    _older(engine, quote, QUOTE_LIFE)
    assert outcome(take(shop.till, quote)) == (410, "quote_expired")


def _older(engine: Engine, quote: dict[str, Any], by: timedelta) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE quotes DISABLE TRIGGER quotes_kept"))
        connection.execute(
            text("UPDATE quotes SET expires_at = expires_at - CAST(:by AS interval) WHERE id = :id"),
            {"by": by, "id": quote["id"]},
        )
        connection.execute(text("ALTER TABLE quotes ENABLE TRIGGER quotes_kept"))


def test_a_quote_is_of_its_terminal(shop: Shop, phone: Phone) -> None:
    other = shop.add_till("S001", "T2")
    quote = quoted(shop, phone)
    assert outcome(take(other, quote)) == (404, "quote_unknown")
    assert other.get(f"/quotes/{quote['id']}").status_code == 404
    assert outcome(take(shop.till, {"id": "0" * 26})) == (404, "quote_unknown")


def test_the_member_spent_it_meanwhile(shop: Shop, phone: Phone, engine: Engine) -> None:
    fill(phone, points=500, principal_fen=1_000)
    points_pay()
    first = quoted(shop, phone, points=500)
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    other = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA], "points": 100}).json
    assert taken(shop, other)["points_earned"] == 29
    answer = take(shop.till, first)
    assert outcome(answer) == (409, "quote_outdated")
    assert (answer.json["what"], answer.json["quoted"], answer.json["available"]) == ("points", 500, 429)
    assert rows(engine, "SELECT count(*) FROM sales") == [(1,)]


@pytest.mark.parametrize(
    ("tenders", "answer"),
    [
        ([], 201),
        ([{"kind": "cash", "amount_fen": 3_000}, {"kind": "wechat_pay", "amount_fen": 999}], 201),
        ([{"kind": "cash", "amount_fen": 3_000}, {"kind": "cash", "amount_fen": 999}], 201),
        ([{"kind": "cash", "amount_fen": 3_998}], 422),
        ([{"kind": "points", "amount_fen": 3_999}], 422),
    ],
)
def test_tenders_come_to_what_is_to_be_paid(
    shop: Shop, phone: Phone, tenders: list[dict[str, Any]], answer: int
) -> None:
    assert take(shop.till, quoted(shop, phone), tenders=tenders).status_code == answer


def test_tenders_may_be_told_of_a_sale_at_prices_too(shop: Shop, engine: Engine) -> None:
    body = {"receipt_no": "R", "amount_fen": 100, "tenders": [{"kind": "card", "amount_fen": 100}]}
    assert shop.till.post("/sales", body).json["tenders"] == [
        {"kind": "card", "amount_fen": 100, "points": 0}
    ]
    assert rows(engine, "SELECT kind, amount_fen FROM sale_tenders") == [("card", 100)]
    body = {"receipt_no": "Q", "amount_fen": 100, "tenders": [{"kind": "card", "amount_fen": 99}]}
    assert outcome(shop.till.post("/sales", body)) == (422, "tenders_do_not_sum")


@pytest.mark.parametrize("more", [{"ticket": "t" * 43}, {"amount_fen": 1}, {"lines": [CUP]}])
def test_a_sale_is_by_quote_or_by_lines(shop: Shop, phone: Phone, more: dict[str, Any]) -> None:
    assert outcome(take(shop.till, quoted(shop, phone), **more)) == (422, "validation_failed")


@pytest.mark.parametrize(
    "wrong",
    [
        {"lines": []},
        {"points": -1},
        {"points": 1.5},
        {"balance_fen": 2**63},
        {"benefits": ["x" * 65]},
        {"best": 1},
        {"lines": [TEA | {"quantity": 0}]},
    ],
)
def test_quotes_that_make_no_sense_are_refused(shop: Shop, wrong: dict[str, Any]) -> None:
    answer = shop.till.post("/quotes", {"lines": [TEA], **wrong})
    assert outcome(answer) == (422, "validation_failed")


def test_one_balance_is_spent_once(shop: Shop, phone: Phone, engine: Engine) -> None:
    """Sixteen tills with a quote each, and money for five of them."""
    set_policy(StoredValuePolicy, confirm_above_fen=None)
    fill(phone, principal_fen=5_000)
    tills = [shop.add_till("S001", f"R{n}") for n in range(RUNNERS)]
    line = {"sku": "A", "name": "A", "quantity": 1, "unit_price_fen": 1_000}
    quotes = []
    for number, till in enumerate(tills):
        ticket = _ticket(shop, phone, till, engine, number)
        quotes.append(till.post("/quotes", {"ticket": ticket, "lines": [line], "balance_fen": 1_000}).json)
    answers = race(RUNNERS, lambda number: outcome(take(tills[number], quotes[number])))
    assert Counter(answers) == {(201, ""): 5, (409, "quote_outdated"): 11}
    assert has(engine, phone) == {"points": 50}


def _ticket(shop: Shop, phone: Phone, till: Any, engine: Engine, number: int) -> str:
    """A ticket at each of many tills: each scan needs another code, so the uses are moved into the past."""
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE code_uses SET step = step - 100 * :n, used_at = used_at - :n * interval '3000 s'"),
            {"n": 1},
        )
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE scan_tickets SET created_at = created_at - interval '3000 s'"))
    return str(till.ticket(shop.code(phone)))


def test_one_quote_is_one_sale(shop: Shop, phone: Phone, engine: Engine) -> None:
    fill(phone, principal_fen=50_000)
    quote = quoted(shop, phone, balance_fen=50_000)
    answers = race(RUNNERS, lambda _: outcome(take(shop.till, quote)))
    assert Counter(answers)[(201, "")] == 1
    assert {answer for answer in answers if answer[0] != 201} <= {(409, "quote_used"), (409, "ticket_used")}
    assert has(engine, phone) == {"principal_fen": 46_001, "points": 39}


def test_one_key_sent_twenty_times_is_one_sale(shop: Shop, phone: Phone, engine: Engine) -> None:
    fill(phone, principal_fen=50_000)
    body = {"quote_id": quoted(shop, phone, balance_fen=50_000)["id"], "receipt_no": "R"}
    answers = race(20, lambda _: shop.till.post("/sales", body, "one"))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.data for answer in answers}) == 1
    assert has(engine, phone) == {"principal_fen": 46_001, "points": 39}


def test_a_quote_says_nothing_of_points_for_nobody(shop: Shop) -> None:
    assert ask(shop, None).json["points"] == {
        "points": 0,
        "amount_fen": 0,
        "most_points": 0,
        "reason": "none",
        "text": "",
    }
