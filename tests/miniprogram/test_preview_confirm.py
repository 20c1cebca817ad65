"""A till asks for the member's word before it spends much stored value: in a browser, against a stub of the API."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browsers import until_seen
from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone

pytestmark = pytest.mark.browser

WORD = "/api/v1/me/confirmations/01A"


@pytest.fixture
def asked(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    """A phone that lay before the till with its code when the till asked."""
    api.add_member("demo")
    api.refresh_in = 1_000
    page = open_phone(own_clock=True)
    page.clock.install()
    page.reload()
    page.locator(".qr img").wait_for()
    api.use_code()
    api.ask_for_their_word()
    for _ in range(8):
        page.clock.run_for(1_000)
        page.wait_for_timeout(20)
    expect(page.locator("#title")).to_have_text("账户支付确认")
    return page


def test_the_question_opens_by_itself_and_the_answer_is_said(asked: Page, api: MemberApiStub) -> None:
    for words in ("静安店", "300.00", "366.50", re.compile(r"4:\d\d")):
        expect(asked.locator(".mp-page:not([hidden])")).to_contain_text(words)
    asked.get_by_role("button", name="同意支付").click()
    expect(asked.get_by_text("用会员账户支付 ¥300.00，静安店正在完成收款。")).to_be_visible()
    assert api.bodies(WORD)[0] == {"agree": True}
    asked.get_by_role("button", name="知道了").click()
    expect(asked.locator(".digits")).to_be_visible()
    expect(asked.locator(".waits")).to_have_count(0)


def test_a_member_may_decline(asked: Page, api: MemberApiStub) -> None:
    asked.get_by_role("button", name="不同意").click()
    expect(asked.get_by_text("没有扣款，已告知收银台。")).to_be_visible()
    assert api.bodies(WORD) == [{"agree": False}]


def test_who_turns_away_finds_the_question_again_and_what_the_clerk_changed(
    asked: Page, api: MemberApiStub
) -> None:
    asked.get_by_role("button", name="返回").click()
    asked.clock.run_for(2_000)
    expect(asked.locator(".waits")).to_contain_text("静安店请您确认账户支付 ¥300.00")
    asked.get_by_role("button", name="去确认").click()
    expect(asked.locator(".confirm-balance")).to_have_text("¥300.00")
    api.ask_for_their_word("01B", 25_000)
    asked.clock.run_for(5_000)
    expect(asked.locator(".confirm-balance")).to_have_text("¥250.00")
    api.let_lapse("01B")
    asked.get_by_role("button", name="同意支付").click()
    expect(asked.get_by_text("确认已结束")).to_be_visible()


def test_a_question_that_is_opened_again_before_its_answer_has_come_is_there(asked: Page) -> None:
    late: list[Route] = []
    asked.route("**/api/v1/me/confirmations", lambda route: late.append(route), times=1)
    asked.clock.run_for(4_000)
    until_seen(asked, lambda: len(late) == 1)
    asked.get_by_role("button", name="返回").click()
    asked.clock.run_for(2_000)
    asked.get_by_role("button", name="去确认").click()
    expect(asked.locator(".confirm-balance")).to_have_text("¥300.00")


def test_whoever_opens_the_mini_program_only_now_is_asked_and_others_are_not_looked_after(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    api.ask_for_their_word()
    page = open_phone(language="en")
    expect(page.locator("#title")).to_have_text("Confirm")
    page.get_by_role("button", name="Decline").click()
    page.get_by_role("button", name="OK").click()
    expect(page.locator(".digits")).to_be_visible()
    before = len(api.bodies("/api/v1/me/confirmations"))
    page.wait_for_timeout(3_000)
    assert len(api.bodies("/api/v1/me/confirmations")) <= before + 1


@pytest.mark.parametrize("used_after_s", [pytest.param(18, marks=pytest.mark.long), 19])
def test_a_code_used_just_before_it_turns_by_itself_is_followed_by_the_question(
    api: MemberApiStub, open_phone: OpenPhone, used_after_s: int
) -> None:
    """It turns after twenty seconds; the looks are each five seconds, and just before it turns."""
    api.add_member("demo")
    api.refresh_in = 20
    page = open_phone(own_clock=True)
    page.clock.install()
    page.reload()
    page.locator(".qr img").wait_for()
    follow(page, used_after_s)
    api.use_code()
    api.ask_for_their_word()
    follow(page, 6)
    expect(page.locator("#title")).to_have_text("账户支付确认")


def follow(page: Page, seconds: int) -> None:
    for _ in range(seconds):
        page.clock.run_for(1_000)
        page.wait_for_timeout(20)


def test_who_agreed_sees_the_sale_made(asked: Page, api: MemberApiStub) -> None:
    asked.get_by_role("button", name="同意支付").click()
    expect(asked.get_by_text("正在完成收款")).to_be_visible()
    follow(asked, 3)
    expect(asked.get_by_text("正在完成收款")).to_be_visible()
    api.came_of_it = "paid"
    follow(asked, 8)
    expect(asked.get_by_text("已用储值支付 ¥300.00，静安店收款完成。")).to_be_visible()
    looked = len(api.bodies(WORD))
    follow(asked, 10)
    assert len(api.bodies(WORD)) == looked


def test_who_agreed_is_told_when_the_till_gives_up_and_is_asked_after_less_and_less(
    asked: Page, api: MemberApiStub
) -> None:
    asked.get_by_role("button", name="同意支付").click()
    expect(asked.get_by_text("正在完成收款")).to_be_visible()
    follow(asked, 40)
    assert 3 < len(api.bodies(WORD)) < 15
    api.came_of_it = "ended"
    follow(asked, 10)
    expect(asked.get_by_text("静安店没有完成这笔收款，储值没有扣款。")).to_be_visible()
