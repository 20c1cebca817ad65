"""Coupons in the mini-program, in a browser, against a stub of the API."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browsers import until_seen
from tests.messaging import until
from tests.miniprogram.member_api_stub import MemberApiStub
from tests.miniprogram.preview_tools import OpenPhone, go_back, toast_says

pytestmark = pytest.mark.browser

CLAIM, TAKE = "/api/v1/coupons", "/api/v1/coupon-offers/take"


@pytest.fixture
def page(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    api.add_member("demo")
    page = open_phone()
    page.locator(".qr img").wait_for()
    return page


def open_coupons(page: Page) -> None:
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-coupons").click()
    expect(page.locator(".held").first).to_be_visible()


def test_the_wallet_has_what_can_be_used_was_used_and_has_ended(page: Page) -> None:
    open_coupons(page)
    first = page.locator(".held").first
    # The date is not broken at the end of a line.
    ends = "有效期至 2026-12-05".replace("-", "-\u2060")
    for told in ("十元券", "满 ¥100.00，减 ¥10.00", ends, "即将到期"):
        expect(first.get_by_text(told)).to_be_visible()
    expect(page.get_by_text("剩余 7 次，共 10 次")).to_be_visible()
    expect(page.get_by_text("尚未生效")).to_be_visible()
    page.get_by_text("已使用", exact=True).first.click()
    expect(page.locator(".held")).to_have_count(1)
    page.get_by_text("已失效", exact=True).click()
    expect(page.get_by_text("已过期")).to_be_visible()


def test_a_coupon_tells_its_conditions_and_is_offered_to_a_friend(page: Page, api: MemberApiStub) -> None:
    open_coupons(page)
    page.locator(".held").first.click()
    for told in ("限静安店、徐汇店使用", "每单限用一张。", "发放到账"):
        expect(page.get_by_text(told)).to_be_visible()
    page.get_by_role("button", name="生成转赠链接").click()
    expect(page.get_by_text("转赠中，链接有效至 2026-12-02 12:00")).to_be_visible()
    expect(page.get_by_role("button", name="发给好友")).to_be_visible()
    page.get_by_role("button", name="取消转赠").click()
    toast_says(page, "已取消转赠")
    expect(page.get_by_role("button", name="发给好友")).to_be_hidden()
    assert api.coupons.offered_until is None


def test_what_cannot_be_passed_on_has_no_button_for_it(page: Page) -> None:
    open_coupons(page)
    page.locator(".held").nth(1).click()
    expect(page.get_by_text("发放到账")).to_be_visible()
    expect(page.get_by_text("转赠好友")).to_be_hidden()
    page.get_by_role("button", name="出示会员码").click()
    expect(page.locator(".qr img")).to_be_visible()


def test_a_coupon_shows_a_code_of_its_own_until_it_was_used(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo")
    page = open_phone(own_clock=True)
    page.clock.install()
    page.locator(".qr img").wait_for()
    open_coupons(page)
    page.locator(".held").nth(1).click()
    page.get_by_role("button", name="只出示这张券").click()
    expect(page.get_by_role("img", name="券码二维码")).to_be_visible()
    expect(page.get_by_text("9100 0000 0000 0000 0001")).to_be_visible()
    api.coupons.code_no = 2
    page.clock.run_for(5_000)
    expect(page.get_by_text("9100 0000 0000 0000 0002")).to_be_visible()
    api.coupons.code_refused = True
    page.clock.run_for(5_000)
    expect(page.get_by_role("img", name="券码二维码")).to_be_hidden()
    page.get_by_role("button", name="只出示这张券").click()
    toast_says(page, "这张券已用完。")


def test_the_code_of_a_coupon_is_put_away_with_its_page(page: Page, api: MemberApiStub) -> None:
    open_coupons(page)
    page.locator(".held").nth(1).click()
    page.get_by_role("button", name="只出示这张券").click()
    expect(page.get_by_role("img", name="券码二维码")).to_be_visible()
    page.get_by_role("button", name="收起券码").click()
    expect(page.get_by_role("img", name="券码二维码")).to_be_hidden()
    expect(page.get_by_role("button", name="只出示这张券")).to_be_visible()


def test_a_coupon_is_claimed_in_the_centre(page: Page, api: MemberApiStub) -> None:
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-coupon-centre").click()
    expect(page.get_by_text("剩余 7 张 · 每人限领 1 张")).to_be_visible()
    expect(page.get_by_text("已领完")).to_be_visible()
    page.get_by_role("button", name="立即领取").click()
    toast_says(page, "领取成功")
    expect(page.get_by_text("已达领取上限")).to_be_visible()
    assert api.bodies(CLAIM)[-1] == {"template_id": "T1"}
    assert api.keys(CLAIM)[-1]
    page.get_by_role("button", name="去查看").click()
    expect(page.locator(".held").first).to_be_visible()


def test_who_comes_too_late_is_told_so(page: Page, api: MemberApiStub) -> None:
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-coupon-centre").click()
    expect(page.locator(".claimable").first).to_be_visible()
    api.coupons.left = 0
    page.get_by_role("button", name="立即领取").click()
    toast_says(page, "优惠券已领完。")


def test_a_picture_leads_to_what_its_claim_key_is_for(page: Page, api: MemberApiStub) -> None:
    page.evaluate("wx.navigateTo({ url: '/pages/coupon_centre/index?scene=KEY' })")
    page.get_by_role("button", name="立即领取").click()
    toast_says(page, "领取成功")
    assert api.bodies(CLAIM)[-1] == {"claim_key": "KEY"}
    page.evaluate("wx.navigateTo({ url: '/pages/coupon_centre/index?scene=over' })")
    expect(page.get_by_text("链接已失效")).to_be_visible()
    page.get_by_role("button", name="领券中心").click()
    expect(page.get_by_text("已领完")).to_be_visible()


def test_a_link_with_nothing_to_give_any_more_says_so(page: Page, api: MemberApiStub) -> None:
    api.coupons.left = 0
    for key, said in (("ended", "这张券的领取已结束"), ("KEY", "这张券已领完")):
        page.evaluate("url => wx.navigateTo({ url })", f"/pages/coupon_centre/index?key={key}")
        expect(page.get_by_text(said)).to_be_visible()
        expect(page.get_by_role("button", name="立即领取")).to_be_hidden()


def test_whoever_scans_a_code_joins_and_claims_what_they_came_for(
    page: Page, api: MemberApiStub, open_phone: OpenPhone
) -> None:
    key = "7QK2M4XW9A"  # as long as an invite's
    newcomer = open_phone("carol")
    newcomer.goto(f"{newcomer.url}&scan=pages/coupon_centre/index?scene={key}")
    newcomer.get_by_role("checkbox").click()
    newcomer.get_by_role("button", name="同意并开通").click()
    newcomer.get_by_role("button", name="立即领取").click()
    toast_says(newcomer, "领取成功")
    assert api.bodies(CLAIM)[-1] == {"claim_key": key}
    assert "invite" not in api.bodies("/api/v1/login")[-1]


def test_a_friend_who_has_to_join_first_comes_back_to_the_link(
    page: Page, api: MemberApiStub, open_phone: OpenPhone
) -> None:
    newcomer = open_phone("carol")
    newcomer.goto(f"{newcomer.url}&scan=pages/coupon_gift/index?secret=s3cret")
    newcomer.get_by_role("button", name="收下").click()
    newcomer.get_by_role("checkbox").click()
    newcomer.get_by_role("button", name="同意并开通").click()
    newcomer.get_by_role("button", name="收下").click()
    expect(newcomer.get_by_text("十元券")).to_be_visible()
    assert api.bodies(TAKE)[-1] == {"secret": "s3cret"}


def test_a_friend_accepts_a_link(page: Page, api: MemberApiStub) -> None:
    page.evaluate("wx.navigateTo({ url: '/pages/coupon_gift/index?secret=s3cret' })")
    api.coupons.link_over = True
    page.get_by_role("button", name="收下").click()
    expect(page.get_by_text("转赠已失效。")).to_be_visible()
    api.coupons.link_over = False
    page.get_by_role("button", name="收下").click()
    expect(page.get_by_text("十元券")).to_be_visible()
    assert api.bodies(TAKE)[-1] == {"secret": "s3cret"}
    assert api.keys(TAKE)[-1]


def test_the_wallet_says_what_cannot_be_used_in_the_store_that_is_chosen(
    page: Page, api: MemberApiStub
) -> None:
    open_coupons(page)
    expect(page.locator(".where-now")).to_contain_text("不限门店")
    expect(page.get_by_text("不适用于该门店")).to_be_hidden()
    page.locator(".where-now").click()
    page.get_by_role("radio", name="浦东店").click()
    expect(page.locator(".where-now")).to_contain_text("浦东店")
    expect(page.locator(".held").first.get_by_text("不适用于该门店")).to_be_visible()
    expect(page.locator(".held").nth(1).get_by_text("不适用于该门店")).to_be_hidden()
    page.locator(".held").first.click()
    expect(page.get_by_text("浦东店 · 不适用于该门店")).to_be_visible()
    expect(page.get_by_text("可在“我的卡券”切换门店")).to_be_visible()
    expect(page.get_by_role("button", name="出示会员码")).to_be_hidden()
    # A friend may use it elsewhere.
    expect(page.get_by_role("button", name="生成转赠链接")).to_be_visible()
    until(lambda: api.coupons.stores == [None, "S003", "S003"])


def test_the_store_is_remembered_and_may_be_any_again(page: Page, api: MemberApiStub) -> None:
    open_coupons(page)
    page.locator(".where-now").click()
    page.get_by_role("radio", name="徐汇店").click()
    expect(page.locator(".where-now")).to_contain_text("徐汇店")
    expect(page.locator(".held").first).to_be_visible()  # else its question would go with the page
    page.reload()
    page.locator(".qr img").wait_for()
    open_coupons(page)
    expect(page.locator(".where-now")).to_contain_text("徐汇店")
    page.locator(".where-now").click()
    page.get_by_role("radio", name="不限门店").click()
    expect(page.locator(".where-now")).to_contain_text("不限门店")
    expect(page.locator(".held").first).to_be_visible()
    until(lambda: api.coupons.stores == [None, "S002", "S002", None])


def test_at_first_it_is_the_store_where_the_member_is_at_home(
    api: MemberApiStub, open_phone: OpenPhone
) -> None:
    api.add_member("demo", home_store={"store": "S003", "name": "Pudong"})
    page = open_phone(language="en")
    page.locator(".qr img").wait_for()
    open_coupons(page)
    expect(page.locator(".where-now")).to_contain_text("Pudong")
    expect(page.locator(".held").first.get_by_text("Not for this store")).to_be_visible()
    page.locator(".held").first.click()
    expect(page.get_by_text("Pudong · Not for this store")).to_be_visible()


def test_a_store_that_has_closed_is_forgotten(page: Page, api: MemberApiStub) -> None:
    open_coupons(page)
    page.locator(".where-now").click()
    page.get_by_role("radio", name="浦东店").click()
    expect(page.get_by_text("不适用于该门店")).to_be_visible()
    api.coupons.closed.add("S003")
    page.locator(".held").first.click()
    expect(page.get_by_text("结账时出示会员码即可使用")).to_be_visible()
    go_back(page)
    expect(page.locator(".where-now")).to_contain_text("不限门店")
    until(lambda: api.coupons.stores == [None, "S003", "S003", None, None])


def test_the_store_that_was_chosen_last_counts_however_late_the_first_answer_comes(
    page: Page, api: MemberApiStub
) -> None:
    open_coupons(page)
    late: list[Route] = []
    page.route("**/api/v1/coupons?*store=S003*", lambda route: late.append(route))
    for name in ("浦东店", "静安店"):
        page.locator(".where-now").click()
        page.get_by_role("radio", name=name).click()
        expect(page.locator(".where-now")).to_contain_text(name)
    expect(page.locator(".held").first).to_be_visible()
    assert api.coupons.stores == [None, "S001"]
    until_seen(page, lambda: len(late) == 1)
    with page.expect_response("**/api/v1/coupons?*store=S003*") as answer:
        late[0].continue_()
    answer.value.finished()
    expect(page.locator(".where-now")).to_contain_text("静安店")
    expect(page.locator(".held").first).to_be_visible()
    expect(page.get_by_text("不适用于该门店")).to_be_hidden()


def test_the_wallet_that_is_opened_again_before_its_list_has_come_shows_it(
    page: Page, api: MemberApiStub
) -> None:
    late: list[Route] = []
    page.route("**/api/v1/coupons?*", lambda route: late.append(route), times=1)
    page.locator("#tabs button").nth(3).click()
    page.locator(".me-coupons").click()
    until_seen(page, lambda: len(late) == 1)
    go_back(page)
    page.locator(".me-coupons").click()
    expect(page.locator(".held").first).to_be_visible()
