"""The tier's page in a browser, and the browser's own Back, which is the phone's."""

import pytest
from playwright.sync_api import Page, expect

from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, go_back

pytestmark = pytest.mark.browser


@pytest.fixture
def page(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    page.get_by_text("我的", exact=True).click()
    page.locator(".me-tier-cell").click()
    return page


def test_the_tier_says_what_it_gives_and_what_is_missing(page: Page) -> None:
    shown = page.locator(".mp-page:not([hidden])")
    for words in (
        "银卡会员", "有效期至 2027-11-30", "升级为金卡会员", "累计消费 ¥380.00 / ¥500.00",
        "再消费 ¥120.00 即可升级为金卡会员", "保持银卡会员", "生日当天送 100 积分",
    ):  # fmt: skip
        expect(shown).to_contain_text(words)


def test_back_in_the_browser_closes_the_page_on_top_and_never_leaves(page: Page) -> None:
    address = page.url
    expect(page.locator("#title")).to_have_text("会员等级")
    go_back(page)
    expect(page.locator("#title")).to_have_text("我的")
    for _ in range(3):
        go_back(page)
        expect(page.locator(".me-tier-cell")).to_be_visible()
    assert page.url == address


def test_a_birthdays_gift_that_waits_for_a_phone_number_is_got_with_one(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.birthday_needs_phone = True
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    page.get_by_text("我的", exact=True).click()
    page.locator(".me-tier-cell").click()
    shown = page.locator(".mp-page:not([hidden])")
    expect(shown).to_contain_text("生日当天送 100 积分，绑定手机号后可领取")
    shown.get_by_role("button", name="绑定").click()
    page.get_by_role("button", name="允许").click()
    expect(shown.locator(".tier-benefit")).to_have_text("生日当天送 100 积分")
