"""The till in Chromium: what a clerk does there, and whatever the browser complains about."""

import time
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Request, expect

from consoles.clerk.guard import PLACE_COOKIE, SESSION_COOKIE
from tests.browsers import Pages, serious
from tests.consoles.visitor import Visitor
from tests.shop import PASSWORD

DESKTOP = (1280, 800)
PHONE = (390, 844)
NARROWEST = (320, 640)
#: In which language and on what screen to look at everything.
SCREENS = [
    # The longer words on the smallest screen: what is too wide at all is too wide here.
    ("en", NARROWEST),
    pytest.param("zh", DESKTOP, marks=pytest.mark.long),
    pytest.param("en", DESKTOP, marks=pytest.mark.long),
    pytest.param("zh", PHONE, marks=pytest.mark.long),
    pytest.param("en", PHONE, marks=pytest.mark.long),
    pytest.param("zh", NARROWEST, marks=pytest.mark.long),
]
WECHAT_PAY = "134567890123456789"
#: The one thing an address may tell: at which till the device stands.
BOOKMARK = "store=S001&terminal=T1"

#: Everything a finger aims at that is less than 40 pixels high; what a dialog covers cannot be touched.
_SMALL_TARGETS = """() => {
    const root = document.querySelector("dialog[open]") ?? document;
    return [...root.querySelectorAll("button, a[href], input:not([type=hidden]), select, summary")]
        .filter((e) => e.checkVisibility() && !e.classList.contains("skip") && e.getBoundingClientRect().height < 40)
        .map((e) => e.outerHTML.slice(0, 120));
}"""


class Profiles:
    """Browsers by what they are like, each with its own cookies."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._known: dict[tuple[object, ...], BrowserContext] = {}
        self._pages = Pages()

    def one(
        self, *, size: tuple[int, int] = DESKTOP, language: str = "zh", camera: bool = True
    ) -> BrowserContext:
        """One that knows nobody, whoever used it before."""
        made_of = (size, language, camera)
        if made_of not in self._known:
            self._known[made_of] = self._browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                locale="zh-CN" if language == "zh" else "en-GB",
                permissions=["camera"] if camera else [],
                has_touch=size[0] < 500,
                # What is looked at in the middle of a change of colours has neither the old nor the new contrast.
                reduced_motion="reduce",
            )
        self._known[made_of].clear_cookies()
        return self._known[made_of]

    def till(self, address: str, *, size: tuple[int, int] = DESKTOP, **like: Any) -> "TillPage":
        till = TillPage(self.one(size=size, **like), self._pages, address)
        till.page.set_viewport_size({"width": size[0], "height": size[1]})
        return till

    def take_back(self, till: "TillPage") -> None:
        till.keys.detach()
        self._pages.take_back(till.page)


class TillPage:
    """One page of a browser."""

    def __init__(self, context: BrowserContext, pages: Pages, address: str) -> None:
        self.address = address
        self.context = context
        self._heard_of: list[str] = []
        self._forgiven: list[str] = []
        self.sent: list[str] = []
        self.page = pages.one(
            context, {"console": self._heard, "pageerror": self._failed, "request": self._sent}
        )
        self.keys = self.context.new_cdp_session(self.page)

    def _heard(self, message: ConsoleMessage) -> None:
        # A refusal is an answer like any other, but Chromium reports every status from 400 on and every lost network,
        # and htmx says in the console what it also tells the page's script.
        expected = message.type != "error" or message.text.startswith(("Failed to load resource", "htmx:"))
        if not expected or "Content Security Policy" in message.text:
            self._heard_of.append(message.text)

    def _failed(self, error: Error) -> None:
        self._heard_of.append(str(error))

    def _sent(self, request: Request) -> None:
        self.sent.append(
            f"{request.method} {request.url.removeprefix(self.address)} {request.post_data or ''}"
        )
        if not request.url.startswith((self.address, "data:")):
            self._heard_of.append(f"asked somebody else: {request.url}")
        path, _, query = request.url.removeprefix(self.address).partition("?")
        if path.startswith("/till/") and query not in ("", BOOKMARK):
            self._heard_of.append(f"told more than a path: {request.url}")

    def posts(self, path: str) -> int:
        """How many forms were sent there."""
        return sum(sent.startswith(f"POST {path} ") for sent in self.sent)

    def enter(self, app: Flask, login: str = "mei", place: str = "S001.T1") -> "TillPage":
        """The page of somebody who has signed in before."""
        visitor = Visitor(app)
        assert visitor.sign_in(login, place=place).status_code == 303
        host = self.address.replace("http://", "https://")  # whose cookies may be called __Host-
        for name in (SESSION_COOKIE, PLACE_COOKIE):
            self.context.add_cookies(
                [{"name": name, "value": visitor.cookie(name), "url": host, "secure": True}]
            )
        self.page.goto(f"{self.address}/till/")
        return self._ready()

    def sign_in(self, login: str = "mei", place: str = "S001.T1") -> "TillPage":
        self.page.goto(f"{self.address}/till/")
        store, _, terminal = place.partition(".")
        self.page.fill("#store", store)
        self.page.fill("#terminal", terminal)
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        return self._ready()

    def _ready(self) -> "TillPage":
        expect(self.page.locator("body[data-listening] [data-stage=ready]")).to_be_visible()
        return self

    def forgive(self, *words: str) -> None:
        """The browser is right to complain, be it later: the test itself broke what it names."""
        self._forgiven += words

    @property
    def complaints(self) -> list[str]:
        return [said for said in self._heard_of if not any(word in said for word in self._forgiven)]

    def stage(self, name: str) -> Locator:
        return self.page.locator(f"[data-stage={name}]")

    def screen(self, code: str) -> Locator:
        return self.page.locator(f"dialog[open][data-code={code}]")

    def gun(self, code: str) -> None:
        """A scanner gun: the keys of the digits and Enter, wherever the focus is.

        The keys say themselves that they came 10 ms apart, however long this machine takes to send them.
        """
        pressed_at_s = time.time()
        for n, letter in enumerate([*code, "\r"]):
            key = {"code": f"Digit{letter}", "key": letter, "windowsVirtualKeyCode": ord(letter)}
            if letter == "\r":
                key |= {"code": "Enter", "key": "Enter"}
            at = {"timestamp": pressed_at_s + n * 0.01}
            self.keys.send("Input.dispatchKeyEvent", {"type": "keyDown", "text": letter, **key, **at})
            self.keys.send("Input.dispatchKeyEvent", {"type": "keyUp", **key, **at})

    def sell(self, amount: str) -> None:
        """Type an amount where the focus is and tap on *cash*."""
        expect(self.page.locator("#amount")).to_be_focused()
        self.page.keyboard.type(amount)
        self.pay()

    def pay(self, way: str = "cash") -> None:
        self.page.click(f"[name=paid_by][value={way}]")

    def next_customer(self) -> None:
        expect(self.page.locator("text=下一位顾客")).to_be_focused()
        self.page.keyboard.press("Enter")
        expect(self.stage("ready")).to_be_visible()

    def faults(self) -> list[str]:
        """What axe finds serious or critical, and every overflow to the side."""
        faults = serious(self.page)
        found_small: list[str] = self.page.evaluate(_SMALL_TARGETS)
        faults += [f"too small: {html}" for html in found_small]
        too_wide = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return [*faults, *([f"{too_wide} px too wide"] if too_wide > 0 else [])]
