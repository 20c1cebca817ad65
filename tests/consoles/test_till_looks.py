"""Every screen of the till: nothing serious for axe, nothing too wide, nothing too small for a finger."""

from typing import Any

import pytest
from playwright.sync_api import expect

from app import clock
from app.checkout.confirm import confirm, waiting_for
from app.staff.roles import Grant
from tests.consoles.test_till_quote import expire_quotes, ten_off
from tests.consoles.till_page import SCREENS, TillPage
from tests.quoting import fill, points_pay
from tests.rewards import exchanged, mugs
from tests.shop import Shop

pytestmark = pytest.mark.browser

PAPER_58_MM_PX, PAPER_80_MM_PX = 219, 302


@pytest.fixture
def staffed(shop: Shop) -> Shop:
    shop.person("mei", Grant("clerk", shop.store.id))
    return shop


@pytest.mark.parametrize(("language", "size"), SCREENS)
def test_every_screen_is_sound(staffed: Shop, open_till: Any, language: str, size: tuple[int, int]) -> None:
    till: TillPage = open_till(size=size, language=language)
    faults: dict[str, list[str]] = {}

    def look(name: str) -> None:
        faults[name] = till.faults()

    till.page.goto(f"{till.address}/till/sign-in")
    look("sign in")
    till.page.fill("#store", "S001")
    till.page.fill("#terminal", "T1")
    till.page.fill("#login", "mei")
    till.page.fill("#password", "not the password")
    till.page.keyboard.press("Enter")
    expect(till.page.locator("#fault")).to_be_visible()
    look("wrong password")
    till.sign_in()
    till.page.goto(f"{till.address}/till/password")
    look("password")
    till.page.goto(f"{till.address}/till/")
    expect(till.page.locator("body[data-listening] [data-stage=ready]")).to_be_visible()
    look("ready")

    used = staffed.code(staffed.member())
    staffed.till.scan(used)
    refusals = {
        "code_replayed": used,
        "code_expired": staffed.code(staffed.member(), steps=-6),
        "payment_code": "134567890123456789",
    }
    for code, digits in refusals.items():
        till.gun(digits)
        expect(till.screen(code)).to_be_visible()
        look(code)
        till.page.keyboard.press("Escape")
        expect(till.screen(code)).not_to_be_visible()
    till.page.fill("#code", "12345")
    till.page.locator("#code").press("Enter")
    expect(till.screen("code_malformed")).to_be_visible()
    look("code_malformed")

    member = staffed.member("Wilhelmina Featherstonehaugh")
    fill(member, points=12_345, principal_fen=54_321)
    exchanged(member, mugs(staffed, name_en="Vacuum bottle with a bamboo lid", price={"points": 1}))
    exchanged(member, mugs(staffed, price={"points": 1}))
    points_pay()
    ten_off(1_000_000_000)
    till.gun(staffed.code(member, steps=1))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.locator(".pick-up button").last.click()
    expect(till.page.locator(".pick-up-done")).to_be_visible()
    look("member")
    till.page.click("summary")
    look("another member")
    till.page.fill("#amount", "12.345")
    till.page.locator("#amount").press("Enter")
    expect(till.page.locator("#amount-fault")).to_be_visible()
    look("wrong amount")
    till.gun(staffed.code(staffed.member()))
    expect(till.page.locator("#replace")).to_be_visible()
    look("question")
    till.page.keyboard.press("Escape")
    expect(till.page.locator("#replace")).not_to_be_visible()
    till.page.fill("#amount", "9999999.99")
    till.page.locator("#amount").press("Enter")
    expect(till.page.locator("#payable")).to_be_visible()
    look("quote")
    till.page.get_by_role("switch").last.click()
    expect(till.page.locator("[data-poll]")).to_be_visible()
    look("waiting for the member")
    [asked] = waiting_for(member_id=member.member_id, now=clock.now())
    confirm(member_id=member.member_id, quote_id=asked.quote_id, agree=False, now=clock.now())
    expect(till.page.locator(".quote-declined")).to_be_visible()
    look("declined")
    till.page.click(".quote-declined .btn-primary")
    expect(till.page.locator(".quote-declined")).to_have_count(0)
    till.page.get_by_role("switch").first.click()
    expect(till.page.locator(".switch[aria-checked=true]")).to_be_visible()
    expire_quotes()
    till.pay()
    expect(till.page.locator(".quote-over")).to_be_visible()
    look("quote over")
    till.page.keyboard.press("Enter")
    till.pay()
    expect(till.stage("receipt")).to_be_visible()
    look("receipt")

    till.page.click("[hx-get='/till/ready']")
    expect(till.stage("ready")).to_be_visible()
    till.page.click("[hx-get='/till/sale']")
    expect(till.page.locator("#amount")).to_be_focused()
    look("without member")
    till.context.set_offline(True)
    till.page.fill("#amount", "1")
    till.page.locator("#amount").press("Enter")
    expect(till.screen("lost")).to_be_visible()
    look("no answer")
    till.context.set_offline(False)
    till.page.keyboard.press("Escape")
    expect(till.screen("lost")).not_to_be_visible()
    till.page.keyboard.press("Escape")
    expect(till.page.locator("#drop-unclear")).to_be_visible()
    look("unclear")
    till.page.keyboard.press("Escape")
    assert {name: found for name, found in faults.items() if found} == {}


@pytest.mark.parametrize("width_px", [PAPER_58_MM_PX, PAPER_80_MM_PX])
def test_on_paper_there_is_the_receipt_and_nothing_else(staffed: Shop, open_till: Any, width_px: int) -> None:
    till: TillPage = open_till().enter(staffed.app)
    till.gun(staffed.code(staffed.member("张小明")))
    till.sell("128.50")
    expect(till.stage("receipt")).to_be_visible()
    till.page.set_viewport_size({"width": width_px, "height": 600})
    till.page.emulate_media(media="print")
    expect(till.page.locator(".receipt")).to_be_visible()
    for hidden in (".till-top", ".done-head"):
        expect(till.page.locator(hidden)).not_to_be_visible()
    assert till.page.evaluate("document.documentElement.scrollWidth") <= width_px
