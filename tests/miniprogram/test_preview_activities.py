"""Checking in and drawing in the mini-program, in a browser, against a stub of the API."""

import pytest
from playwright.sync_api import Page, expect

from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, toast_says

pytestmark = pytest.mark.browser


@pytest.fixture
def page(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    page.locator("#tabs").get_by_text("我的", exact=True).click()
    return page


def test_checking_in_shows_the_day_and_what_it_gave(page: Page, api: MemberApiStub) -> None:
    page.locator(".me-check-in").click()
    expect(page.get_by_text("下次签到可得 1 积分")).to_be_visible()
    page.get_by_role("button", name="立即签到").click()
    toast_says(page, "签到成功，1 积分")
    expect(page.get_by_role("button", name="今日已签到")).to_be_disabled()
    expect(page.get_by_label("2031-03-10，已签到")).to_be_visible()
    [(path, body, key)] = api.activities.asked
    assert (path, body) == ("/api/v1/check-ins", {"activity_id": "C1"})
    assert key


def test_a_missed_day_is_made_up_after_a_question(page: Page, api: MemberApiStub) -> None:
    page.locator(".me-check-in").click()
    page.get_by_label("2031-03-09，未签到，可补签").click()
    expect(page.get_by_role("dialog").get_by_text("消耗 5 积分")).to_be_visible()
    page.get_by_role("button", name="取消").click()
    assert api.activities.asked == []
    page.get_by_label("2031-03-09，未签到，可补签").click()
    page.get_by_role("button", name="确定").click()
    expect(page.get_by_label("2031-03-09，已补签")).to_be_visible()
    expect(page.get_by_text("已连续签到 3 天")).to_be_visible()
    assert api.activities.asked[0][1] == {"activity_id": "C1", "day": "2031-03-09"}


def test_the_calendar_turns_back_and_not_beyond_today(page: Page) -> None:
    page.locator(".me-check-in").click()
    expect(page.get_by_role("button", name="下个月")).to_be_disabled()
    page.get_by_role("button", name="上个月").click()
    expect(page.get_by_text("2031 年 2 月")).to_be_visible()
    page.get_by_role("button", name="下个月").click()
    expect(page.get_by_text("2031 年 3 月")).to_be_visible()


def test_drawing_shows_the_prize_and_lists_it(page: Page, api: MemberApiStub) -> None:
    page.locator(".me-lottery").click()
    expect(page.get_by_text("0.5%")).to_be_visible()
    expect(page.get_by_text("剩 1 份")).to_be_visible()
    page.get_by_role("button", name="用 10 积分抽一次").click()
    expect(page.get_by_text("抽中：马克杯")).to_be_visible()
    expect(page.get_by_text("已抽完")).to_be_visible()
    expect(page.get_by_text("第 2 场 第 1 抽")).to_be_visible()
    page.get_by_role("button", name="用 1 次机会抽一次").click()
    expect(page.get_by_text("改发保底奖品：谢谢参与")).to_be_visible()
    expect(page.get_by_role("button", name="用 1 次机会抽一次")).to_be_disabled()
    seeds = [body["client_seed"] for _, body, _ in api.activities.asked]
    assert [body["payment"] for _, body, _ in api.activities.asked] == ["points", "chance"]
    assert len(set(seeds)) == 2
    assert all(seed.isalnum() and len(seed) == 32 for seed in seeds)


def test_the_page_of_fairness_shows_commitments_and_seeds(page: Page) -> None:
    page.locator(".me-lottery").click()
    page.get_by_role("button", name="公平性说明").click()
    expect(
        page.get_by_text("630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd").first
    ).to_be_visible()
    expect(page.get_by_text("本场结束后公布")).to_be_visible()
    expect(
        page.get_by_text("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
    ).to_be_visible()


def test_an_invite_is_shown_and_one_that_somebody_came_by_goes_along_with_the_login(
    page: Page, api: MemberApiStub, open_phone: OpenPhone
) -> None:
    page.locator(".me-invite").click()
    expect(page.get_by_text("7QK2M4XW9A")).to_be_visible()
    expect(page.get_by_role("img", name="我的邀请小程序码")).to_be_visible()
    expect(page.get_by_text("奖励已发放 · 100 积分")).to_be_visible()
    page.get_by_role("button", name="邀请微信好友").click()
    expect(page.locator("#toast")).to_have_text("/pages/invite/index?invite=7QK2M4XW9A")
    expect(page.locator("#toast")).to_be_visible()  # longer than any other
    newcomer = open_phone("carol")
    newcomer.goto(f"{newcomer.url}&invite=7QK2M4XW9A")
    newcomer.get_by_role("checkbox").click()
    newcomer.get_by_role("button", name="同意并开通").click()
    newcomer.locator(".qr img").wait_for()
    assert [body.get("invite") for body in api.bodies("/api/v1/login")][-1] == "7QK2M4XW9A"
