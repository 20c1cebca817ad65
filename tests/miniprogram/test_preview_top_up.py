"""Topping up in the mini-program, in a browser, against a stub of the API."""

import pytest
from playwright.sync_api import Page, expect

from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, forget_toast, toast_says

pytestmark = pytest.mark.browser

ORDER, CLOSE = "/api/v1/me/topups", "/api/v1/me/topups/T1/close"


@pytest.fixture
def page(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    page.locator("#tabs").get_by_text("我的", exact=True).click()
    page.locator(".me-top-up").click()
    expect(page.locator(".offer").first).to_be_visible()
    return page


def _pay(page: Page) -> None:
    page.get_by_role("button", name="微信支付").click()


def test_both_kinds_of_money_are_shown_and_what_ends_soon(page: Page) -> None:
    expect(page.get_by_text("本金 120.00 · 赠金 8.50")).to_be_visible()
    expect(page.get_by_text("另有赠金 10.00 元将按月到账")).to_be_visible()
    expect(page.get_by_text("30 天内有赠金 5.00 元到期，最早一批可用至 2026-12-01")).to_be_visible()
    expect(page.get_by_text("储值赠金")).to_be_visible()
    expect(page.get_by_text("充 300.00 元 · 送 30.00 元 + 送 300 积分").first).to_be_visible()


def test_an_offer_is_chosen_paid_and_credited(page: Page, api: MemberApiStub) -> None:
    expect(page.get_by_role("button", name="微信支付")).to_be_disabled()
    page.locator(".offer").first.click()
    _pay(page)
    expect(page.get_by_role("dialog").get_by_text("青禾生活 会员储值 ¥300.00")).to_be_visible()
    page.get_by_role("button", name="允许").click()
    toast_says(page, "充值成功")
    assert api.bodies(ORDER) == [{"amount_fen": 30_000, "offer_id": 7}]
    [key] = api.keys(ORDER)
    assert key


def test_an_amount_of_ones_own_is_whole_and_within_bounds(page: Page, api: MemberApiStub) -> None:
    for typed in ("5", "12.5", "1001", "x"):
        page.locator(".offer").last.click()
        page.get_by_role("dialog").get_by_role("textbox").fill(typed)
        page.get_by_role("button", name="确定").click()
        toast_says(page, "请输入 10 到 1,000 之间的整数金额")
        forget_toast(page)
    page.locator(".offer").last.click()
    page.get_by_role("dialog").get_by_role("textbox").fill("200")
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_text("¥200.00")).to_be_visible()
    _pay(page)
    page.get_by_role("button", name="允许").click()
    toast_says(page, "充值成功")
    assert api.bodies(ORDER) == [{"amount_fen": 20_000, "offer_id": None}]


def test_an_offer_that_is_not_for_this_member_cannot_be_chosen(page: Page) -> None:
    expect(page.locator(".offer").nth(1)).to_be_disabled()
    expect(page.get_by_text("不可参与")).to_be_visible()


def test_who_puts_the_payment_away_gives_the_order_up(page: Page, api: MemberApiStub) -> None:
    page.locator(".offer").first.click()
    _pay(page)
    page.get_by_role("button", name="拒绝").click()
    toast_says(page, "已取消支付")
    assert len(api.bodies(CLOSE)) == 1
