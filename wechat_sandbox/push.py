"""Delivers events to the configured address: safe mode, 5 s for an answer, three tries."""

from __future__ import annotations

import asyncio
import base64
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp

from wechat_sandbox.clock import Clock
from wechat_sandbox.config import Callback
from wechat_sandbox.draw import Draw
from wechat_sandbox.push_crypto import encrypt, signature
from wechat_sandbox.push_format import Event, envelope, render

_KEPT: Final = 1_000
_AT_ONCE: Final = 16
_CONTENT_TYPES: Final = {"json": "application/json", "xml": "text/xml"}
TAMPERINGS: Final = ("body", "signature", "app_id", "timestamp")


class NothingToPush(Exception):
    """No callback is configured, or no such notification was made."""


@dataclass(frozen=True)
class Request:
    """One push as it travels."""

    query: dict[str, str]
    body: str
    content_type: str


@dataclass
class Notification:
    """One event and its delivery. ``answers`` holds a status or the word for what went wrong, one per try."""

    id: int
    event: Event
    request: Request
    answers: list[int | str] = field(default_factory=list)
    state: str = "pending"

    def as_json(self) -> dict[str, object]:
        """For the control plane."""
        items = [dict(one) for one in self.event.items]
        return {
            "id": self.id,
            "event": self.event.name,
            "openid": self.event.openid,
            "items": items,
            "state": self.state,
            "answers": list(self.answers),
        }


class Pushes:
    """Sends events and remembers the last thousand of them, to be repeated or falsified on demand."""

    def __init__(
        self, callback: Callback | None, *, app_id: str, clock: Clock, draw: Draw, kinds: tuple[str, ...] = ()
    ) -> None:
        """``kinds``: what is pushed whatever the callback names as its events."""
        self._kinds = kinds
        self.callback = callback
        self._app_id = app_id
        self._clock = clock
        self._draw = draw
        self.account = "gh_" + draw.lasting("account", app_id, 6).hex()
        self._kept: deque[Notification] = deque(maxlen=_KEPT)
        self._made = 0
        self._running: set[asyncio.Task[None]] = set()
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._session: aiohttp.ClientSession | None = None

    def all(self) -> list[Notification]:
        """What was pushed, oldest first."""
        return list(self._kept)

    def post(self, kind: str, openid: str, items: list[dict[str, str]]) -> None:
        """Push an event, without waiting for its delivery. Does nothing when nobody listens for its kind."""
        callback = self.callback
        if callback is None or kind not in (*callback.events, *self._kinds):
            return
        if not items and kind not in self._kinds:
            return
        event = Event(kind, openid, int(self._clock.now()), tuple(items))
        self._made += 1
        notification = Notification(self._made, event, self._request(event, callback))
        self._kept.append(notification)
        task = asyncio.create_task(self._deliver(notification, callback))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def drain(self, timeout_s: float) -> bool:
        """Wait until every push was answered or given up; False when that takes longer."""
        if not self._running:
            return True
        _, pending = await asyncio.wait(set(self._running), timeout=timeout_s)
        return not pending

    async def replay(self, notification_id: int | None) -> list[int | str]:
        """Send the very same bytes again."""
        notification, callback = self._find(notification_id)
        return [await self._send(notification.request, callback)]

    async def duplicate(self, notification_id: int | None, copies: int) -> list[int | str]:
        """Send the event several times at once, each copy encrypted and signed anew."""
        notification, callback = self._find(notification_id)
        requests = [self._request(notification.event, callback) for _ in range(copies)]
        return list(await asyncio.gather(*(self._send(one, callback) for one in requests)))

    async def tamper(self, notification_id: int | None, what: str) -> list[int | str]:
        """Send a falsified copy: changed ciphertext, signature or timestamp, or another app's id inside.

        Raises KeyError for another ``what``.
        """
        notification, callback = self._find(notification_id)
        falsify = _FALSIFIERS[what]
        return [await self._send(falsify(self, notification, callback), callback)]

    async def verify_url(self) -> bool:
        """Do what saving the address in the console does: GET it; True when it echoes what it was given."""
        if self.callback is None:
            raise NothingToPush
        stamp, nonce, echo = self._stamp(), self._nonce(), self._draw.fresh_text("echostr", 20)
        query = {
            "signature": signature(self.callback.token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "echostr": echo,
        }
        try:
            async with self._client().get(self.callback.url, params=query, allow_redirects=False) as answer:
                return answer.status == 200 and await answer.text() == echo
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _deliver(self, notification: Notification, callback: Callback) -> None:
        async with self._places:
            for attempt in range(callback.tries):
                if attempt:
                    await asyncio.sleep(callback.retry_delay_s)
                notification.answers.append(await self._send(notification.request, callback))
                if notification.answers[-1] == 200:
                    notification.state = "delivered"
                    return
        notification.state = "given_up"

    async def _send(self, request: Request, callback: Callback) -> int | str:
        """One try: 200 when accepted, else the status, or a word (``timeout``, ``refused``, ``answer``)."""
        try:
            async with self._client().post(
                callback.url,
                params=request.query,
                data=request.body.encode(),
                headers={"Content-Type": request.content_type},
                timeout=aiohttp.ClientTimeout(total=callback.timeout_s),
                allow_redirects=False,
            ) as answer:
                text = await answer.text(errors="replace")
                if answer.status == 200 and text.strip() not in ("", "success"):
                    return "answer"
                return answer.status
        except TimeoutError:
            return "timeout"
        except aiohttp.ClientError:
            return "refused"

    def _find(self, notification_id: int | None) -> tuple[Notification, Callback]:
        for notification in reversed(self._kept):
            if notification_id in (None, notification.id) and self.callback is not None:
                return notification, self.callback
        raise NothingToPush

    def _request(self, event: Event, callback: Callback, app_id: str | None = None) -> Request:
        plain = render(event, account=self.account, format=callback.format, json_shape=callback.json_shape)
        encrypted = encrypt(
            plain,
            aes_key=callback.aes_key,
            app_id=app_id or self._app_id,
            prefix=self._draw.fresh("push_prefix", 8).hex().encode(),
        )
        stamp, nonce = self._stamp(), self._nonce()
        query = {
            "signature": signature(callback.token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": event.openid,
            "encrypt_type": "aes",
            "msg_signature": signature(callback.token, stamp, nonce, encrypted),
        }
        body = envelope(encrypted, account=self.account, format=callback.format)
        return Request(query, body, _CONTENT_TYPES[callback.format])

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session

    def _stamp(self) -> str:
        return str(int(self._clock.now()))

    def _nonce(self) -> str:
        return str(int.from_bytes(self._draw.fresh("nonce", 4)))


def _other_body(_: Pushes, notification: Notification, callback: Callback) -> Request:
    sent = notification.request
    encrypted = base64.b64encode(bytes(len(sent.body) // 2 // 32 * 32 or 32)).decode()
    body = envelope(encrypted, account="gh_000000000000", format=callback.format)
    return Request(sent.query, body, sent.content_type)


def _other_query(
    name: str, change: Callable[[str], str]
) -> Callable[[Pushes, Notification, Callback], Request]:
    def falsify(_: Pushes, notification: Notification, __: Callback) -> Request:
        sent = notification.request
        return Request({**sent.query, name: change(sent.query[name])}, sent.body, sent.content_type)

    return falsify


def _other_app(pushes: Pushes, notification: Notification, callback: Callback) -> Request:
    return pushes._request(notification.event, callback, app_id="wx0000000000000000")


_FALSIFIERS: Final[dict[str, Callable[[Pushes, Notification, Callback], Request]]] = {
    "body": _other_body,
    "signature": _other_query("msg_signature", lambda text: text[::-1]),
    "timestamp": _other_query("timestamp", lambda text: str(int(text) + 1)),
    "app_id": _other_app,
}
