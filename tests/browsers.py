"""Chromium for the tests: without a screen, and in touch with nobody but the pages it is shown."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

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
