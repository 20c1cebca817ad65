"""A shop with a clerk, and two browsers: one that only speaks HTTP, and Chromium with a camera that shows a film."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from app.staff.roles import Grant
from tests.consoles.till_page import Profiles, TillPage
from tests.consoles.visitor import Visitor
from tests.shop import Shop


@pytest.fixture
def clerk(shop: Shop) -> Visitor:
    """Mei, signed in at till T1 of store S001."""
    shop.person("chief", Grant("admin", None))
    shop.person("mei", Grant("clerk", shop.store.id))
    visitor = Visitor(shop.app)
    assert visitor.sign_in("mei").status_code == 303
    return visitor


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the camera sees; to be written before the camera is opened."""
    return tmp_path_factory.mktemp("camera") / "film.y4m"


@pytest.fixture(scope="module")
def chromium(film: Path) -> Iterator[Browser]:
    """Gone with the module, so that no event loop of its own stands in the way of other tests."""
    executable = shutil.which("chromium")
    assert executable is not None, "no chromium on PATH: see tests/browser.sh"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-quic",
                "--no-first-run",
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-sync",
                "--host-resolver-rules=MAP shop.test 127.0.0.1",
                "--use-fake-device-for-media-stream",
                f"--use-file-for-fake-video-capture={film}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def profiles(chromium: Browser) -> Iterator[Profiles]:
    """Browsers of one make each, used again so that they need not load the pages' assets anew."""
    profiles = Profiles(chromium)
    yield profiles
    profiles.close()


@pytest.fixture
def open_till(profiles: Profiles, address: str) -> Iterator[Callable[..., TillPage]]:
    """Open the till page in a browser that knows nobody; afterwards, no page may have complained."""
    opened: list[TillPage] = []

    def open_one(**options: Any) -> TillPage:
        opened.append(TillPage(profiles.one(**options), address))
        return opened[-1]

    yield open_one
    complaints = [complaint for till in opened for complaint in till.complaints]
    for till in opened:
        till.page.close()
    assert complaints == []
