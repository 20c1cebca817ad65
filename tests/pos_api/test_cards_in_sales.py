"""A card of several uses that were paid for: a use is not spent for less than it is worth, unless somebody says so."""

from typing import Any

from sqlalchemy import Engine

from app import clock
from app.coupons.code import issue_coupon_code
from tests.conftest import rows
from tests.pos_api.test_coupons_in_sales import held, told
from tests.quoting import quoted, taken
from tests.shop import Phone, Shop

SMALL = {"sku": "MILK-TEA", "name": "小杯奶茶", "quantity": 1, "unit_price_fen": 807}
LARGE = {"sku": "MILK-TEA", "name": "大杯奶茶", "quantity": 1, "unit_price_fen": 1_800}


def card(phone: Phone, uses: int = 10) -> str:
    """Its key: ten drinks at ¥15.00 each."""
    face: dict[str, Any] = {"effect": {"kind": "free"}, "uses": uses, "use_value_fen": 1_500}
    [key] = held(phone, name_zh="次卡", name_en="Ten teas", conditions={"products": ["MILK-TEA"]}, **face)
    return key


def test_a_use_is_not_spent_for_less_than_it_is_worth(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    key = card(phone)
    quote = quoted(shop, phone, SMALL)
    one = told(quote, key)
    assert (quote["discount_fen"], one["applied"], one["reason"]) == (0, False, "below_use_value")
    assert one["text"] == "本单用“次卡”省下的不及每次价值，未自动使用"
    taken(shop, quote)
    assert rows(engine, "SELECT used FROM coupons") == [(0,)]


def test_it_is_spent_where_it_saves_as_much_or_was_chosen(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    key = card(phone)
    assert quoted(shop, phone, LARGE)["discount_fen"] == 1_800
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    chosen = shop.till.post("/quotes", {"ticket": ticket, "lines": [SMALL], "benefits": [key]}).json
    assert (chosen["discount_fen"], told(chosen, key)["applied"]) == (807, True)
    taken(shop, chosen)
    assert rows(engine, "SELECT used FROM coupons") == [(1,)]


def test_a_coupon_for_one_bill_is_used_whatever_it_is_worth_in_the_books(shop: Shop) -> None:
    phone = shop.member()
    card(phone, uses=1)
    assert quoted(shop, phone, SMALL)["discount_fen"] == 807


def test_whoever_shows_its_own_code_wants_it_used(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    key = card(phone)
    code = issue_coupon_code(
        codes=shop.parts.issuer.coupons,
        member_id=phone.member_id,
        coupon_id=key.removeprefix("coupon:"),
        now=clock.now(),
    ).code
    ticket = shop.till.scan(code).json["ticket"]
    quote = shop.till.post("/quotes", {"ticket": ticket, "lines": [SMALL]}).json
    assert (quote["discount_fen"], told(quote, key)["applied"]) == (807, True)
