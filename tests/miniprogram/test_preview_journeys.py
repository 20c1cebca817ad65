"""A member's way through the mini-program, in a browser, against a stub of the API."""

import base64
import io
import re

import pytest
import zxingcpp
from PIL import Image
from playwright.sync_api import Page, Route, expect

from tests.browsers import until_seen
from tests.messaging import until
from tests.miniprogram.member_api_stub import POLICY, TEMPLATE, MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, all_answered, open_me, wait_for_stored_codes

pytestmark = pytest.mark.browser

LOGIN = "/api/v1/login"
CODE = "/api/v1/me/code"
CONSENT = "/api/v1/me/consent"


def _digits(page: Page) -> str:
    return (page.locator(".digits").text_content() or "").replace(" ", "")


def _tab(page: Page, text: str) -> None:
    page.locator("#tabs").get_by_text(text, exact=True).click()


def _to_the_bottom(page: Page) -> None:
    page.locator(".mp-page:not([hidden])").evaluate("page => page.scrollTo(0, page.scrollHeight)")


def _decode(png: bytes) -> list[tuple[str, str]]:
    found = zxingcpp.read_barcodes(Image.open(io.BytesIO(png)).convert("L"))
    return sorted((barcode.format.name, barcode.text) for barcode in found)


# -- signing in and joining


def test_a_newcomer_joins_only_after_ticking_and_tapping(api: MemberApiStub, open_phone: OpenPhone) -> None:
    page = open_phone("alice")
    tick = page.get_by_role("checkbox")
    expect(page.locator("#title")).to_have_text("开通会员")
    expect(tick).to_have_attribute("aria-checked", "false")

    page.get_by_role("button", name="同意并开通").click()
    expect(page.get_by_text("请先阅读并勾选同意")).to_be_visible()
    assert len(api.bodies(LOGIN)) == 1

    tick.click()
    page.get_by_role("button", name="同意并开通").click()
    expect(page.locator(".digits")).to_be_visible()

    asked, agreed = api.bodies(LOGIN)
    assert agreed == {**asked, "consent": {"policy_version": POLICY}}
    first_key, second_key = api.keys(LOGIN)
    assert first_key != second_key
    assert re.fullmatch(r"[0-9a-f]{32}", second_key or "")


def test_the_sentence_to_agree_to_has_its_spaces(open_phone: OpenPhone) -> None:
    page = open_phone("alice", language="en")
    sentence = "I have read and agree to the terms and privacy policy"

    tick = page.get_by_role("checkbox")
    expect(tick).to_have_attribute("aria-label", sentence)
    assert page.locator(".agree-text").inner_text() == sentence


def test_a_login_code_that_ran_out_while_reading_is_replaced(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    page = open_phone("alice")
    page.get_by_role("checkbox").click()
    api.login_codes.clear()

    page.get_by_role("button", name="同意并开通").click()
    expect(page.locator(".digits")).to_be_visible()

    _, stale, fresh = api.bodies(LOGIN)
    assert stale["code"] != fresh["code"]
    assert fresh["consent"] == {"policy_version": POLICY}


def test_whoever_declines_is_not_asked_again_unprompted(api: MemberApiStub, open_phone: OpenPhone) -> None:
    page = open_phone("alice")
    page.get_by_role("button", name="暂不开通").click()
    expect(page.get_by_text("欢迎光临青禾生活")).to_be_visible()

    page.reload()
    expect(page.get_by_text("欢迎光临青禾生活")).to_be_visible()
    assert len(api.bodies(LOGIN)) == 1

    page.get_by_role("button", name="微信一键登录").click()
    expect(page.locator("#title")).to_have_text("开通会员")


def test_the_phones_own_back_is_a_no_too(open_phone: OpenPhone) -> None:
    page = open_phone("alice")
    page.get_by_role("button", name="返回").click()

    expect(page.get_by_text("欢迎光临青禾生活")).to_be_visible()


def test_a_member_of_an_earlier_policy_is_shown_the_new_one_and_agrees(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    member = api.add_member("demo", policy="2025-01")
    page = open_phone()
    expect(page.locator("#title")).to_have_text("政策更新")
    expect(page.get_by_text(f"版本 {POLICY}")).to_be_visible()

    page.get_by_role("button", name="同意新版本").click()
    expect(page.get_by_text("请先阅读并勾选同意")).to_be_visible()
    assert api.bodies(CONSENT) == []

    page.get_by_role("checkbox").click()
    page.get_by_role("button", name="同意新版本").click()
    expect(page.locator(".digits")).to_be_visible()
    assert api.bodies(CONSENT) == [{"policy_version": POLICY}]
    assert member["policy"] == POLICY
    assert len(api.bodies(LOGIN)) == 1


def test_a_new_policy_may_be_left_for_later(api: MemberApiStub, open_phone: OpenPhone) -> None:
    member = api.add_member("demo", policy="2025-01")
    page = open_phone()
    page.get_by_role("button", name="暂不同意").click()
    expect(page.locator(".digits")).to_be_visible()
    assert (member["policy"], api.bodies(CONSENT)) == ("2025-01", [])

    page.reload()
    expect(page.locator(".digits")).to_be_visible()
    # Whatever still asks would find the token gone before the tab is touched; the inbox asks for nothing by itself.
    all_answered(page)
    _tab(page, "消息")
    expect(page.locator(".mp-page:not([hidden]) .tell-me")).to_be_visible()
    api.forget_tokens()
    _tab(page, "积分")
    expect(page.locator("#title")).to_have_text("政策更新")


def test_a_policy_that_changed_again_while_reading_needs_a_new_tick(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    member = api.add_member("demo", policy="2025-01")
    page = open_phone()
    expect(page.get_by_text(f"版本 {POLICY}")).to_be_visible()
    api.policy_now = "2026-12"
    page.get_by_role("checkbox").click()
    page.get_by_role("button", name="同意新版本").click()
    expect(page.get_by_text("版本 2026-12")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_attribute("aria-checked", "false")
    assert member["policy"] == "2025-01"

    page.get_by_role("checkbox").click()
    page.get_by_role("button", name="同意新版本").click()
    expect(page.locator(".digits")).to_be_visible()
    assert member["policy"] == "2026-12"


def test_a_busy_server_is_asked_again_with_the_same_code_and_key(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    api.busy_logins = 3
    page = open_phone()
    expect(page.locator(".digits")).to_be_visible()
    assert len(api.bodies(LOGIN)) == 4
    assert len({body["code"] for body in api.bodies(LOGIN)}) == len(set(api.keys(LOGIN))) == 1


def test_a_lapsed_token_is_replaced_without_the_member_noticing(
    api: MemberApiStub, member_phone: Page
) -> None:
    api.forget_tokens()
    _tab(member_phone, "积分")

    expect(member_phone.locator(".points-now")).to_have_text("2,480")
    assert len(api.bodies(LOGIN)) >= 2


def test_of_two_calls_with_a_lapsed_token_one_signs_in_for_both(
    api: MemberApiStub, member_phone: Page
) -> None:
    inbox, held = "/api/v1/me/messages", list[Route]()
    all_answered(member_phone)
    member_phone.route(f"**{inbox}?*", lambda route: held.append(route), times=1)
    for before_lapsing in (True, False):
        shown = member_phone.locator(".digits").text_content() or ""
        member_phone.get_by_role("button", name="换一个码").click()
        expect(member_phone.locator(".digits")).not_to_have_text(shown)
        if before_lapsing:
            until_seen(member_phone, lambda: len(held) == 1)
            api.forget_tokens()
    until_seen(member_phone, lambda: len(api.bodies(inbox)) == 2)
    held[0].continue_()
    until_seen(member_phone, lambda: len(api.bodies(inbox)) == 4)  # refused, and asked again
    assert len(api.bodies(LOGIN)) == 2


def test_a_lost_answer_is_asked_for_again_with_the_same_key(api: MemberApiStub, member_phone: Page) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    member_phone.route("**/api/v1/me/phone", lose, times=1)
    _tab(member_phone, "我的")
    member_phone.get_by_role("button", name="绑定").click()
    member_phone.get_by_role("button", name="允许").click()
    expect(member_phone.get_by_text("138****8000")).to_be_visible()

    first, second = api.keys("/api/v1/me/phone")
    assert first == second


def test_signing_out_leaves_nothing_of_the_member_on_the_phone(
    api: MemberApiStub, member_phone: Page
) -> None:
    _tab(member_phone, "我的")
    member_phone.get_by_role("button", name="退出登录").click()
    member_phone.get_by_role("dialog").get_by_role("button", name="确定").click()

    expect(member_phone.get_by_text("欢迎光临青禾生活")).to_be_visible()
    expect(member_phone.get_by_text("张小满")).to_have_count(0)
    assert member_phone.evaluate("Object.keys(localStorage)") == ["mp:demo:signed_out"]
    until(lambda: api.tokens == {})


def test_what_comes_after_signing_out_is_not_kept(api: MemberApiStub, member_phone: Page) -> None:
    late: list[Route] = []
    member_phone.route("**/api/v1/me", lambda route: late.append(route), times=1)
    _tab(member_phone, "我的")
    until_seen(member_phone, lambda: len(late) == 1)
    member_phone.get_by_role("button", name="退出登录").click()
    member_phone.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(member_phone.get_by_text("欢迎光临青禾生活")).to_be_visible()
    with member_phone.expect_response("**/api/v1/me") as answer:
        late[0].fulfill(json=api.shown("demo"))
    answer.value.finished()

    _tab(member_phone, "我的")
    expect(member_phone.get_by_role("button", name="微信一键登录")).to_be_visible()
    assert member_phone.evaluate("Object.keys(localStorage)") == ["mp:demo:signed_out"]


def _withdraw(page: Page) -> None:
    _tab(page, "我的")
    page.get_by_role("button", name="撤回同意").click()
    page.get_by_role("dialog").get_by_role("button", name="撤回", exact=True).click()


def test_consent_is_taken_back_after_a_question_that_says_what_follows(
    api: MemberApiStub, member_phone: Page
) -> None:
    _tab(member_phone, "我的")
    member_phone.get_by_role("button", name="撤回同意").click()
    question = member_phone.get_by_role("dialog")
    expect(question).to_contain_text("会员码立即作废")
    expect(question).to_contain_text("积分、余额和消费记录会保留")
    question.get_by_role("button", name="取消").click()
    assert api.members["demo"]["policy"] == POLICY

    _withdraw(member_phone)
    expect(member_phone.get_by_text("您已撤回同意")).to_be_visible()
    expect(member_phone.locator(".me-name")).to_have_count(0)
    assert member_phone.evaluate("Object.keys(localStorage)") == ["mp:demo:signed_out"]
    assert (api.members["demo"]["policy"], api.tokens) == (None, {})
    assert api.bodies(CONSENT) == [None]

    _tab(member_phone, "会员码")
    expect(member_phone.get_by_text("欢迎光临青禾生活")).to_be_visible()
    expect(member_phone.locator(".digits")).to_have_count(0)
    expect(member_phone.get_by_text("张小满")).to_have_count(0)


def test_whoever_agrees_again_goes_on_where_they_stopped(api: MemberApiStub, member_phone: Page) -> None:
    _withdraw(member_phone)
    member_phone.get_by_role("button", name="微信一键登录").click()
    member_phone.get_by_role("checkbox").click()
    member_phone.get_by_role("button", name="同意并开通").click()
    expect(member_phone.locator(".digits")).to_be_visible()

    _tab(member_phone, "我的")
    expect(member_phone.locator(".me-name")).to_have_text("张小满")
    expect(member_phone.get_by_text("您已撤回同意")).to_have_count(0)
    assert api.members["demo"]["points"] == 2480


def test_a_withdrawal_whose_answer_was_lost_is_not_done_half(api: MemberApiStub, member_phone: Page) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    member_phone.route("**" + CONSENT, lose, times=1)
    _withdraw(member_phone)
    expect(member_phone.get_by_text("您已撤回同意")).to_be_visible()
    expect(member_phone.locator("#title")).to_have_text("我的")
    assert len(api.bodies(CONSENT)) == 2
    assert member_phone.evaluate("Object.keys(localStorage)") == ["mp:demo:signed_out"]


def test_a_lapsed_token_is_replaced_before_consent_is_taken_back(
    api: MemberApiStub, member_phone: Page
) -> None:
    all_answered(member_phone)
    open_me(member_phone)
    expect(member_phone.locator(".me-name")).to_be_visible()
    api.forget_tokens()
    _withdraw(member_phone)
    expect(member_phone.get_by_text("您已撤回同意")).to_be_visible()
    assert (api.members["demo"]["policy"], api.tokens) == (None, {})


def test_without_a_network_nothing_is_taken_back_and_the_page_says_so(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo", name="张小满")
    page = open_phone(width=1280)
    page.locator(".qr img").wait_for()
    page.get_by_role("button", name="断开网络").click()
    _withdraw(page)
    expect(page.locator("#toast")).to_contain_text("网络不给力")
    expect(page.locator(".me-name")).to_have_text("张小满")
    assert api.members["demo"]["policy"] == POLICY


# -- the code


def test_both_pictures_carry_the_digits_below_them(member_phone: Page) -> None:
    digits = _digits(member_phone)
    assert re.fullmatch(r"90\d{18}", digits)
    # It has its size before it is painted.
    member_phone.locator(".qr img").evaluate("image => image.decode()")

    assert ("QRCode", digits) in _decode(member_phone.screenshot())
    bar = member_phone.locator(".bar img").get_attribute("src") or ""
    assert _decode(base64.b64decode(bar.partition(",")[2])) == [("Code128", digits)]


def test_the_code_turns_before_it_ends(api: MemberApiStub, open_phone: OpenPhone) -> None:
    api.add_member("demo")
    api.refresh_in = 2
    page = open_phone()
    expect(page.locator(".left")).to_have_text(re.compile("秒后自动刷新"))
    first = page.locator(".digits").text_content() or ""

    expect(page.locator(".digits")).not_to_have_text(first)


def _let_the_clock_of_the_page_run(page: Page, times: int) -> None:
    for _ in range(times):
        page.clock.run_for(1_000)
        page.wait_for_timeout(30)


@pytest.fixture
def timed_phone(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    """A member's phone whose seconds pass when the test says so."""
    api.add_member("demo")
    api.refresh_in = 1_000
    page = open_phone(width=1280, own_clock=True)
    page.clock.install()
    page.reload()
    page.locator(".qr img").wait_for()
    return page


def test_a_code_that_was_used_at_the_till_makes_room_for_the_next(
    api: MemberApiStub, timed_phone: Page
) -> None:
    used = timed_phone.locator(".digits").text_content() or ""
    _let_the_clock_of_the_page_run(timed_phone, 7)
    expect(timed_phone.locator(".digits")).to_have_text(used)

    api.use_code()
    api.members["demo"]["points"] = 2_516
    _let_the_clock_of_the_page_run(timed_phone, 7)
    expect(timed_phone.locator(".digits")).not_to_have_text(used)
    expect(timed_phone.get_by_text("2,516")).to_be_visible()


def test_the_card_follows_a_sale_that_comes_after_the_code_was_scanned(
    api: MemberApiStub, timed_phone: Page
) -> None:
    """The clerk has to type the amount first; the code that is shown next turns much later."""
    used = timed_phone.locator(".digits").text_content() or ""
    api.use_code()
    _let_the_clock_of_the_page_run(timed_phone, 14)
    expect(timed_phone.locator(".digits")).not_to_have_text(used)
    expect(timed_phone.get_by_text("2,480")).to_be_visible()

    api.members["demo"]["points"] = 2_516
    _let_the_clock_of_the_page_run(timed_phone, 8)
    expect(timed_phone.get_by_text("2,516")).to_be_visible()


def test_a_renewal_does_not_wait_for_a_look_and_its_late_answer_changes_nothing(timed_phone: Page) -> None:
    held: list[Route] = []
    first = timed_phone.locator(".digits").text_content() or ""
    timed_phone.route("**" + CODE, lambda route: held.append(route), times=1)
    _let_the_clock_of_the_page_run(timed_phone, 7)
    until_seen(timed_phone, lambda: len(held) == 1)

    timed_phone.get_by_role("button", name="换一个码").click()
    expect(timed_phone.locator(".digits")).not_to_have_text(first)
    renewed = timed_phone.locator(".digits").text_content() or ""
    late = {"code": "92" + "0" * 18, "refresh_in": 30, "valid_until": "2030-01-01T00:00:00Z"}
    with timed_phone.expect_response("**" + CODE):
        held[0].fulfill(json=late)
    _let_the_clock_of_the_page_run(timed_phone, 2)
    expect(timed_phone.locator(".digits")).to_have_text(renewed)


def test_the_last_code_of_a_minute_leaves_the_screen_when_it_was_used(
    api: MemberApiStub, timed_phone: Page
) -> None:
    api.used_up_for_s = 30
    _let_the_clock_of_the_page_run(timed_phone, 7)

    expect(timed_phone.get_by_role("alert")).to_contain_text("这一分钟内的会员码已用完")


def test_nobody_looks_for_a_used_code_behind_another_page_without_a_network_or_for_ever(
    api: MemberApiStub, timed_phone: Page
) -> None:
    _tab(timed_phone, "消息")
    expect(timed_phone.locator("#title")).to_have_text("消息")
    before = len(api.bodies(CODE))
    _let_the_clock_of_the_page_run(timed_phone, 12)
    assert len(api.bodies(CODE)) == before

    timed_phone.get_by_role("button", name="断开网络").click()
    _tab(timed_phone, "会员码")
    expect(timed_phone.get_by_text("网络不稳定，正在使用离线码")).to_be_visible()
    _let_the_clock_of_the_page_run(timed_phone, 12)
    assert len(api.bodies(CODE)) == before

    timed_phone.get_by_role("button", name="断开网络").click()
    expect(timed_phone.get_by_text("网络不稳定，正在使用离线码")).to_have_count(0)
    timed_phone.clock.fast_forward(1_000)
    for _ in range(70):
        timed_phone.clock.run_for(6_000)
        timed_phone.wait_for_timeout(20)
    assert before < len(api.bodies(CODE)) <= before + 62


def test_a_new_code_can_be_asked_for(api: MemberApiStub, member_phone: Page) -> None:
    first = member_phone.locator(".digits").text_content() or ""
    member_phone.get_by_role("button", name="换一个码").click()

    expect(member_phone.locator(".digits")).not_to_have_text(first)
    assert {"renew": True} in api.bodies(CODE)


def test_a_new_code_that_is_asked_for_while_one_is_fetched_comes_after_that(
    api: MemberApiStub, member_phone: Page
) -> None:
    first = member_phone.locator(".digits").text_content() or ""
    held: list[Route] = []
    member_phone.route("**" + CODE, lambda route: held.append(route), times=1)
    _tab(member_phone, "消息")
    _tab(member_phone, "会员码")
    until_seen(member_phone, lambda: len(held) == 1)
    member_phone.get_by_role("button", name="换一个码").click()
    held[0].continue_()

    expect(member_phone.locator(".digits")).not_to_have_text(first)
    assert api.bodies(CODE).count({"renew": True}) == 1


def test_a_screenshot_withdraws_the_code(api: MemberApiStub, open_phone: OpenPhone) -> None:
    api.add_member("demo")
    page = open_phone(width=1280)
    page.locator(".qr img").wait_for()
    first = page.locator(".digits").text_content() or ""
    page.get_by_role("button", name="模拟截屏").click()

    expect(page.locator("#toast")).to_have_text("已为您更换新码，请勿分享截图")
    expect(page.locator(".digits")).not_to_have_text(first)
    assert {"renew": True} in api.bodies(CODE)


def test_without_a_network_a_stored_code_is_shown_and_said_to_be(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    page = open_phone(width=1280)
    wait_for_stored_codes(page)
    network = page.get_by_role("button", name="断开网络")
    network.click()
    page.get_by_role("button", name="换一个码").click()

    expect(page.get_by_text("网络不稳定，正在使用离线码")).to_be_visible()
    assert _digits(page).startswith("91")

    network.click()
    expect(page.get_by_text("网络不稳定，正在使用离线码")).to_have_count(0)
    expect(page.locator(".digits")).to_have_text(re.compile("^90"))


def test_without_a_network_and_without_stored_codes_the_page_says_so(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    api.pack_window_s = 0
    page = open_phone(width=1280)
    wait_for_stored_codes(page)
    page.get_by_role("button", name="断开网络").click()
    page.get_by_role("button", name="换一个码").click()

    expect(page.get_by_role("alert")).to_contain_text("离线码也已用完")


def test_a_server_in_difficulty_does_not_leave_the_till_waiting(
    api: MemberApiStub, member_phone: Page
) -> None:
    wait_for_stored_codes(member_phone)
    member_phone.route("**" + CODE, lambda route: route.fulfill(status=503, body="busy"))
    member_phone.get_by_role("button", name="换一个码").click()

    expect(member_phone.get_by_text("网络不稳定，正在使用离线码")).to_be_visible()
    assert _digits(member_phone).startswith("91")


def test_when_all_codes_are_used_up_no_stored_one_is_shown_and_the_wait_is_as_long_as_the_server_says(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    page = open_phone(width=1280)
    wait_for_stored_codes(page)
    api.used_up_for_s = 1
    page.get_by_role("button", name="换一个码").click()

    expect(page.get_by_role("alert")).to_contain_text("这一分钟内的会员码已用完，请稍候再刷新。")
    expect(page.locator(".digits")).to_have_count(0)
    stored = page.evaluate("JSON.parse(localStorage.getItem('mp:demo:code_pack'))")
    assert "91" + "0" * 18 not in {code["code"] for code in stored["codes"]}

    api.used_up_for_s = 0
    expect(page.locator(".digits")).to_have_text(re.compile("^90"))


def test_two_phones_in_two_tabs_are_two_members(api: MemberApiStub, open_phone: OpenPhone) -> None:
    api.add_member("demo", name="张小满")
    api.add_member("bob", name="李雷")
    first, second = open_phone("demo"), open_phone("bob")

    expect(first.get_by_text("张小满")).to_be_visible()
    expect(second.get_by_text("李雷")).to_be_visible()


# -- the other pages


def test_the_points_log_loads_further_pages_on_the_way_down(api: MemberApiStub, member_phone: Page) -> None:
    _tab(member_phone, "积分")
    rows = member_phone.locator(".entry")
    expect(member_phone.get_by_text("30 天内有 320 积分到期，最早一批可用至 2026-12-24")).to_be_visible()
    expect(rows).to_have_count(20)

    _to_the_bottom(member_phone)
    expect(rows).to_have_count(40)
    _to_the_bottom(member_phone)
    expect(rows).to_have_count(45)
    expect(member_phone.get_by_text("没有更多了")).to_be_visible()


def test_points_that_wait_are_told_apart_with_the_day_of_the_first(
    api: MemberApiStub, member_phone: Page
) -> None:
    _tab(member_phone, "积分")
    expect(member_phone.locator(".points-now")).to_have_text("2,480")
    expect(member_phone.locator(".points-waiting")).to_have_count(0)

    api.pending = {"points": 1_200, "earliest_at": "2026-12-02T16:00:00Z"}
    _tab(member_phone, "消息")
    _tab(member_phone, "积分")
    expect(member_phone.locator(".points-waiting")).to_have_text(
        "另有 1,200 积分待生效，最早 2026-12-03 可用"
    )
    expect(member_phone.locator(".points-now")).to_have_text("2,480")


def test_what_is_owed_is_told_and_each_entry_that_waits_says_from_when(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo", name="张小满")
    api.owed = 80
    for language, owed, waits in (
        ("zh", "尚欠 80 积分，将从下次获得的积分中扣除", "2099-01-02 起可用"),
        ("en", "You owe 80 points; the next ones you get pay for them", "To be spent from 2099-01-02"),
    ):
        phone = open_phone(language=language)
        _tab(phone, {"zh": "积分", "en": "Points"}[language])
        expect(phone.locator(".points-owed")).to_have_text(owed)
        expect(phone.get_by_text(waits)).to_have_count(1)


def test_an_entry_says_the_last_day_as_the_server_counts_it(member_phone: Page) -> None:
    _tab(member_phone, "积分")

    expect(member_phone.get_by_text("有效期至 2027-12-31").first).to_be_visible()


def test_what_ends_soon_is_told_only_after_it_was_read(api: MemberApiStub, member_phone: Page) -> None:
    member_phone.route("**/api/v1/me/points", lambda route: route.abort())
    _tab(member_phone, "积分")
    expect(member_phone.get_by_role("button", name="重试")).to_be_visible()
    expect(member_phone.locator(".points-now")).to_have_text("–")
    expect(member_phone.locator(".points-soon")).to_have_text("")

    member_phone.unroute("**/api/v1/me/points")
    api.expiring_soon = {"points": 0, "earliest_at": None}
    member_phone.get_by_role("button", name="重试").click()
    expect(member_phone.locator(".points-soon")).to_have_text("近期没有即将到期的积分")


@pytest.mark.parametrize(("points", "told"), [(1, "1 point"), (27, "27 points")])
def test_one_point_is_not_points(api: MemberApiStub, open_phone: OpenPhone, points: int, told: str) -> None:
    api.add_member("demo", language="en")
    api.points_of_a_sale, api.expiring_soon = points, {"points": points}
    page = open_phone(language="en")
    _tab(page, "Points")
    expect(page.locator(".points-soon")).to_have_text(
        f"Within 30 days: {told} to use up, the first by 2026-12-24"
    )
    _tab(page, "Me")
    page.get_by_role("button", name="Purchases").click()
    expect(page.locator(".sale-points").first).to_have_text(f"+{told}")


def test_a_message_is_read_by_tapping_it(api: MemberApiStub, member_phone: Page) -> None:
    dot = member_phone.get_by_role("img", name="有新消息")
    expect(dot).to_be_visible()
    _tab(member_phone, "消息")
    member_phone.get_by_text("未读").click()

    expect(member_phone.get_by_text("未读")).to_have_count(0)
    expect(dot).to_have_count(0)
    assert all(message["read"] for message in api.members["demo"]["messages"])


def test_a_tap_asks_for_one_notification(api: MemberApiStub, member_phone: Page) -> None:
    _tab(member_phone, "消息")
    told, reported = [], []
    for answer, result in (("允许", "accept"), ("拒绝", "reject")):
        member_phone.get_by_role("button", name="提醒我").click()
        expect(member_phone.get_by_role("dialog")).to_contain_text("青禾生活 申请")
        member_phone.get_by_role("dialog").get_by_role("button", name=answer).click()
        told.append({"user": "demo", "results": {TEMPLATE: result}})
        reported.append({"results": [{"template_id": TEMPLATE, "outcome": result}]})
        until(lambda: api.subscribed == told)
        until(lambda: api.bodies("/api/v1/me/subscriptions") == reported)
    # Whoever refused is not asked again, here or where the code is.
    expect(member_phone.get_by_role("button", name="提醒我")).to_have_count(0)
    _tab(member_phone, "会员码")
    expect(member_phone.locator(".qr img")).to_be_visible()
    expect(member_phone.get_by_role("button", name="提醒我")).to_have_count(0)
    assert len(set(api.keys("/api/v1/me/subscriptions"))) == 2


def test_purchases_are_listed_with_their_receipts(member_phone: Page) -> None:
    _tab(member_phone, "我的")
    member_phone.get_by_role("button", name="消费记录").click()

    expect(member_phone.locator(".sale").first).to_contain_text("¥1,234.56")
    expect(member_phone.locator(".sale").first).to_contain_text("+1,234 积分")
    expect(member_phone.get_by_text("小票号 JA-20261120-0001 · 已退款 ¥23.50")).to_be_visible()
    expect(member_phone.locator("#tabs")).to_be_hidden()
    member_phone.get_by_role("button", name="返回").click()
    expect(member_phone.locator("#title")).to_have_text("我的")


def test_the_profile_can_be_filled_in(api: MemberApiStub, member_phone: Page) -> None:
    _tab(member_phone, "我的")
    member_phone.get_by_role("button", name="姓名").click()
    member_phone.get_by_role("dialog").get_by_role("textbox").fill("张大满")
    member_phone.keyboard.press("Enter")
    expect(member_phone.locator(".me-name")).to_have_text("张大满")

    member_phone.get_by_label("生日").fill("1995-06-01")
    member_phone.get_by_role("dialog").get_by_role("button", name="确定").click()
    expect(member_phone.get_by_role("button", name="生日")).to_contain_text("1995-06-01")

    member = api.members["demo"]
    assert (member["name"], member["birthday"]) == ("张大满", "1995-06-01")


def test_a_birthday_that_is_typed_is_asked_about_once_and_when_it_is_whole(
    api: MemberApiStub, member_phone: Page
) -> None:
    open_me(member_phone)
    field, asked = member_phone.get_by_label("生日"), member_phone.get_by_role("dialog")
    field.focus()
    for typed in ("0001-12-02", "1899-12-31", "1995-12-02", "1995-12-25"):
        member_phone.keyboard.press("0")
        field.evaluate(
            "(field, value) => { field.value = value;"
            " field.dispatchEvent(new Event('change', {bubbles: true})); }",
            typed,
        )
        expect(asked).to_have_count(0)
    member_phone.keyboard.press("Enter")

    expect(asked).to_contain_text("1995-12-25")
    asked.get_by_role("button", name="确定").click()
    expect(member_phone.get_by_role("button", name="生日")).to_contain_text("1995-12-25")
    until(lambda: api.members["demo"]["birthday"] == "1995-12-25")


def test_a_birthday_out_of_bounds_is_not_taken(api: MemberApiStub, member_phone: Page) -> None:
    _tab(member_phone, "我的")
    field = member_phone.get_by_label("生日")
    field.fill("1899-12-31")
    field.blur()
    expect(member_phone.get_by_role("dialog")).to_have_count(0)

    field.fill("1900-01-01")
    expect(member_phone.get_by_role("dialog")).to_contain_text("1900-01-01")


def test_a_refused_change_is_shown_and_taken_back(api: MemberApiStub, member_phone: Page) -> None:
    open_me(member_phone)
    expect(member_phone.get_by_label("生日")).to_be_attached()
    api.members["demo"]["birthday"] = "1990-01-01"
    member_phone.get_by_label("生日").fill("1995-06-01")
    member_phone.get_by_role("dialog").get_by_role("button", name="确定").click()

    expect(member_phone.locator("#toast")).to_have_text("生日已设置，不能修改")


def test_the_language_follows_the_phone_until_the_member_chooses(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo", name="Mia")
    page = open_phone(language="en")
    expect(page.get_by_text("Show this at the till")).to_be_visible()
    expect(page.locator(".digits")).to_be_visible()
    assert {call.language for call in api.calls} == {"en"}

    _tab(page, "Me")
    page.get_by_role("button", name="Language").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("#title")).to_have_text("我的")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    _tab(page, "会员码")
    expect(page.get_by_text("结账时请向店员出示")).to_be_visible()

    until(lambda: api.members["demo"]["language"] == "zh")
    page.reload()
    expect(page.locator("#title")).to_have_text("会员码")


def test_everything_can_be_reached_by_keyboard(api: MemberApiStub, member_phone: Page) -> None:
    first = member_phone.locator(".digits").text_content() or ""
    member_phone.get_by_role("button", name="换一个码").focus()
    member_phone.keyboard.press("Enter")

    expect(member_phone.locator(".digits")).not_to_have_text(first)

    tab = member_phone.locator("#tabs button").nth(2)
    tab.focus()
    member_phone.keyboard.press("Enter")
    expect(member_phone.locator("#title")).to_have_text("消息")
    expect(tab).to_be_focused()


# -- the tier


def test_under_the_card_stands_what_is_missing_to_the_next_tier(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    api.tier_text = "再消费 ¥320.00 即可升级为金卡会员"
    page = open_phone()
    expect(page.locator(".tier-line")).to_have_text(api.tier_text)
    assert len([call for call in api.calls if call.path == "/api/v1/me/tier"]) == 1


def test_where_there_is_nothing_to_tell_of_the_tier_there_is_no_line(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    page = open_phone()
    expect(page.locator(".tell-me")).to_be_visible()  # offered once the tier is known
    expect(page.locator(".tier-line")).to_have_count(0)
