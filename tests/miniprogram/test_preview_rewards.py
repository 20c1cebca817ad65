"""The rewards mall of the mini-program, in a browser, against a stub of the API."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, toast_says

pytestmark = pytest.mark.browser

ORDERS = "/api/v1/reward-orders"


@pytest.fixture
def page(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    page.locator("#tabs").get_by_text("我的", exact=True).click()
    page.locator(".me-mall").click()
    expect(page.locator(".reward").first).to_be_visible()
    return page


def _exchange(page: Page) -> None:
    page.locator(".reward").first.click()
    expect(page.get_by_role("button", name="立即兑换")).to_be_disabled()
    page.locator(".reward-store").last.click()
    page.get_by_role("button", name="立即兑换").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_text("用 800 积分 + ¥5.00 兑换？")).to_be_visible()
    expect(dialog.get_by_text("露营马克杯，到浦东店领取")).to_be_visible()
    dialog.get_by_role("button", name="立即兑换").click()


def test_the_mall_says_what_things_cost_and_what_is_missing(page: Page) -> None:
    expect(page.get_by_text("800 积分 + ¥5.00")).to_be_visible()
    expect(page.get_by_text("1,000 积分 + ¥5.00")).to_be_visible()
    expect(page.get_by_text("还差 120 积分")).to_be_visible()
    page.get_by_role("button", name="积分够换").click()
    expect(page.get_by_text("户外水壶")).to_have_count(0)
    expect(page.get_by_text("十元券")).to_be_visible()


def test_the_mall_is_narrowed_to_what_costs_so_much_and_has_no_bands_where_they_tell_nothing_apart(
    page: Page, api: MemberApiStub
) -> None:
    names = page.locator(".reward-name")
    dear = page.get_by_role("button", name="1,001 以上")
    dear.click()
    expect(names).to_have_text(["户外水壶"])
    expect(dear).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="积分够换").click()
    expect(page.get_by_text("暂无可兑换的商品")).to_be_visible()
    page.get_by_role("button", name="1,000 以内").click()
    expect(names).to_have_text(["露营马克杯", "十元券"])
    page.get_by_role("button", name="1,000 以内").click()
    page.get_by_role("button", name="全部").click()
    expect(names).to_have_text(["露营马克杯", "十元券", "户外水壶"])
    # Prices change: a band that is no more lets go, and with one band there is nothing to choose.
    dear.click()
    api.mall.price_bands = []
    page.get_by_role("button", name="积分够换").click()
    expect(names).to_have_text(["露营马克杯", "十元券"])
    expect(page.locator(".mall-bands")).to_have_count(0)


def test_goods_are_exchanged_in_three_taps_and_fetched_with_the_code(page: Page, api: MemberApiStub) -> None:
    _exchange(page)
    expect(page.get_by_text("请在 2026-12-12 前（含当日）到浦东店领取")).to_be_visible()
    wish = {"item_id": "MUG", "store": "S003", "points": 800, "cash_fen": 500}
    assert [call for call in api.bodies(ORDERS) if call] == [wish]
    assert all(key for call, key in zip(api.bodies(ORDERS), api.keys(ORDERS), strict=True) if call)
    page.get_by_role("button", name="出示会员码").click()
    expect(page.locator(".qr img")).to_be_visible()


def test_a_store_without_any_left_cannot_be_chosen(page: Page) -> None:
    page.locator(".reward").first.click()
    expect(page.locator(".reward-store").nth(1)).to_be_disabled()


def test_an_exchange_is_given_up(page: Page) -> None:
    _exchange(page)
    page.get_by_role("button", name="取消兑换").click()
    page.get_by_role("dialog").get_by_role("button", name="取消兑换").click()
    expect(page.locator(".reward-order").get_by_text("已取消，已原路退回")).to_be_visible()
    expect(page.locator(".reward-fetch")).to_have_count(0)


def test_what_wechat_pay_did_not_take_waits_to_be_paid_or_given_up(page: Page, api: MemberApiStub) -> None:
    page.locator(".reward").first.click()
    page.get_by_role("radio", name="微信支付").click()
    page.locator(".reward-store").last.click()
    page.get_by_role("button", name="立即兑换").click()
    page.get_by_role("dialog").get_by_role("button", name="立即兑换").click()
    expect(page.locator(".reward-order").get_by_text("待付款，请在 2026-11-28 12:45 前支付")).to_be_visible()
    assert [call["pay_by"] for call in api.bodies(ORDERS) if call] == ["wechat_pay"]
    expect(page.get_by_role("button", name="去支付")).to_be_enabled()
    page.get_by_role("button", name="取消兑换").click()
    page.get_by_role("dialog").get_by_role("button", name="取消兑换").click()
    expect(page.locator(".reward-order").get_by_text("未付款，已取消，积分已退回")).to_be_visible()


def test_a_coupon_needs_no_store(page: Page, api: MemberApiStub) -> None:
    page.locator(".reward").nth(1).click()
    page.get_by_role("button", name="立即兑换").click()
    page.get_by_role("dialog").get_by_role("button", name="立即兑换").click()
    expect(page.locator(".reward-order").get_by_text("已到账")).to_be_visible()
    expect(page.locator(".reward-order").get_by_text(re.compile(r"^兑换于 20\d\d-"))).to_be_visible()
    assert [call["store"] for call in api.bodies(ORDERS) if call] == [None]


def test_an_exchange_whose_answer_was_lost_is_asked_for_with_the_same_key(
    page: Page, api: MemberApiStub
) -> None:
    lost = {"left": 2}

    def lose(route: object) -> None:
        if route.request.method == "POST" and lost["left"]:  # type: ignore[attr-defined]
            lost["left"] -= 1
            route.fetch()  # type: ignore[attr-defined]
            route.abort()  # type: ignore[attr-defined]
        else:
            route.continue_()  # type: ignore[attr-defined]

    page.route(f"**{ORDERS}", lose)
    _exchange(page)
    toast_says(page, "网络不给力，请检查网络后重试")
    page.get_by_role("button", name="立即兑换").click()
    page.get_by_role("dialog").get_by_role("button", name="立即兑换").click()
    expect(page.locator(".reward-order").first).to_be_visible()
    used = [key for call, key in zip(api.bodies(ORDERS), api.keys(ORDERS), strict=True) if call]
    assert (len(used), len(set(used))) == (3, 1)
