"""Coupons on the till's screens in Chromium: sound for axe, not too wide, large enough for a finger, and heard."""

from typing import Any

import pytest
from playwright.sync_api import expect

from app import clock
from app.coupons.code import issue_coupon_code
from app.staff.roles import Grant
from tests.consoles.till_page import DESKTOP, PHONE, TillPage
from tests.coupons import give, live_template
from tests.quoting import fill
from tests.shop import Shop

pytestmark = pytest.mark.browser

MUG = {"kind": "gift", "item_zh": "有机棉帆布袋（限量款）", "item_en": "Organic canvas bag, limited edition"}


@pytest.mark.parametrize(
    ("language", "size"),
    [
        # The longer words on the smaller screen.
        ("en", PHONE),
        pytest.param("zh", PHONE, marks=pytest.mark.long),
        pytest.param("en", DESKTOP, marks=pytest.mark.long),
        pytest.param("zh", DESKTOP, marks=pytest.mark.long),
    ],
)
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
