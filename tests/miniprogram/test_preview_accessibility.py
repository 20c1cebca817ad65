"""Every page: no serious accessibility fault, nothing wider than the screen, controls large enough for a thumb."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browsers import serious
from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, toast_says

pytestmark = pytest.mark.browser

#: English has the longer words; what it leaves room for, Chinese fits into.
LANGUAGES = (pytest.param("zh", marks=pytest.mark.long), "en")
WIDTHS = (320, 390, 768, 1280)
THUMB_PX = 40

TOO_SMALL = """least => [...document.querySelectorAll('button, a, input')]
  .filter(e => e.checkVisibility())
  .map(e => [e.textContent || e.className, e.getBoundingClientRect()])
  .filter(([, box]) => box.width && box.height && Math.min(box.width, box.height) < least)
  .map(([name, box]) => `${name}: ${Math.round(box.width)}x${Math.round(box.height)}`)"""
TOO_WIDE = """() => [document.documentElement, ...document.querySelectorAll('.mp-page, .mp-screen')]
  .filter(e => e.scrollWidth > e.clientWidth)
  .map(e => `${e.className || e.tagName}: ${e.scrollWidth} > ${e.clientWidth}`)"""


def _open_tab(index: int) -> Callable[[Page], None]:
    return lambda page: page.locator("#tabs button").nth(index).click()


def _purchases(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-sales").click()


def _top_up(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-top-up").click()


def _mall(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-mall").click()


def _reward(page: Page) -> None:
    _mall(page)
    page.locator(".reward").first.click()


def _exchanges(page: Page) -> None:
    _reward(page)
    page.locator(".reward-store").first.click()
    page.locator(".exchange").click()
    page.get_by_role("dialog").locator("button").last.click()


def _events(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-events").click()


def _event(page: Page) -> None:
    _events(page)
    page.locator(".event").first.click()
    page.locator(".event-session").first.click()


def _bookings(page: Page) -> None:
    _event(page)
    page.locator(".event-book").click()
    page.get_by_role("dialog").locator("button").last.click()


def _coupons(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-coupons").click()
    page.locator(".where-now").click()


def _coupon(page: Page) -> None:
    _coupons(page)
    page.locator(".held").first.click()


def _coupon_centre(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-coupon-centre").click()


def _coupon_gift(page: Page) -> None:
    page.evaluate("wx.navigateTo({ url: '/pages/coupon_gift/index?secret=s' })")


def _check_in(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-check-in").click()


def _lottery(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-lottery").click()


def _notices(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-notices").click()


def _email(page: Page) -> None:
    _notices(page)
    page.locator(".notices-email").click()


def _claimed(page: Page) -> None:
    _coupon_centre(page)
    page.locator(".claim").first.click()


def _invite(page: Page) -> None:
    _open_tab(3)(page)
    page.locator(".me-invite").click()


def _fairness(page: Page) -> None:
    _lottery(page)
    page.locator(".cell-link").click()


# The page to look at, how to get there, and what shows that it has come.
PAGES: dict[str, tuple[Callable[[Page], None], str]] = {
    "code": (_open_tab(0), ".qr img"),
    "points": (_open_tab(1), ".entry"),
    "messages": (_open_tab(2), ".message"),
    "me": (_open_tab(3), ".avatar"),
    "sales": (_purchases, ".sale"),
    "top_up": (_top_up, ".offer"),
    "rewards": (_mall, ".reward"),
    "reward": (_reward, ".reward-store"),
    "reward_orders": (_exchanges, ".reward-order"),
    "events": (_events, ".event"),
    "event": (_event, ".event-count"),
    "bookings": (_bookings, ".booking"),
    "coupons": (_coupons, ".held"),
    "coupon": (_coupon, ".coupon-rule"),
    "coupon_centre": (_coupon_centre, ".claimable"),
    "coupon_gift": (_coupon_gift, ".gift-button"),
    "check_in": (_check_in, ".day-checked"),
    "lottery": (_lottery, ".odds"),
    "fairness": (_fairness, ".hash"),
    "claimed": (_claimed, ".mp-page:not([hidden]) .tell-me"),
    "notices": (_notices, ".notices-hint"),
    "email": (_email, ".email-field"),
    "invite": (_invite, ".invite-friend"),
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_members_page_is_sound_at_every_width(
    api: MemberApiStub, open_phone: OpenPhone, name: str, language: str
) -> None:
    go, arrived = PAGES[name]
    api.add_member("demo", name="Alexandra Featherstonehaugh-Cholmondeley", points=123_456_789)
    page = open_phone(language=language)
    page.locator(".qr img").wait_for()
    go(page)
    expect(page.locator(arrived).first).to_be_visible()

    _look(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pages_before_joining_are_sound_at_every_width(open_phone: OpenPhone, language: str) -> None:
    page = open_phone("alice", language=language)
    expect(page.get_by_role("checkbox")).to_be_visible()
    _look(page)

    page.locator(".decide .quiet").click()
    expect(page.locator(".sign-in")).to_be_visible()
    _look(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_of_a_new_policy_is_sound_at_every_width(
    api: MemberApiStub, open_phone: OpenPhone, language: str
) -> None:
    api.add_member("demo", policy="2025-01")
    page = open_phone(language=language)
    expect(page.get_by_role("checkbox")).to_be_visible()
    _look(page)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_question_of_a_till_and_its_answer_are_sound_at_every_width(
    api: MemberApiStub, open_phone: OpenPhone, language: str
) -> None:
    api.add_member("demo")
    api.ask_for_their_word(stored_value_fen=123_456_789)
    page = open_phone(language=language)
    expect(page.locator(".confirm-agree")).to_be_visible()
    _look(page)

    page.locator("#back").click()
    expect(page.locator(".waits")).to_be_visible()
    _look(page)

    page.locator(".waits button").click()
    page.locator(".confirm-decline").click()
    expect(page.locator(".confirm-done")).to_be_visible()
    _look(page)


@pytest.mark.parametrize("window", [(1280, 800), (1366, 768)])
def test_on_a_laptop_the_whole_code_is_seen_without_scrolling(
    api: MemberApiStub, open_phone: OpenPhone, window: tuple[int, int]
) -> None:
    api.add_member("demo")
    api.tier_text = "再消费 ¥120.00 即可升级为金卡会员"
    page = open_phone(width=window[0], height=window[1])
    expect(page.locator(".tier-line")).to_be_visible()
    code, tabs = page.locator(".qr").bounding_box(), page.locator("#tabs").bounding_box()
    assert code is not None
    assert tabs is not None
    assert code["y"] + code["height"] <= tabs["y"]


def test_the_policy_is_a_link_within_the_sentence_and_within_reach_of_the_keyboard(
    open_phone: OpenPhone,
) -> None:
    page = open_phone("alice", language="en", own_clock=True)
    page.context.grant_permissions(["clipboard-write"])
    policy = page.get_by_role("link", name="terms and privacy policy")
    whole = page.locator(".agree-text")
    assert whole.evaluate("e => e.getBoundingClientRect().height < 50")
    policy.press("Enter")
    toast_says(page, "Link copied")


@pytest.mark.parametrize("asking", [".sign-out", ".withdraw"])
def test_a_question_over_the_page_is_sound(member_phone: Page, asking: str) -> None:
    _open_tab(3)(member_phone)
    member_phone.locator(asking).click()
    expect(member_phone.get_by_role("dialog")).to_be_visible()

    assert serious(member_phone) == []


def _look(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(TOO_WIDE) == [], f"at {width} px"
        assert page.evaluate(TOO_SMALL, THUMB_PX) == [], f"at {width} px"
    page.set_viewport_size({"width": 390, "height": 844})
    assert serious(page) == []
