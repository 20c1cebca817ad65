"""Coupons on the till page: switched on and off in a quote, gifts in whole words, one redeemed by itself."""

import html
import json
import re
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.coupons.code import issue_coupon_code
from tests.conftest import rows
from tests.consoles.test_till_quote import payable
from tests.consoles.visitor import Visitor, hidden
from tests.coupons import give, live_template
from tests.quoting import fill
from tests.shop import Phone, Shop

MUG = {"kind": "gift", "item_zh": "马克杯", "item_en": "Mug"}


@pytest.fixture
def member(shop: Shop) -> Phone:
    return shop.member("张小明")


def held(member: Phone, **face: Any) -> str:
    now = clock.now()
    return give(live_template(now, **face), member.member_id, now)[0]


def switches(page: str) -> dict[str, tuple[bool, dict[str, str]]]:
    """Of each coupon's switch, by what it says: whether it is on, and what a tap sends."""
    found = re.findall(
        r'aria-checked="(true|false)"[^>]*hx-vals=\'(\{[^\']*chosen[^\']*\})\'.*?<span>(.*?)<small>',
        page,
        re.S,
    )
    return {name: (on == "true", json.loads(html.unescape(sends))) for on, sends, name in found}


def test_a_coupon_is_switched_off_and_on(clerk: Visitor, shop: Shop, member: Phone, engine: Engine) -> None:
    held(member)
    sale = clerk.scan(shop.code(member)).text
    shown = clerk.sell(sale, "60").text
    assert payable(shown) == "¥50.00"
    on, sends = switches(shown)["使用“十元券”"]
    assert on
    off = clerk.go_on(shown, "quote", **sends).text
    assert payable(off) == "¥60.00"
    on, sends = switches(off)["使用“十元券”"]
    assert not on
    again = clerk.go_on(off, "quote", **sends).text
    assert payable(again) == "¥50.00"
    receipt = clerk.go_on(again, "take", paid_by="cash").text
    assert re.search(r"优惠券</dt><dd>十元券<", receipt)
    assert rows(engine, "SELECT state FROM coupons") == [("used",)]


def test_one_that_would_save_less_than_it_is_worth_is_off_until_it_is_tapped(
    clerk: Visitor, shop: Shop, member: Phone
) -> None:
    held(member, uses=2, use_value_fen=1_500)
    shown = clerk.due(clerk.scan(shop.code(member)).text, "60").text
    on, sends = switches(shown)["使用“十元券”"]
    assert (payable(shown), on) == ("¥60.00", False)
    assert payable(clerk.go_on(shown, "quote", **sends).text) == "¥50.00"


def test_of_two_that_exclude_one_another_the_last_tapped_counts(
    clerk: Visitor, shop: Shop, member: Phone
) -> None:
    held(member, group="g", name_zh="甲券")
    held(member, group="g", name_zh="乙券", effect={"kind": "amount", "off_fen": 500})
    shown = clerk.due(clerk.scan(shop.code(member)).text, "60").text
    assert payable(shown) == "¥50.00"
    other = clerk.go_on(shown, "quote", **switches(shown)["使用“乙券”"][1]).text
    assert payable(other) == "¥55.00"
    back = clerk.go_on(other, "quote", **switches(other)["使用“甲券”"][1]).text
    assert payable(back) == "¥50.00"


def test_a_gift_is_not_used_up_unseen_and_is_told_in_whole_words(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    held(member, effect=MUG, name_zh="赠品券")
    shown = clerk.sell(clerk.scan(shop.code(member)).text, "60").text
    assert payable(shown) == "¥60.00"
    assert "请交付：马克杯" in shown
    assert rows(engine, "SELECT count(*) FROM sales") == [(0,)]
    assert "请交付：马克杯" in clerk.go_on(shown, "take", paid_by="cash").text


def test_a_coupon_used_elsewhere_meanwhile_is_said(clerk: Visitor, shop: Shop, member: Phone) -> None:
    held(member)
    shown = clerk.due(clerk.scan(shop.code(member)).text, "60").text
    ticket = shop.till.ticket(shop.code(member, steps=1))
    line = {"sku": "A", "name": "A", "quantity": 1, "unit_price_fen": 2_000}
    quote = shop.till.post("/quotes", {"ticket": ticket, "lines": [line]}).json
    assert shop.till.post("/sales", {"quote_id": quote["id"], "receipt_no": "R"}).status_code == 201
    over = clerk.go_on(shown, "take", paid_by="cash")
    assert over.status_code == 409
    assert "优惠券刚在别处用掉" in over.text
    assert payable(clerk.go_on(over.text, "quote").text) == "¥60.00"


def test_one_is_redeemed_by_itself_and_given_back(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    coupon = held(member, effect=MUG, without_sale=True, name_zh="赠品券")
    held(member, name_zh="需结账")
    sale = clerk.scan(shop.code(member)).text
    assert "可直接兑换的券（1）" in sale
    fields = {name: hidden(sale, name) for name in ("ticket", "coupon_id", "coupon_key")}
    assert fields["coupon_id"] == coupon
    first, second = (clerk.htmx("/till/coupons", fields) for _ in range(2))
    assert [first.status_code, second.status_code] == [200, 200]
    assert "已兑换，请交付：马克杯" in first.text
    assert rows(engine, "SELECT sum(used) FROM coupons") == [(1,)]
    fields = {name: hidden(first.text, name) for name in ("ticket", "redemption_id", "coupon_key")}
    undone = clerk.htmx("/till/coupons/undo", fields)
    assert "券已退回给会员" in undone.text
    assert "可直接兑换的券（1）" in undone.text
    assert rows(engine, "SELECT sum(used - restored) FROM coupons") == [(0,)]
    # The sale beside it goes on.
    assert payable(clerk.due(sale, "60").text) == "¥50.00"


def test_a_coupon_s_own_code_shows_that_coupon_alone(
    clerk: Visitor, shop: Shop, member: Phone, engine: Engine
) -> None:
    fill(member, points=500, principal_fen=2_000)
    coupon = held(member)
    held(member, name_zh="别的券", effect={"kind": "amount", "off_fen": 2_000})

    def code() -> str:
        return issue_coupon_code(
            codes=shop.parts.issuer.coupons, member_id=member.member_id, coupon_id=coupon, now=clock.now()
        ).code

    sale = clerk.scan(code()).text
    assert "只能使用这张券" in sale
    assert "¥20.00" not in sale
    shown = clerk.due(sale, "60").text
    assert payable(shown) == "¥50.00"
    assert list(switches(shown)) == ["使用“十元券”"]
    last = code()
    assert clerk.go_on(shown, "take", paid_by="cash").status_code == 200
    refused = clerk.scan(last, "scan-key-of-a-form-9")
    assert refused.status_code == 409
    assert "这张券不能用" in refused.text
    assert "该优惠券已用完。" in refused.text
