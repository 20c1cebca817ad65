"""Coupons on the till's screens in Chromium: sound for axe, not too wide, large enough for a finger, and heard."""

from typing import Any

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import Engine

from app import clock
from app.coupons.code import issue_coupon_code
from app.staff.roles import Grant
from tests.conftest import rows
from tests.consoles.till_page import DESKTOP, PHONE, TillPage
from tests.coupons import give, live_template
from tests.quoting import fill
from tests.shop import Shop

pytestmark = pytest.mark.browser

MUG = {"kind": "gift", "item_zh": "有机棉帆布袋（限量款）", "item_en": "Organic canvas bag, limited edition"}


#: In which language and on what screen.
SCREENS = [
    # The longer words on the smaller screen.
    ("en", PHONE),
    pytest.param("zh", PHONE, marks=pytest.mark.long),
    pytest.param("en", DESKTOP, marks=pytest.mark.long),
    pytest.param("zh", DESKTOP, marks=pytest.mark.long),
]


@pytest.mark.long
@pytest.mark.parametrize(("language", "size"), SCREENS)
def test_coupons_from_the_scan_to_the_receipt(
    shop: Shop, open_till: Any, language: str, size: tuple[int, int]
) -> None:
    shop.person("mei", Grant("clerk", shop.store.id))
    member, now = shop.member("Wilhelmina Featherstonehaugh"), clock.now()
    fill(member, points=500, principal_fen=2_000)
    give(live_template(now), member.member_id, now, 2)
    gift = live_template(
        now, effect=MUG, name_zh="赠品券", name_en="A gift for you", without_sale=True, uses=5
    )
    [coupon] = give(gift, member.member_id, now)
    till: TillPage = open_till(size=size, language=language).enter(shop.app)
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        faults[name] = till.faults()

    till.gun(shop.code(member))
    expect(till.page.locator(".coupon")).to_be_visible()
    till.page.click(".coupon summary")
    look("member")
    till.page.click(".coupon-form button")
    expect(till.page.locator(".coupon-done")).to_be_visible()
    expect(till.page.locator("#spoken")).to_contain_text("Hand over" if language == "en" else "请交付")
    look("redeemed")
    till.page.click("[name=redemption_id] ~ button")
    expect(till.page.locator("[name=redemption_id]")).to_have_count(0)
    till.page.fill("#amount", "60")
    till.page.locator("#amount").press("Enter")
    expect(till.page.locator(".bill-gift")).to_be_visible()
    look("quote")
    till.page.locator(".switch-coupon[aria-checked=true]").first.click()
    expect(till.page.locator(".switch-coupon[aria-checked=false]").first).to_be_visible()
    look("switched")
    till.pay()
    expect(till.stage("receipt")).to_be_visible()
    look("receipt")
    till.page.click("[hx-get='/till/ready']")
    expect(till.stage("ready")).to_be_visible()
    shown = issue_coupon_code(
        codes=shop.parts.issuer.coupons, member_id=member.member_id, coupon_id=coupon, now=clock.now()
    )
    till.gun(shown.code)
    expect(till.page.locator(".sale-coupon")).to_be_visible()
    look("coupon")
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.long
@pytest.mark.parametrize(("language", "size"), SCREENS)
def test_a_coupon_is_given_with_the_bill_open(
    shop: Shop, open_till: Any, language: str, size: tuple[int, int]
) -> None:
    shop.person("mei", Grant("clerk", shop.store.id))
    member, now = shop.member("Wilhelmina Featherstonehaugh"), clock.now()
    fill(member, points=500, principal_fen=2_000)
    long_name = {
        "name_zh": "店员赠送给老顾客的满减券",
        "name_en": "Ten yuan off, from the clerk to a regular",
    }
    live_template(now, terms={"per_clerk_a_day": 5}, at_least_fen=2_000, **long_name)
    live_template(
        now, terms={"per_clerk_a_day": 5}, stock=0, effect=MUG, name_zh="赠品券", name_en="A gift for you"
    )
    till: TillPage = open_till(size=size, language=language).enter(shop.app)
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        faults[name] = till.faults()

    till.gun(shop.code(member))
    till.page.fill("#amount", "60")
    till.page.locator("#amount").press("Enter")
    expect(till.page.locator("#payable")).to_have_text("¥60.00")
    till.page.click(".coupon > summary")
    expect(till.page.locator(".give-not")).to_be_visible()
    look("choices")
    till.page.click(".give .coupon > summary")
    look("one of them")
    till.page.click(".give .coupon-form button")
    expect(till.page.locator(".coupon-held")).to_be_in_viewport()
    expect(till.page.locator("#spoken")).to_contain_text("Given" if language == "en" else "已送出")
    look("given")
    till.page.click(".coupon-told > button")
    expect(till.page.locator("#payable")).to_have_text("¥50.00")
    look("worked out again")
    till.pay()
    expect(till.stage("receipt")).to_be_visible()
    assert {name: found for name, found in faults.items() if found} == {}


def test_a_coupon_is_given_by_keys_alone_and_once_though_its_answer_was_lost(
    shop: Shop, open_till: Any, engine: Engine
) -> None:
    shop.person("mei", Grant("clerk", shop.store.id))
    live_template(clock.now(), terms={"per_clerk_a_day": 5})
    till: TillPage = open_till().enter(shop.app)
    keys = till.page.keyboard
    till.gun(shop.code(shop.member("张小明")))
    expect(till.page.locator("#amount")).to_be_focused()
    tab_to(till, ".coupon > summary")
    keys.press("Enter")
    keys.press("Tab")
    expect(till.page.locator(".give .coupon > summary")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    expect(till.page.locator(".give .coupon-form button")).to_be_focused()

    def done_but_unheard(route: Route) -> None:
        route.fetch()
        route.abort()

    till.page.route("**/till/coupons/give", done_but_unheard, times=1)
    keys.press("Enter")
    expect(till.screen("lost")).to_be_visible()
    expect(till.page.locator("#lost [data-do=again]")).to_be_focused()
    keys.press("Enter")
    expect(till.page.locator(".coupon-done")).to_have_text("已送出：十元券")
    expect(till.page.locator(".coupon-held")).to_be_in_viewport()
    assert rows(engine, "SELECT count(*) FROM coupons") == [(1,)]
    # Back where the sale goes on.
    till.sell("60")
    expect(till.page.locator("#payable")).to_have_text("¥50.00")


def tab_to(till: TillPage, selector: str) -> None:
    for _ in range(20):
        till.page.keyboard.press("Tab")
        if till.page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(selector)
