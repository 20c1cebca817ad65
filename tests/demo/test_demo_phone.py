"""The main job in the running demo: a newcomer's phone in Chromium, the till by its API."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browsers import chromium
from tests.consoles.fake_camera import film_of_screen
from tests.consoles.till_page import Profiles, TillPage
from tests.demo.launching import Demo

pytestmark = pytest.mark.browser

#: The worker looks about once a second; a busy machine gets more.
TOLD_WITHIN_S = 20
NEWCOMER = "xinke"
PICTURES = Path(__file__).resolve().parents[2] / "var" / "journey"


@pytest.fixture(scope="module")
def browser(film: Path) -> Iterator[Browser]:
    with chromium(film) as browser:
        yield browser


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera of the till sees; written before the camera is opened."""
    return tmp_path_factory.mktemp("camera") / "film.y4m"


@pytest.fixture
def phone(browser: Browser, demo: Demo, request: pytest.FixtureRequest) -> Iterator[Page]:
    """The phone of somebody who was never here; at the end the page may not have complained about anything."""
    complaints: list[str] = []
    context = browser.new_context(timezone_id="Asia/Shanghai", locale="zh-CN", reduced_motion="reduce")
    page = context.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: (
            complaints.append(message.text)
            # The refusal that asks for consent (409) is part of the way in; the browser reports it all the same.
            if message.type in {"error", "warning"} and "status of 409" not in message.text
            else None
        ),
    )
    page.goto(f"{demo.url}/preview/?user={request.param}")
    yield page
    context.close()
    assert complaints == []


def _ask(url: str, *, key: str | None = None, body: dict[str, Any] | None = None) -> Any:
    at = urlsplit(url)
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(at.netloc, timeout=60)
    try:
        connection.request("GET" if body is None else "POST", at.path, body and json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        assert answer.status in (200, 201), text
        return json.loads(text)
    finally:
        connection.close()


def _sell(demo: Demo, code: str, amount_fen: int) -> Any:
    key = json.loads((demo.data / "secrets.json").read_text())["till_keys"]["S001/T1"]
    scanned = _ask(f"{demo.url}/pos/v1/scans", key=key, body={"code": code})
    sale = {"ticket": scanned["ticket"], "receipt_no": f"P-{uuid.uuid4().hex[:12]}", "amount_fen": amount_fen}
    return _ask(f"{demo.url}/pos/v1/sales", key=key, body=sale)


def _signed_in(browser: Browser, demo: Demo) -> TillPage:
    till = Profiles(browser).till(demo.url)
    till.page.goto(f"{demo.url}/till/?store=S001&terminal=T1")
    till.page.fill("#login", "clerk")
    till.page.fill("#password", json.loads((demo.data / "secrets.json").read_text())["password"])
    till.page.keyboard.press("Enter")
    expect(till.page.locator("body[data-listening] [data-stage=ready]")).to_be_visible()
    return till


def _tab(page: Page, text: str) -> None:
    page.locator("#tabs").get_by_text(text, exact=True).click()


def _digits(page: Page) -> str:
    return (page.locator(".digits").text_content() or "").replace(" ", "")


@pytest.mark.parametrize("phone", [NEWCOMER], indirect=True)
def test_a_newcomer_joins_is_scanned_and_told_by_inbox_then_by_wechat(demo: Demo, phone: Page) -> None:
    phone.get_by_role("checkbox").click()
    phone.get_by_role("button", name="同意并开通").click()
    expect(phone.locator(".digits")).to_be_visible()
    used = phone.locator(".digits").text_content() or ""
    assert _sell(demo, _digits(phone), 3_650)["points_earned"] == 36

    _tab(phone, "积分")
    expect(phone.locator(".points-now")).to_have_text("36")
    expect(phone.get_by_text("消费积分")).to_be_visible()
    until = time.monotonic() + TOLD_WITHIN_S
    while not phone.get_by_text("36.50").count() and time.monotonic() < until:
        _tab(phone, "积分")
        _tab(phone, "消息")
        phone.wait_for_timeout(500)
    expect(phone.get_by_text("36.50").first).to_be_visible()

    phone.get_by_role("button", name="提醒我").first.click()
    with phone.expect_response(
        "**/api/v1/me/subscriptions"
    ):  # what was answered has been told to the server, too
        phone.get_by_role("button", name="允许").click()
    expect(phone.locator("#toast")).to_have_text("下次积分到账时会通知您")
    _tab(phone, "会员码")
    expect(phone.locator(".digits")).to_be_visible()
    expect(phone.locator(".digits")).not_to_have_text(used)
    assert _sell(demo, _digits(phone), 2_000)["points_after"] == 56

    until = time.monotonic() + TOLD_WITHIN_S
    while (
        not (messages := _ask(f"{demo.sandbox}/_sim/inbox/{NEWCOMER}")["messages"])
        and time.monotonic() < until
    ):
        time.sleep(0.2)
    [message] = messages
    assert message["fields"][:3] == [["门店", "南京西路店"], ["金额", "¥20.00"], ["获得积分", "20"]]


@pytest.mark.parametrize("phone", ["xiaoming"], indirect=True)
def test_the_till_films_the_code_on_the_phone_and_the_points_arrive_there(
    demo: Demo, browser: Browser, phone: Page, film: Path
) -> None:
    """The whole main job with nothing in between: what one page draws, the camera of the other reads.

    Its pictures are left in var/journey, to be looked at.
    """
    PICTURES.mkdir(parents=True, exist_ok=True)
    till = _signed_in(browser, demo)
    phone.get_by_role("checkbox").click()
    phone.get_by_role("button", name="同意并开通").click()
    expect(phone.locator(".digits")).to_be_visible()
    expect(phone.locator("#toast")).not_to_be_visible()  # it lies over the code
    phone.screenshot(path=PICTURES / "1-code.png")
    film_of_screen(phone.locator(".code-sheet .qr").screenshot(), film)
    till.page.click("text=摄像头扫码")
    expect(till.stage("sale")).to_be_visible()
    till.page.screenshot(path=PICTURES / "2-scanned.png", caret="initial")
    till.sell("88.80")
    expect(till.stage("receipt")).to_contain_text("¥88.80")
    expect(till.stage("receipt")).to_contain_text("+88 积分")
    till.page.screenshot(path=PICTURES / "3-sold.png", caret="initial")

    _tab(phone, "积分")
    expect(phone.get_by_text("+88").first).to_be_visible()
    until = time.monotonic() + TOLD_WITHIN_S
    while not phone.get_by_text("88.80").count() and time.monotonic() < until:
        _tab(phone, "积分")
        _tab(phone, "消息")
        phone.wait_for_timeout(500)
    expect(phone.get_by_text("88.80").first).to_be_visible()
    phone.screenshot(path=PICTURES / "4-message.png")
    _tab(phone, "积分")
    expect(phone.get_by_text("+88").first).to_be_visible()
    phone.screenshot(path=PICTURES / "5-points.png")
    assert till.complaints == []
    till.context.close()


@pytest.mark.long
@pytest.mark.parametrize("phone", ["demo"], indirect=True)
def test_the_member_of_six_months_agrees_on_the_phone_and_the_till_goes_on_by_itself(
    demo: Demo, browser: Browser, phone: Page
) -> None:
    till = _signed_in(browser, demo)
    expect(phone.locator(".digits")).to_be_visible()
    till.gun(_digits(phone))
    expect(till.page.locator("#amount")).to_be_focused()
    till.page.keyboard.type("250")
    till.page.keyboard.press("Enter")
    till.page.get_by_role("switch", name="使用储值").click()
    expect(till.page.locator("[data-poll]")).to_be_visible()
    agree = phone.get_by_role("button", name="同意支付")
    agree.wait_for(timeout=TOLD_WITHIN_S * 1_000)
    agree.click()
    expect(till.stage("receipt")).to_contain_text("储值余额", timeout=TOLD_WITHIN_S * 1_000)
    assert till.complaints == []
    till.context.close()
