"""Events of the mini-program, in a browser, against a stub of the API."""

import pytest
from playwright.sync_api import Page, expect

from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, go_back

pytestmark = pytest.mark.browser


def _open(page: Page) -> None:
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-events").click()
    page.locator(".event").first.click()


def test_seats_are_booked_waited_for_given_up_and_spoken_of(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    _open(page)
    book = page.get_by_role("button", name="立即报名")
    expect(book).to_be_disabled()
    page.locator(".event-session").first.click()
    page.get_by_role("button", name="增加一人").click()
    book.click()
    expect(page.get_by_role("dialog").get_by_text("用 200 积分报名？")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="立即报名").click()
    expect(page.get_by_text("已报名，到店出示会员码签到")).to_be_visible()
    [wish] = api.bodies("/api/v1/events/sessions/S1/bookings")
    assert wish == {"seats": 2, "points": 200, "template_id": None, "wait": False}
    assert all(api.keys("/api/v1/events/sessions/S1/bookings"))
    go_back(page)
    page.locator(".event-session").last.click()
    page.get_by_role("button", name="加入候补").click()
    page.get_by_role("dialog").get_by_role("button", name="加入候补").click()
    expect(page.get_by_text("候补中，第 1 位")).to_be_visible()
    page.locator(".booking-give-up").first.click()
    page.get_by_role("dialog").get_by_role("button", name="取消报名").click()
    expect(page.get_by_text("已取消", exact=True).first).to_be_visible()
    api.events.bookings[-1] |= {
        "state": "attended",
        "may_cancel_until": None,
        "feedback_until": "2032-01-01T00:00:00Z",
    }
    go_back(page)
    page.get_by_role("button", name="我的报名").click()
    page.get_by_role("button", name="4 星（共 5 星）").click()
    page.get_by_role("dialog").locator("input, textarea").fill("很好")
    page.get_by_role("dialog").get_by_role("button", name="提交").click()
    expect(page.locator(".booking-stars")).to_have_text("★★★★☆")
    assert api.bodies("/api/v1/bookings/B0/feedback") == [{"stars": 4, "comment": "很好"}]


def test_the_mall_leads_to_what_points_pay_for(api: MemberApiStub, open_phone: OpenPhone) -> None:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-mall").click()
    page.get_by_role("button", name="积分活动").click()
    expect(page.locator(".event-name")).to_have_text(["咖啡品鉴会"])
    expect(page.locator(".event").first).to_contain_text(" · 共 2 场")
    page.get_by_role("button", name="全部", exact=True).click()
    expect(page.locator(".event-name")).to_have_text(["咖啡品鉴会", "拉花体验课"])
    page.get_by_role("button", name="积分活动").click()
    expect(page.locator(".event-name")).to_have_text(["咖啡品鉴会"])
    go_back(page)
    go_back(page)
    page.locator(".me-events").click()
    expect(page.locator(".event-name")).to_have_text(["咖啡品鉴会", "拉花体验课"])
