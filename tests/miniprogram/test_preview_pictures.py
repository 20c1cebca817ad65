"""Pictures of items, coupons and events, in a browser, against a stub of the API."""

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.picture_stub import GONE, THERE
from tests.miniprogram.preview_tools import OpenPhone, go_back

pytestmark = pytest.mark.browser

#: Width, height and how it fills them; zero wide, where the browser could not draw it.
LOOK = """picture => picture.decode().then(() => {
  const { width, height } = picture.getBoundingClientRect();
  return [width / height, getComputedStyle(picture).objectFit, picture.naturalWidth];
})"""
#: The phone is 750 of these wide.
RPX = 390 / 750


@pytest.fixture
def page(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    page.locator("#tabs button").nth(3).click()
    return page


def _shown(picture: Locator, ratio: float) -> None:
    """It is drawn, cut to the frame and not pressed into it, and says nothing to who does not see it."""
    expect(picture).to_be_visible()
    shape, fit, width = picture.evaluate(LOOK)
    assert (round(shape, 2), fit, width) == (ratio, "cover", 960)
    expect(picture).to_have_attribute("alt", "")


def test_a_reward_has_its_picture_in_the_mall_and_on_its_own_page(page: Page, api: MemberApiStub) -> None:
    page.locator(".me-mall").click()
    rows = page.locator(".reward")
    _shown(rows.first.locator("img"), 1)
    expect(rows.first.locator("img")).to_have_attribute("loading", "lazy")
    expect(rows.nth(1).locator("img")).to_have_count(0)
    rows.first.click()
    page.locator(".reward-store").first.wait_for()
    _shown(page.locator(".mp-page:not([hidden]) .reward-card").locator("xpath=..").locator("img"), 1.6)
    go_back(page)
    rows.nth(1).click()
    page.locator(".mp-page:not([hidden]) .reward-title").wait_for()
    expect(page.locator(".mp-page:not([hidden]) img")).to_have_count(0)
    assert api.bodies(THERE)


def test_coupons_have_theirs_where_they_are_held_and_where_they_are_claimed(page: Page) -> None:
    page.locator(".me-coupons").click()
    held = page.locator(".held")
    _shown(held.first.locator("img"), 1)
    expect(held.nth(1).locator("img")).to_have_count(0)
    held.first.click()
    page.locator(".coupon-rule").first.wait_for()
    _shown(page.locator(".mp-page:not([hidden]) coupon-card img"), 1)
    go_back(page)
    go_back(page)
    page.locator(".me-coupon-centre").click()
    _shown(page.locator(".claimable").first.locator("img"), 1)


def test_events_have_theirs(page: Page) -> None:
    page.locator(".me-events").click()
    rows = page.locator(".event")
    _shown(rows.first.locator("img"), 1)
    expect(rows.nth(1).locator("img")).to_have_count(0)
    rows.first.click()
    page.locator(".event-session").first.wait_for()
    _shown(page.locator(".mp-page:not([hidden]) img"), 1.6)


def test_a_picture_that_cannot_be_had_leaves_no_trace(page: Page, api: MemberApiStub) -> None:
    api.mall.pictures["KETTLE"] = GONE
    page.locator(".me-mall").click()
    rows = page.locator(".reward")
    # Of the three: one that is there, one that there is none of, and one that is gone.
    rows.first.locator("img").wait_for()
    expect(rows.last.locator("img")).to_have_count(0)
    assert api.bodies(GONE)
    names = [row.locator(".reward-name").bounding_box() for row in rows.all()]
    lefts = [round(box["x"]) for box in names if box]
    assert lefts[1] == lefts[2] == lefts[0] - round(152 * RPX)
    rows.last.click()
    page.locator(".reward-store").first.wait_for()
    expect(page.locator(".mp-page:not([hidden]) img")).to_have_count(0)
    # Another one is tried.
    api.mall.pictures["KETTLE"] = THERE
    go_back(page)
    expect(rows.last.locator("img")).to_be_visible()
