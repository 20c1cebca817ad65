"""Node, the stub of the API, and phones whose every complaint fails the test."""

import pathlib
import re
import socket
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page

from tests.browsers import Pages, chromium
from tests.miniprogram.member_api_stub import MemberApiStub, listening, serving
from tests.miniprogram.preview_tools import NodeRun, OpenPhone, find_node

# Chromium reports every refused or failed request on the console; those that a test provokes are no fault.
EXPECTED_CONSOLE = re.compile(r"Failed to load resource: (the server responded with a status of|net::ERR_)")


@pytest.fixture(scope="session")
def node() -> NodeRun:
    """Runs Node with the pinned packages installed; ``check=False`` hands back a failure instead of failing."""
    found = find_node()
    found.install_packages()

    def run(*args: str | pathlib.Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = found.run(*args)
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    return run


@pytest.fixture(scope="package")
def ports() -> Iterator[list[socket.socket]]:
    with listening() as sockets:
        yield sockets


@pytest.fixture
def api(ports: list[socket.socket]) -> Iterator[MemberApiStub]:
    with serving(ports) as stub:
        yield stub


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def _new_profile(browser: Browser) -> BrowserContext:
    return browser.new_context(timezone_id="Asia/Shanghai", reduced_motion="reduce")


@pytest.fixture(scope="package")
def profile(browser: Browser) -> BrowserContext:
    """A browser that keeps the preview's files from one test to the next, and nothing else."""
    return _new_profile(browser)


@pytest.fixture(scope="package")
def kept_pages() -> Pages:
    return Pages()


@pytest.fixture
def open_phone(
    browser: Browser, profile: BrowserContext, kept_pages: Pages, api: MemberApiStub
) -> Iterator[OpenPhone]:
    """Opens the preview as one user's phone; at the end no page may have complained about anything."""
    complaints: list[str] = []
    pages: list[Page] = []

    def note(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not EXPECTED_CONSOLE.match(message.text):
            complaints.append(f"{message.type}: {message.text}")

    def failed(error: Error) -> None:
        complaints.append(f"uncaught: {error}")

    def phone(
        user: str = "demo", language: str = "zh", width: int = 390, height: int = 844, own_clock: bool = False
    ) -> Page:
        # The clock of one page is that of its whole browser.
        where = _new_profile(browser) if own_clock else profile
        page = kept_pages.one(where, {"console": note, "pageerror": failed})
        if not pages:
            page.context.new_cdp_session(page).send(
                "Storage.clearDataForOrigin", {"origin": api.origin, "storageTypes": "local_storage"}
            )
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.goto(f"{api.origin}/preview/?user={user}&lang={language}")
        return page

    yield phone
    for page in pages:
        if page.context is profile:
            kept_pages.take_back(page)
        else:
            page.context.close()
    assert complaints == []


@pytest.fixture
def member_phone(api: MemberApiStub, open_phone: OpenPhone) -> Page:
    """The phone of a member who has been one for a while, in Chinese, with the code on the screen."""
    api.add_member("demo", name="张小满")
    page = open_phone()
    page.locator(".qr img").wait_for()
    return page
