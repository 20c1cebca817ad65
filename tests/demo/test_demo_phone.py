"""The main job in the running demo: a newcomer's phone in Chromium, the till by its API."""

import http.client
import json
import time
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.demo.launching import Demo
from tests.miniprogram.preview_tools import CHROMIUM, CHROMIUM_ARGS

pytestmark = pytest.mark.browser

#: The worker looks about once a second; a busy machine gets more.
TOLD_WITHIN_S = 20


# Not longer than a module: while Playwright runs, no test in this process could start an event loop of its own.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        yield chromium
        chromium.close()


@pytest.fixture
def phone(browser: Browser, demo: Demo) -> Iterator[Page]:
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
    page.goto(f"{demo.url}/preview/?user=xinke")
    yield page
    context.close()
    assert complaints == []


def _ask(url: str, *, key: str | None = None, body: dict[str, Any] | None = None) -> Any:
    at = urlsplit(url)
    headers = {"Content-Type": "application/json", "Idempotency-Key": uuid.uuid4().hex}
    if key is not None:
        headers["Authorization"] = f"Bearer {key}"
    connection = http.client.HTTPConnection(at.netloc, timeout=10)
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


def _tab(page: Page, text: str) -> None:
    page.locator("#tabs").get_by_text(text, exact=True).click()


def _digits(page: Page) -> str:
    return (page.locator(".digits").text_content() or "").replace(" ", "")


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
    phone.get_by_role("button", name="允许").click()
    expect(phone.locator("#toast")).to_be_visible()
    phone.wait_for_timeout(500)
    _tab(phone, "会员码")
    expect(phone.locator(".digits")).to_be_visible()
    expect(phone.locator(".digits")).not_to_have_text(used)
    assert _sell(demo, _digits(phone), 2_000)["points_after"] == 56

    until = time.monotonic() + TOLD_WITHIN_S
    while not (messages := _ask(f"{demo.sandbox}/_sim/inbox/xinke")["messages"]) and time.monotonic() < until:
        time.sleep(0.2)
    [message] = messages
    assert message["fields"][:3] == [["门店", "南京西路店"], ["金额", "¥20.00"], ["获得积分", "20"]]
