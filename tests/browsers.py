"""Chromium for the tests: without a screen, and in touch with nobody but the pages it is shown."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, expect, sync_playwright

WHOLE = "chromium"
#: The same engine without windows and cameras: less than half the work for a page.
SHELL = "chromium-headless-shell"
#: Everything Chromium would do on its own is off, and a shop's name leads to this machine.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP shop.test 127.0.0.1",
)

#: How long a page may take for whatever it does, however busy the machine is.
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)


@contextmanager
def chromium(film: Path | None = None) -> Iterator[Browser]:
    """A browser whose camera shows `film` (Y4M; read when the camera is opened).

    While it runs, no test of this process can start an event loop of its own: let no fixture hold it longer than a
    module.
    """
    program = (film is None and shutil.which(SHELL)) or shutil.which(WHOLE)
    assert program, "no Chromium on PATH: see tests/browser.sh"
    camera = (
        ("--use-fake-device-for-media-stream", f"--use-file-for-fake-video-capture={film}") if film else ()
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[*QUIET, *camera])
        yield browser
        browser.close()


class Pages:
    """Pages that serve one test after another: a new one starts a process, and compiles every script anew.

    What a page was told besides its listeners and a medium (a size, a clock) it keeps.
    """

    def __init__(self) -> None:
        self._spare: dict[BrowserContext, list[Page]] = {}
        self._listeners: dict[Page, list[tuple[str, Callable[[Any], None]]]] = {}

    def one(self, context: BrowserContext, listeners: dict[str, Callable[[Any], None]]) -> Page:
        """An empty page of that profile, with listeners to its events."""
        spare = self._spare.setdefault(context, [])
        page = spare.pop() if spare else context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        self._listeners[page] = list(listeners.items())
        for event, listener in listeners.items():
            page.on(event, listener)  # type: ignore[call-overload]
        return page

    def take_back(self, page: Page) -> None:
        """It forgets the test. Who asks whether one wants to leave is told yes."""
        for event, listener in self._listeners.pop(page):
            page.remove_listener(event, listener)
        page.on("dialog", _leave)
        page.unroute_all()
        page.emulate_media(media="null")
        page.goto("about:blank")
        page.remove_listener("dialog", _leave)
        self._spare[page.context].append(page)


def _leave(question: Dialog) -> None:
    question.accept()


def until_seen(page: Page, reached: Callable[[], bool]) -> None:
    """Wait for what the page tells its listeners and routes, which hear nothing while the test just sleeps."""
    give_up_at = time.monotonic() + PATIENCE_MS / 1_000
    while not reached():
        assert time.monotonic() < give_up_at, "the page did not do it in time"
        page.wait_for_timeout(20)


_AXE = Axe().axe_script


def violations(page: Page) -> list[Any]:
    """What axe finds in the page. A document gets axe once, and hands back no more than is asked for."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(_AXE)
    found: list[Any] = page.evaluate(
        "axe.run({ resultTypes: ['violations'] }).then(found => found.violations)"
    )
    return found


def serious(page: Page) -> list[str]:
    """What axe finds serious or critical: the rule, and each element."""
    return [
        f"{fault['id']}: {node['html']}"
        for fault in violations(page)
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
