"""The page where members choose what they are told, in a browser; and being asked after a coupon was claimed."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browsers import until_seen
from tests.messaging import until
from tests.miniprogram.member_api_stub import COUPONS_TEMPLATE, TEMPLATE, MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone

pytestmark = pytest.mark.browser

PREFERENCES = "/api/v1/me/message-preferences"
ALL, PICKED = "接收优惠与活动信息", "个性化推荐"


def notices(page: Page) -> None:
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-notices").click()
    expect(page.get_by_role("switch", name=ALL)).to_be_visible()


def switched(page: Page, name: str, on: bool) -> None:
    expect(page.get_by_role("switch", name=name)).to_have_attribute("aria-checked", "true" if on else "false")


def test_offers_are_refused_by_a_channel_and_in_all(api: MemberApiStub, member_phone: Page) -> None:
    page = member_phone
    notices(page)
    expect(page.get_by_text("每天 21:00 至次日 09:00 不发送优惠与活动信息。")).to_be_visible()
    page.get_by_role("switch", name="短信").click()
    page.get_by_role("switch", name="邮件").click()
    until(lambda: len(_put(api)) == 2)
    assert _put(api)[-1]["channels"] == {
        "wechat_subscribe": True,
        "official_account": True,
        "sms": False,
        "email": False,
    }

    page.get_by_role("switch", name=ALL).click()
    expect(page.get_by_role("switch", name="短信")).to_have_count(0)
    expect(page.get_by_text("已关闭，不再向您发送优惠与活动信息。")).to_be_visible()
    until(lambda: bool(api.members["demo"]["marketing_opt_out"]))

    page.get_by_role("button", name="返回").click()
    expect(page.locator(".me-notices")).to_contain_text("不接收优惠信息")
    page.locator(".me-notices").click()
    switched(page, ALL, on=False)
    page.get_by_role("switch", name=ALL).click()
    # What was chosen by channel is still there.
    switched(page, "短信", on=False)
    switched(page, "微信订阅消息", on=True)


def _put(api: MemberApiStub) -> list[dict[str, object]]:
    return [call.body for call in api.calls if call.path == PREFERENCES and call.method == "PUT"]


def test_what_is_recommended_is_picked_for_the_member_until_they_switch_it_off(
    api: MemberApiStub, member_phone: Page
) -> None:
    page = member_phone
    expect(page.locator(".picks-heading")).to_have_count(0)
    api.recommended = [("黄油可颂", "茉莉绿茶"), ("随行杯", None), ("龙井礼盒", None), ("手打柠檬茶", None)]
    notices(page)
    switched(page, PICKED, on=True)
    page.get_by_role("button", name="返回").click()
    page.locator("#tabs button").nth(0).click()
    expect(page.locator(".picks-heading")).to_have_text("为你推荐")
    expect(page.locator(".pick-name")).to_have_text(["黄油可颂", "随行杯", "龙井礼盒"])
    expect(page.locator(".pick-because")).to_have_text(["买过「茉莉绿茶」的会员也常买"])

    notices(page)
    page.get_by_role("switch", name=PICKED).click()
    expect(page.get_by_text("已关闭，推荐商品与您的消费记录无关。")).to_be_visible()
    until(lambda: not api.personalised)
    assert _put(api)[-1] == {
        "marketing": True,
        "channels": dict.fromkeys(("wechat_subscribe", "official_account", "sms", "email"), True),
        "personalised": False,
    }
    page.get_by_role("button", name="返回").click()
    page.locator("#tabs button").nth(0).click()
    expect(page.locator(".picks-heading")).to_have_text("大家都在买")
    expect(page.locator(".pick-because")).to_have_count(0)


RECOMMENDATIONS = "/api/v1/me/recommendations"


def test_what_was_picked_before_is_not_shown_when_the_server_does_not_say_more(
    api: MemberApiStub, member_phone: Page
) -> None:
    page = member_phone
    api.recommended = [("黄油可颂", "茉莉绿茶")]
    notices(page)
    page.get_by_role("button", name="返回").click()
    page.locator("#tabs button").nth(0).click()
    expect(page.locator(".pick-name")).to_have_text(["黄油可颂"])

    notices(page)
    page.get_by_role("switch", name=PICKED).click()
    until(lambda: not api.personalised)
    page.route("**" + RECOMMENDATIONS, lambda route: route.fulfill(status=503, body="{}"))
    page.get_by_role("button", name="返回").click()
    page.locator("#tabs button").nth(0).click()
    expect(page.locator(".picks-heading")).to_have_count(0)
    expect(page.locator(".digits")).to_be_visible()


def test_an_answer_from_before_the_switch_is_not_shown_after_it(
    api: MemberApiStub, member_phone: Page
) -> None:
    page = member_phone
    api.recommended = [("黄油可颂", "茉莉绿茶")]
    notices(page)
    slow: list[Route] = []
    page.route("**" + RECOMMENDATIONS, lambda route: slow.append(route), times=1)
    page.get_by_role("button", name="返回").click()
    page.locator("#tabs button").nth(0).click()
    until_seen(page, lambda: len(slow) == 1)
    late = slow[0].fetch()
    notices(page)
    page.get_by_role("switch", name=PICKED).click()
    until(lambda: not api.personalised)
    page.get_by_role("button", name="返回").click()
    page.locator("#tabs button").nth(0).click()
    expect(page.locator(".picks-heading")).to_have_text("大家都在买")
    slow[0].fulfill(response=late)
    page.wait_for_timeout(300)
    expect(page.locator(".picks-heading")).to_have_text("大家都在买")
    expect(page.locator(".pick-because")).to_have_count(0)


def test_of_two_changes_the_second_waits_until_the_first_has_arrived(
    api: MemberApiStub, member_phone: Page
) -> None:
    notices(member_phone)
    held: list[Route] = []
    member_phone.route("**" + PREFERENCES, lambda route: held.append(route), times=1)
    member_phone.get_by_role("switch", name="短信").click()
    until_seen(member_phone, lambda: len(held) == 1)
    member_phone.get_by_role("switch", name="邮件").click()
    switched(member_phone, "邮件", on=False)
    held[0].continue_()
    until_seen(member_phone, lambda: not api.channels["sms"] and not api.channels["email"])
    assert len(_put(api)) == 2


def test_what_was_not_saved_is_shown_as_it_was(api: MemberApiStub, member_phone: Page) -> None:
    notices(member_phone)
    api.preferences_away = True
    member_phone.get_by_role("switch", name=ALL).click()
    expect(member_phone.locator("#toast")).to_have_text("系统维护中，请稍后再试。")
    switched(member_phone, ALL, on=True)


def test_an_address_is_confirmed_by_the_code_that_was_sent_there_and_can_be_removed(
    api: MemberApiStub, member_phone: Page
) -> None:
    page = member_phone
    notices(page)
    page.locator(".notices-email").click()
    shown = page.locator(".mp-page:not([hidden])")
    shown.get_by_label("请输入邮箱地址").fill(" chen@example.com ")
    shown.get_by_role("button", name="获取验证码").click()

    expect(shown.get_by_text("验证码已发送至 c***@example.com，请查收。")).to_be_visible()
    assert api.bodies("/api/v1/me/email")[-1] == {"email": "chen@example.com"}
    confirm = shown.get_by_role("button", name="确认")
    expect(confirm).to_be_disabled()
    shown.get_by_label("请输入 6 位验证码").fill("000000")
    confirm.click()
    expect(page.locator("#toast")).to_have_text("验证码错误或已过期，请重新获取。")
    shown.get_by_label("请输入 6 位验证码").fill("314159")
    confirm.click()
    expect(shown.locator(".email-known")).to_contain_text("c***@example.com")

    shown.get_by_role("button", name="移除邮箱").click()
    page.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(shown.get_by_label("请输入邮箱地址")).to_have_value("")
    assert api.mailbox is None


def test_after_a_claim_the_member_is_asked_once_for_what_coupons_are_told_by(
    api: MemberApiStub, member_phone: Page
) -> None:
    page = member_phone
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-coupon-centre").click()
    shown = page.locator(".mp-page:not([hidden])")
    claim = shown.get_by_role("button", name="立即领取").first
    expect(claim).to_be_visible()
    expect(shown.get_by_role("button", name="提醒我")).to_have_count(0)
    claim.click()

    expect(shown.locator(".tell-me")).to_contain_text("积分到账、优惠到期提醒")
    shown.get_by_role("button", name="提醒我").click()
    page.get_by_role("dialog").get_by_role("button", name="拒绝").click()

    until(lambda: len(api.subscribed) == 1)
    assert api.subscribed[0]["results"] == {TEMPLATE: "reject", COUPONS_TEMPLATE: "reject"}
    expect(shown.locator(".tell-me")).to_have_count(0)


def test_it_speaks_english(api: MemberApiStub, open_phone: OpenPhone) -> None:
    api.add_member("demo", language="en")
    page = open_phone(language="en")
    page.locator(".qr img").wait_for()
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-notices").click()
    expect(page.locator("#title")).to_have_text("Notifications")
    expect(page.get_by_role("switch", name="Text messages")).to_be_visible()
    assert any(call.language == "en" for call in api.calls if call.path == PREFERENCES)
