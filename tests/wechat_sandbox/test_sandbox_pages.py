"""The pages, driven in Chromium: both languages, the buttons, and a policy without inline code."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browsers import chromium, violations
from wechat_sandbox.texts import TEXTS


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Any) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 390, "height": 844}, locale="zh-CN")
    complaints: list[str] = []
    opened.on(
        "console", lambda one: complaints.append(one.text) if one.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda one: complaints.append(str(one)))
    yield opened
    opened.close()
    assert complaints == []


def test_both_languages_say_the_same_things() -> None:
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()


def test_the_front_page_says_what_this_is_not(sandbox: Any) -> None:
    front = sandbox.ask("GET", "/", headers={"Accept-Language": "en-GB,en;q=0.9"})
    assert "not WeChat" in front.text
    assert "不是微信本身" in sandbox.ask("GET", "/?lang=zh").text
    policy = front.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_names_and_texts_are_escaped(sandbox: Any) -> None:
    sandbox.accept("alice")
    openid = sandbox.openid("alice")
    data = {"thing1": {"value": "<b>&\"'</b>"}, "amount2": {"value": "1"}, "time3": {"value": "15:04"}}
    assert sandbox.send(openid, data=data)["errcode"] == 0
    text = sandbox.ask("GET", "/phone/alice").text
    assert "<b>&" not in text
    assert "&lt;b&gt;" in text


def test_an_unknown_phone_is_404(sandbox: Any) -> None:
    assert sandbox.ask("GET", "/phone/nobody").status_code == 404


@pytest.mark.browser
def test_a_person_adds_a_phone_agrees_and_reads_the_message(sandbox: Any, page: Page) -> None:
    page.goto(sandbox.url + "/")
    page.get_by_label("名字").fill("alice")
    page.get_by_role("button", name="添加").click()
    page.wait_for_url("**/phone/alice?lang=zh")
    expect(page.get_by_text("还没有收到消息")).to_be_visible()
    receipt = page.locator(".subscription", has_text="消费通知")
    receipt.get_by_role("button", name="同意接收一次").click()
    expect(receipt.locator(".credits")).to_have_text("还可接收 1 次")
    assert sandbox.send(sandbox.openid("alice"), page="pages/points/index")["errcode"] == 0
    expect(page.locator(".bubble")).to_contain_text("中山路店")
    expect(receipt.locator(".credits")).to_have_text("还可接收 0 次")
    expect(page.locator(".bubble code")).to_have_text("pages/points/index")


@pytest.mark.browser
def test_a_code_from_the_page_logs_in(sandbox: Any, page: Page) -> None:
    openid = sandbox.openid("alice")
    page.goto(sandbox.url + "/phone/alice?lang=en")
    page.get_by_role("button", name="Get a login code").click()
    expect(page.locator("#code")).not_to_be_empty()
    assert sandbox.login(page.locator("#code").inner_text())["openid"] == openid


@pytest.mark.browser
def test_refusing_in_the_settings_empties_the_credits(sandbox: Any, page: Page) -> None:
    sandbox.accept("alice")
    page.goto(sandbox.url + "/phone/alice?lang=en")
    receipt = page.locator(".subscription", has_text="消费通知")
    receipt.get_by_role("button", name="Refuse in settings").click()
    expect(receipt.locator(".credits")).to_have_text("Sends left: 0")
    assert sandbox.credits("alice") == 0


@pytest.mark.browser
def test_a_person_cancels_a_payment_and_pays_the_next_one(merchant: Any, page: Page, receiver: Any) -> None:
    merchant.prepay("T-000001", description="储值 200 元")
    page.goto(merchant.sandbox.url + "/phone/alice?lang=zh")
    payment = page.locator(".payment", has_text="储值 200 元")
    expect(payment.locator(".amount")).to_have_text("¥200.00")
    payment.get_by_role("button", name="取消支付").click()
    expect(page.locator("#paid")).to_have_text("已取消，订单还没有支付")
    expect(page.get_by_text("没有待支付的订单")).to_be_visible()
    assert merchant.query("T-000001").json()["trade_state"] == "NOTPAY"

    merchant.prepay("T-000002")
    page.locator(".payment").get_by_role("button", name="支付", exact=True).click()
    expect(page.locator("#paid")).to_have_text("支付成功")
    expect(page.locator(".payment")).to_have_count(0)
    merchant.drain()
    assert merchant.query("T-000002").json()["trade_state"] == "SUCCESS"
    assert len(receiver.pushes) == 1


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, pytest.param(1280, marks=pytest.mark.long)])
@pytest.mark.parametrize("language", [pytest.param("zh", marks=pytest.mark.long), "en"])
def test_the_pages_fit_and_are_accessible(
    sandbox: Any, merchant: Any, page: Page, width: int, language: str
) -> None:
    merchant.prepay(description="很长的商品名称" * 15)
    sandbox.accept("alice")
    sandbox.send(sandbox.openid("alice"))
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("/", "/letters", "/phone/alice"):
        page.goto(f"{sandbox.url}{path}?lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert violations(page) == []
    page.get_by_role("button", name=TEXTS[language]["follow"], exact=True).click()
    expect(page.get_by_role("button", name=TEXTS[language]["unfollow"], exact=True)).to_be_visible()
