"""The till's camera, in the whole of Chromium: its smaller shell has none."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import Engine

from tests.browsers import chromium, until_seen
from tests.conftest import rows
from tests.consoles.fake_camera import film_of
from tests.consoles.till_page import SCREENS, WECHAT_PAY, Profiles, TillPage
from tests.shop import Phone, Shop

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera sees; to be written before the camera is opened."""
    return tmp_path_factory.mktemp("camera") / "film.y4m"


@pytest.fixture(scope="module")
def profiles(film: Path) -> Iterator[Profiles]:
    with chromium(film) as browser:
        yield Profiles(browser)


def test_from_the_camera_to_the_receipt(
    till: TillPage, shop: Shop, member: Phone, film: Path, engine: Engine
) -> None:
    film_of(shop.code(member), film)
    till.page.click("text=摄像头扫码")
    expect(till.stage("sale")).to_contain_text("张**")
    expect(till.page.locator("#camera")).not_to_be_visible()
    till.sell("128.5")
    expect(till.stage("receipt")).to_contain_text("¥128.50")
    expect(till.stage("receipt")).to_contain_text("+128 积分")
    assert rows(engine, "SELECT amount_fen, points_earned FROM sales") == [(12850, 128)]
    till.next_customer()
    expect(till.page.locator("#code")).to_be_focused()


def test_the_screen_stays_awake_while_it_looks_and_a_read_code_is_felt_and_heard(
    till: TillPage, shop: Shop, member: Phone, film: Path
) -> None:
    film_of("0", film)
    till.page.evaluate(
        """() => {
            window.told = [];
            Object.defineProperty(navigator, "wakeLock", { value: { request: async (what) => {
                told.push(what);
                return { release: async () => told.push("released") };
            } } });
            navigator.vibrate = (ms) => told.push(ms);
            window.AudioContext = class extends AudioContext {
                constructor() { super(); window.sound = this; }
            };
            const start = OscillatorNode.prototype.start;
            OscillatorNode.prototype.start = function () { told.push("beep"); start.call(this); };
        }"""
    )
    till.page.click("text=摄像头扫码")
    expect(till.page.locator("#camera[data-state=hint]")).to_be_visible()
    until_seen(till.page, lambda: bool(till.page.evaluate("sound.state === 'running'")))
    till.page.keyboard.press("Escape")
    expect(till.page.locator("#camera")).not_to_be_visible()
    # It hears a moment later that it was closed.
    until_seen(till.page, lambda: len(till.page.evaluate("told")) > 1)
    assert till.page.evaluate("told") == ["screen", "released"]
    film_of(shop.code(member), film)
    till.page.click("text=摄像头扫码")
    expect(till.stage("sale")).to_contain_text("张**")
    until_seen(till.page, lambda: len(till.page.evaluate("told")) > 5)
    assert set(till.page.evaluate("told.slice(3)")) == {80, "beep", "released"}


def test_the_camera_too_knows_a_payment_code(till: TillPage, film: Path) -> None:
    film_of(WECHAT_PAY, film)
    till.page.click("text=摄像头扫码")
    expect(till.screen("payment_code")).to_be_visible()
    assert not any(WECHAT_PAY in sent for sent in till.sent)


def test_without_permission_the_camera_says_what_to_do(
    staff: None, shop: Shop, open_till: Any, film: Path
) -> None:
    film_of("0", film)
    till = open_till(camera=False).enter(shop.app)
    till.page.click("text=摄像头扫码")
    expect(till.page.locator(".camera-says")).to_contain_text("没有使用摄像头的权限")
    till.page.keyboard.press("Escape")
    expect(till.page.locator("#camera")).not_to_be_visible()


def test_without_a_usable_camera_the_page_says_so(till: TillPage) -> None:
    for fault, words in (("NotFoundError", "没有找到摄像头"), ("NotReadableError", "可能正被其他程序占用")):
        till.page.evaluate(
            "(name) => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }",
            fault,
        )
        till.page.click("text=摄像头扫码")
        expect(till.page.locator(".camera-says")).to_contain_text(words)
        till.page.keyboard.press("Escape")
        expect(till.page.locator("#camera")).not_to_be_visible()


def test_without_its_reader_the_camera_says_so(till: TillPage, film: Path) -> None:
    film_of("0", film)
    till.page.route("**/zxing_reader.wasm*", lambda route: route.abort())
    till.page.click("text=摄像头扫码")
    expect(till.page.locator(".camera-says")).to_contain_text("识别程序没有载入")
    till.forgive("wasm", "falling back to ArrayBuffer")


@pytest.mark.long
@pytest.mark.parametrize(("language", "size"), SCREENS)
def test_what_the_camera_says_is_sound(
    staff: None, shop: Shop, open_till: Any, film: Path, language: str, size: tuple[int, int]
) -> None:
    film_of("0", film)
    till: TillPage = open_till(size=size, language=language).enter(shop.app)
    till.context.clear_permissions()
    till.page.click("[data-do=camera]")
    expect(till.page.locator("#camera[data-state=denied]")).to_be_visible()
    assert till.faults() == []
    till.page.keyboard.press("Escape")
    till.context.grant_permissions(["camera"])
    till.page.click("[data-do=camera]")
    expect(till.page.locator("#camera[data-state=hint]")).to_be_visible()
    assert till.faults() == []
