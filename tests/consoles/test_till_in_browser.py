"""A day at the till in Chromium: scanner gun, typed codes, sales, receipts, lost answers."""

import time
from typing import Any

import pytest
from playwright.sync_api import Dialog, Route, expect
from sqlalchemy import Engine

from app import clock
from app.checkout.confirm import confirm, waiting_for
from app.checkout.pricing import RoundingPolicy
from app.staff import accounts
from app.stored_value.policy import StoredValuePolicy
from tests.conftest import rows
from tests.consoles.till_page import WECHAT_PAY, TillPage
from tests.quoting import fill, set_policy
from tests.shop import BOSS, PASSWORD, Phone, Shop

pytestmark = pytest.mark.browser


def sold(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT amount_fen, points_earned FROM sales ORDER BY id")


def test_from_the_gun_to_the_receipt_and_straight_to_the_next_customer(
    till: TillPage, shop: Shop, member: Phone, engine: Engine
) -> None:
    # As what fills in passwords does: a style left at a field must not be carried over, our policy forbids it.
    till.page.evaluate("document.querySelector('#code').style.color = 'black'")
    till.gun(shop.code(member))
    till.sell("12")
    expect(till.stage("receipt")).to_be_visible()
    till.gun(shop.code(shop.member("李雷")))
    expect(till.stage("sale")).to_contain_text("李*")
    till.sell("7.05")
    expect(till.stage("receipt")).to_contain_text("¥7.05")
    assert sold(engine) == [(1200, 12), (705, 7)]


def test_the_gun_works_with_nothing_focused(till: TillPage, shop: Shop, member: Phone) -> None:
    till.page.evaluate("document.activeElement.blur()")
    till.gun(shop.code(member))
    expect(till.stage("sale")).to_contain_text("张**")


def test_the_gun_works_under_a_chinese_input_method(till: TillPage, shop: Shop, member: Phone) -> None:
    pressed_at_s = time.time()
    for n, code in enumerate([*(f"Digit{digit}" for digit in shop.code(member)), "Enter"]):
        key = {"code": code, "key": "Process" if code != "Enter" else "Enter", "windowsVirtualKeyCode": 229}
        key |= {"timestamp": pressed_at_s + n * 0.01}
        till.keys.send("Input.dispatchKeyEvent", {"type": "rawKeyDown", **key})
        till.keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **key})
    expect(till.stage("sale")).to_contain_text("张**")


def test_a_scan_into_the_amount_leaves_the_amount_as_it_was(till: TillPage, shop: Shop) -> None:
    for typed in ("", "50", "12.5"):
        till.page.goto(f"{till.address}/till/")
        till.page.click("text=非会员结账")
        expect(till.page.locator("#amount")).to_be_focused()
        till.page.keyboard.type(typed)
        till.gun(shop.code(shop.member("张小明")))
        expect(till.stage("sale")).to_contain_text("张**")
        expect(till.page.locator("#amount")).to_have_value(typed)


def test_a_code_can_be_typed_in_groups(till: TillPage, shop: Shop) -> None:
    for separator in ("", " ", "-"):
        code = shop.code(shop.member("张小明"))
        till.page.goto(f"{till.address}/till/")
        till.page.fill("#code", separator.join(code[i : i + 4] for i in range(0, 20, 4)))
        till.page.click("text=查询")
        expect(till.stage("sale")).to_contain_text("张**")


def test_full_width_digits_of_an_input_method_are_understood(
    till: TillPage, shop: Shop, member: Phone
) -> None:
    till.page.fill("#code", shop.code(member).translate({48 + i: 0xFF10 + i for i in range(10)}))
    till.page.keyboard.press("Enter")
    expect(till.stage("sale")).to_contain_text("张**")


def test_another_member_during_a_sale_is_asked_about_and_the_amount_stays(
    till: TillPage, shop: Shop, member: Phone
) -> None:
    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.type("66.60")
    other = shop.code(shop.member("李雷"))
    till.gun(other)
    expect(till.page.locator("#replace")).to_be_visible()
    till.page.keyboard.press("Enter")  # the careful answer has the focus
    expect(till.page.locator("#replace")).not_to_be_visible()
    expect(till.stage("sale")).to_contain_text("张**")
    till.gun(other)
    till.page.click("#replace >> text=换会员")
    expect(till.stage("sale")).to_contain_text("李*")
    expect(till.page.locator("#amount")).to_have_value("66.60")


def test_a_gun_that_fires_twice_asks_nothing(till: TillPage, shop: Shop, member: Phone) -> None:
    code = shop.code(member)
    till.gun(code)
    expect(till.page.locator("#amount")).to_be_focused()
    till.gun(code)
    expect(till.page.locator("#replace")).not_to_be_visible()
    assert till.posts("/till/scans") == 1


def test_a_refused_scan_covers_the_sale_and_leaves_it_alone(
    till: TillPage, shop: Shop, member: Phone
) -> None:
    till.page.click("text=非会员结账")
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.type("30")
    till.gun(shop.code(member, steps=-6))
    expect(till.screen("code_expired")).to_be_visible()
    till.page.keyboard.press("Escape")
    expect(till.page.locator("#amount")).to_have_value("30")
    expect(till.page.locator("#amount")).to_be_focused()


def test_while_a_refusal_is_shown_the_next_code_can_be_scanned(
    till: TillPage, shop: Shop, member: Phone
) -> None:
    till.gun(shop.code(member, steps=-6))
    expect(till.screen("code_expired")).to_be_visible()
    till.gun(shop.code(member))
    expect(till.stage("sale")).to_contain_text("张**")


def test_a_payment_code_never_leaves_the_browser(till: TillPage) -> None:
    for where in ("#code", "#amount", "#receipt-no"):
        if where == "#amount":
            till.page.click("text=非会员结账")
            expect(till.page.locator("#amount")).to_be_focused()
        before = till.page.input_value(where)
        for code in (WECHAT_PAY, "281234567890123456", "6212345678901234567"):
            till.page.focus(where)
            till.gun(code)
            expect(till.screen("payment_code")).to_be_visible()
            expect(till.page.locator(where)).to_have_value(before)
            assert not any(code in sent for sent in till.sent)
            till.page.keyboard.press("Escape")
            expect(till.screen("payment_code")).not_to_be_visible()


def test_the_bar_code_of_an_article_is_no_amount(till: TillPage, engine: Engine) -> None:
    till.page.click("text=非会员结账")
    expect(till.page.locator("#amount")).to_be_focused()
    till.gun("01234565")
    expect(till.screen("code_malformed")).to_be_visible()
    expect(till.page.locator("#amount")).to_have_value("")
    assert sold(engine) == []


def test_a_lost_answer_is_asked_for_again_and_counts_once(
    till: TillPage, shop: Shop, member: Phone, engine: Engine
) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.route("**/till/sales", lose, times=1)
    till.sell("20")
    expect(till.screen("lost")).to_contain_text("只会记录一次")
    assert sold(engine) == [(2000, 20)]
    till.gun(shop.code(shop.member("李雷")))  # the next customer waits
    expect(till.screen("lost")).to_be_visible()
    till.page.keyboard.press("Enter")
    expect(till.stage("receipt")).to_contain_text("+20 积分")
    assert sold(engine) == [(2000, 20)]


def lose_the_answer(till: TillPage, *, after_it_was_recorded: bool) -> None:
    def lose(route: Route) -> None:
        if after_it_was_recorded:
            route.fetch()
        route.abort()

    till.page.route("**/till/sales", lose, times=1)
    till.sell("20")
    expect(till.screen("lost")).to_be_visible()
    till.page.keyboard.press("Escape")
    expect(till.screen("lost")).not_to_be_visible()


@pytest.mark.parametrize("recorded", [True, False])
def test_dropping_a_sale_whose_answer_was_lost_does_not_claim_that_nothing_was_recorded(
    till: TillPage, shop: Shop, member: Phone, engine: Engine, recorded: bool
) -> None:
    till.gun(shop.code(member))
    lose_the_answer(till, after_it_was_recorded=recorded)
    assert len(sold(engine)) == recorded
    till.page.fill("#amount", "30")
    till.page.keyboard.press("Escape")
    question = till.page.locator("dialog[open]")
    expect(question).to_contain_text("这笔可能已经记录")
    expect(question).not_to_contain_text("还没有记录")

    till.page.keyboard.press("Enter")  # asks again, with what was sent and not with what was typed since
    expect(till.stage("receipt")).to_contain_text("¥20.00")
    assert sold(engine) == [(2000, 20)]


def test_a_sale_without_member_whose_answer_was_lost_can_be_dropped_knowingly(
    till: TillPage, engine: Engine
) -> None:
    till.page.click("text=非会员结账")
    lose_the_answer(till, after_it_was_recorded=True)
    till.page.keyboard.press("Escape")
    question = till.page.locator("dialog[open]")
    expect(question).to_contain_text("这笔可能已经记录")
    question.locator("text=继续结账").click()
    expect(till.stage("sale")).to_be_visible()
    till.page.keyboard.press("Escape")
    question.locator("[data-do=drop-unclear-yes]").click()
    expect(till.stage("ready")).to_be_visible()
    assert sold(engine) == [(2000, 0)]

    till.page.click("text=非会员结账")
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.type("5")
    till.page.keyboard.press("Escape")
    expect(till.page.locator("dialog[open]")).to_contain_text("还没有记录")  # another sale, another key


def test_once_the_answer_is_there_dropping_asks_as_always(
    till: TillPage, shop: Shop, member: Phone, engine: Engine
) -> None:
    shop.till.post("/sales", {"receipt_no": "R-1", "amount_fen": 100})
    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.fill("#receipt-no", "R-1")
    till.page.focus("#amount")
    lose_the_answer(till, after_it_was_recorded=False)
    till.pay()
    expect(till.page.locator("#receipt-no-hint")).to_contain_text("本店已有这个小票号")
    till.page.keyboard.press("Escape")
    expect(till.page.locator("dialog[open]")).to_contain_text("还没有记录")
    assert sold(engine) == [(100, 0)]


def test_a_scan_whose_answer_was_lost_costs_the_member_no_code(
    till: TillPage, shop: Shop, member: Phone
) -> None:
    def lose(route: Route) -> None:
        route.fetch()
        route.abort()

    till.page.route("**/till/scans", lose, times=1)
    till.gun(shop.code(member))
    expect(till.screen("lost")).to_be_visible()
    till.page.click("#lost >> [data-do=again]")
    expect(till.stage("sale")).to_contain_text("张**")


def test_a_proxy_s_error_page_is_no_answer(till: TillPage, shop: Shop, member: Phone) -> None:
    till.page.route(
        "**/till/scans", lambda route: route.fulfill(status=502, body="<h1>Bad Gateway</h1>"), times=1
    )
    till.gun(shop.code(member))
    expect(till.screen("lost")).to_be_visible()
    till.page.keyboard.press("Enter")
    expect(till.stage("sale")).to_contain_text("张**")
    till.forgive("Response Status Error Code 502")


def test_an_impatient_double_tap_is_one_sale(
    till: TillPage, shop: Shop, member: Phone, engine: Engine
) -> None:
    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.type("20")
    till.page.dblclick("text=现金")
    expect(till.stage("receipt")).to_be_visible()
    assert sold(engine) == [(2000, 20)]


def test_the_second_tap_of_a_double_one_does_not_pay_what_the_first_has_shown(
    till: TillPage, shop: Shop, member: Phone, engine: Engine
) -> None:
    set_policy(RoundingPolicy, down_to_fen=10)
    till.gun(shop.code(member))
    till.sell("12.34")
    expect(till.page.locator("#payable")).to_have_text("¥12.30")
    cash = till.page.locator("text=现金").bounding_box()
    assert cash is not None
    till.page.mouse.move(cash["x"] + 9, cash["y"] + 9)
    till.page.mouse.down(click_count=2)
    till.page.mouse.up(click_count=2)
    till.gun("01234565")  # nor does the bar code of an article, with that button focused
    expect(till.screen("code_malformed")).to_be_visible()
    assert sold(engine) == []
    till.page.keyboard.press("Escape")
    till.pay()
    expect(till.stage("receipt")).to_contain_text("¥12.30")


def test_the_till_waits_for_the_member_s_word_and_goes_on_by_itself(
    till: TillPage, shop: Shop, member: Phone, engine: Engine
) -> None:
    fill(member, principal_fen=5_000)
    set_policy(StoredValuePolicy, confirm_above_fen=1_000)
    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.type("30")
    till.page.keyboard.press("Enter")
    till.page.get_by_role("switch").click()
    expect(till.page.locator("[data-poll]")).to_contain_text("请会员在手机上确认")
    with till.page.expect_event("requestfailed"):
        till.page.route("**/till/sales/word", lambda route: route.abort(), times=1)  # the next look tells
    [asked] = waiting_for(member_id=member.member_id, now=clock.now())
    confirm(member_id=member.member_id, quote_id=asked.quote_id, agree=True, now=clock.now())
    expect(till.stage("receipt")).to_contain_text("储值余额")
    assert sold(engine) == [(3_000, 30)]


def test_escape_asks_before_it_drops_a_member(
    till: TillPage, shop: Shop, member: Phone, engine: Engine
) -> None:
    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.press("Escape")
    expect(till.page.locator("#drop")).to_be_visible()
    till.page.keyboard.press("Escape")
    expect(till.page.locator("#drop")).not_to_be_visible()
    expect(till.stage("sale")).to_contain_text("张**")
    till.page.keyboard.press("Escape")
    till.page.click("#drop >> text=放弃 >> nth=-1")
    expect(till.stage("ready")).to_be_visible()
    assert sold(engine) == []


def test_dropping_a_sale_without_member_speaks_of_no_code(till: TillPage, engine: Engine) -> None:
    till.page.click("text=非会员结账")
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.type("30")
    till.page.keyboard.press("Escape")
    question = till.page.locator("dialog[open]")
    expect(question).to_contain_text("已输入的金额不会保留")
    expect(question).not_to_contain_text("会员码")
    question.locator("text=放弃 >> nth=-1").click()
    expect(till.stage("ready")).to_be_visible()
    assert sold(engine) == []


def test_everything_can_be_done_from_the_keyboard(till: TillPage, engine: Engine) -> None:
    for _ in range(3):  # look up, camera, sale without member
        till.page.keyboard.press("Tab")
    till.page.keyboard.press("Enter")
    for amount in ("12.345", "12.34"):  # the wrong amount is selected, so typing replaces it
        expect(till.page.locator("#amount")).to_be_focused()
        till.page.keyboard.type(amount)
        till.page.keyboard.press("Enter")
        expect(till.page.locator("#amount-fault" if amount == "12.345" else "#payable")).to_be_visible()
    expect(till.page.locator("text=现金")).to_be_focused()
    till.page.keyboard.press("Enter")
    expect(till.stage("receipt")).to_contain_text("¥12.34")
    till.next_customer()
    assert sold(engine) == [(1234, 0)]


def test_screen_readers_are_told_what_happened(till: TillPage, shop: Shop, member: Phone) -> None:
    till.gun(shop.code(member))
    expect(till.page.locator("#spoken")).to_have_text("会员有效 张**")
    till.sell("5")
    expect(till.page.locator("#spoken")).to_have_text("收款成功 ¥5.00 本次积分 5")


def test_leaving_the_page_during_a_sale_is_asked_about(till: TillPage, shop: Shop, member: Phone) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    till.page.once("dialog", stay)
    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    with till.page.expect_event("dialog"):
        till.page.click("text=退出")
    expect(till.stage("sale")).to_contain_text("张**")
    assert asked == ["beforeunload"]


def test_a_clerk_who_is_disabled_during_a_sale_stands_at_the_sign_in_page(
    till: TillPage, shop: Shop, member: Phone
) -> None:
    till.gun(shop.code(member))
    expect(till.page.locator("#amount")).to_be_focused()
    mei = accounts.by_login("mei")
    accounts.change(
        staff_id=mei.id,
        version=mei.version,
        name=None,
        status="disabled",
        grants=None,
        boss=BOSS,
        now=clock.now(),
    )
    till.sell("5")
    expect(till.page.locator("#password")).to_be_visible()
    expect(till.page.locator("[role=alert]")).to_contain_text("登录已失效")


def test_back_after_signing_in_stays_at_the_till(staff: None, open_till: Any) -> None:
    till: TillPage = open_till()
    till.page.goto(f"{till.address}/till/")
    for field, typed in {"store": "S001", "terminal": "T1", "login": "mei", "password": "not it"}.items():
        till.page.fill(f"#{field}", typed)
    till.page.keyboard.press("Enter")
    expect(till.page.locator("#fault")).to_be_visible()
    till.page.fill("#password", PASSWORD)
    till.page.keyboard.press("Enter")
    expect(till.page.locator("body[data-listening] [data-stage=ready]")).to_be_visible()
    till.page.go_back()
    expect(till.page.locator("body[data-listening] [data-stage=ready]")).to_be_visible()


def test_signing_out_and_the_language_switch(till: TillPage) -> None:
    till.page.click("text=English")
    expect(till.page.locator("body[data-listening] h1")).to_have_text("Scan the member code")
    till.page.click("text=Sign out")
    expect(till.page.locator("h1")).to_have_text("Sign in at the till")
    expect(till.page.locator("#store")).to_have_value("S001")
    expect(till.page.locator("#terminal")).to_have_value("T1")


def test_a_page_that_is_not_over_https_lets_nobody_in(staff: None, open_till: Any) -> None:
    till = open_till()
    till.address = till.address.replace("127.0.0.1", "shop.test")
    till.page.goto(f"{till.address}/till/sign-in")
    expect(till.page.locator("[role=alert]")).to_contain_text("https://")
    expect(till.page.locator("#password")).to_have_count(0)
    till.forgive("origin was untrustworthy")
