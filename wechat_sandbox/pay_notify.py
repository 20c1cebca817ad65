"""Tells the merchant what happened: sealed, signed, and again and again until somebody says that it has arrived."""

from __future__ import annotations

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp

from wechat_sandbox.config import Pay
from wechat_sandbox.draw import Draw
from wechat_sandbox.pay_crypto import CERTIFICATE_SERIAL, PUBLIC_KEY_ID, SCHEMA, PlatformKeys, forge, seal
from wechat_sandbox.pay_orders import rfc3339

#: Seconds between the tries, as documented; 24 h 4 min in all.
PAUSES_S: Final = (15, 15, 30, 180, 600, 1_200, 1_800, 1_800, 1_800, 3_600) + 3 * (10_800,) + 2 * (21_600,)
#: What can be wrong with a notification; each word stands alone.
TWISTS: Final = (
    "none", "amount", "appid", "mchid", "tag", "cut", "forged", "probe", "old", "unknown_serial", "no_serial",
)  # fmt: skip
_KEPT: Final = 1_000
_OLD_S: Final = 3_600
_DELIVERED: Final = (200, 204)


class NothingToRepeat(Exception):
    """No such notification was sent."""


@dataclass
class Notification:
    """One event. ``answers`` holds a status or the word for what went wrong, one per try; ``sent`` the last try."""

    id: int
    event: str
    kind: str
    number: str
    plain: dict[str, Any] = field(repr=False)
    url: str
    twist: str
    created_at: float
    answers: list[int | str] = field(default_factory=list)
    state: str = "pending"
    sent: tuple[dict[str, str], bytes] | None = field(default=None, repr=False)

    def as_json(self) -> dict[str, Any]:
        """For the control plane."""
        names = ("id", "event", "number", "twist", "state")
        return {name: getattr(self, name) for name in names} | {"answers": list(self.answers)}


class Notifier:
    """Sends notifications and remembers the last thousand of them."""

    def __init__(self, config: Pay, keys: PlatformKeys, draw: Draw) -> None:
        self.sign_with = config.sign_with
        self._config, self._keys, self._draw = config, keys, draw
        self._kept: deque[Notification] = deque(maxlen=_KEPT)
        self._made = 0
        self._running: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def serial(self) -> str:
        """The id of the key that signs when nobody asked for another."""
        return PUBLIC_KEY_ID if self.sign_with == "public_key" else CERTIFICATE_SERIAL

    def all(self) -> list[Notification]:
        """Oldest first."""
        return list(self._kept)

    def post(
        self,
        event: str,
        plain: dict[str, Any],
        url: str,
        *,
        number: str,
        now: float,
        twist: str = "none",
        copies: int = 1,
        delay_s: float = 0.0,
    ) -> None:
        """Tell, without waiting for it; ``copies`` go out at once, each signed anew."""
        kind = "transaction" if event.startswith("TRANSACTION.") else "refund"
        for _ in range(copies):
            self._made += 1
            one = Notification(self._made, event, kind, number, plain, url, twist, now)
            self._kept.append(one)
            task = asyncio.create_task(self._deliver(one, delay_s))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def replay(self, notification_id: int | None) -> int | str:
        """The very same bytes again. Raises NothingToRepeat."""
        for one in reversed(self._kept):
            if notification_id in (None, one.id) and one.sent is not None:
                return await self._send(one.url, *one.sent)
        raise NothingToRepeat

    async def drain(self, timeout_s: float) -> bool:
        """Wait until everything was answered or given up; False when that takes longer."""
        if not self._running:
            return True
        _, pending = await asyncio.wait(set(self._running), timeout=timeout_s)
        return not pending

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _deliver(self, one: Notification, delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        for pause_s in (*PAUSES_S, None):
            one.sent = self._request(one)
            one.answers.append(await self._send(one.url, *one.sent))
            if one.answers[-1] in _DELIVERED:
                one.state = "delivered"
                return
            if pause_s is not None:
                await asyncio.sleep(pause_s * self._config.retry_scale)
        one.state = "given_up"

    async def _send(self, url: str, headers: dict[str, str], body: bytes) -> int | str:
        """One try: the status, or a word (``timeout``, ``refused``)."""
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        timeout = aiohttp.ClientTimeout(total=self._config.notify_timeout_s)
        try:
            async with self._session.post(
                url, data=body, headers=headers, timeout=timeout, allow_redirects=False
            ) as answer:
                await answer.read()
                return answer.status
        except TimeoutError:
            return "timeout"
        except aiohttp.ClientError:
            return "refused"

    def _request(self, one: Notification) -> tuple[dict[str, str], bytes]:
        """Headers and body of one try, signed now."""
        body = json.dumps(self._document(one), ensure_ascii=False, separators=(",", ":"))
        if one.twist == "cut":
            body = body[: len(body) // 2]
        # The machine's time, also when the sandbox's was moved: only the merchant's clock says what is fresh.
        stamp = str(int(time.time()) - (_OLD_S if one.twist == "old" else 0))
        nonce = self._draw.fresh("pay_nonce", 16).hex().upper()
        headers = {
            "Content-Type": "application/json",
            "Wechatpay-Timestamp": stamp,
            "Wechatpay-Nonce": nonce,
            "Wechatpay-Signature": self._keys.sign(self.serial, stamp, nonce, body),
            "Wechatpay-Signature-Type": SCHEMA,
            "Wechatpay-Serial": self.serial,
        }
        if one.twist in _HEADER_TWISTS:
            _HEADER_TWISTS[one.twist](headers, (stamp, nonce, body))
        return headers, body.encode()

    def _document(self, one: Notification) -> dict[str, Any]:
        plain = json.dumps(_twisted(one), ensure_ascii=False, separators=(",", ":"))
        nonce = self._draw.fresh("pay_nonce", 6).hex()
        sealed = seal(self._config.apiv3_key, plain=plain, nonce=nonce, associated_data=one.kind)
        if one.twist == "tag":
            sealed = ("B" if sealed[0] == "A" else "A") + sealed[1:]
        return {
            "id": self._draw.fresh("notification", 16).hex(),
            "create_time": rfc3339(one.created_at),
            "resource_type": "encrypt-resource",
            "event_type": one.event,
            "summary": "支付成功" if one.kind == "transaction" else "退款",
            "resource": {
                "original_type": one.kind,
                "algorithm": "AEAD_AES_256_GCM",
                "ciphertext": sealed,
                "associated_data": one.kind,
                "nonce": nonce,
            },
        }


def _twisted(one: Notification) -> dict[str, Any]:
    if one.twist == "amount":
        return one.plain | {"amount": {name: _less(value) for name, value in one.plain["amount"].items()}}
    if one.twist == "appid":
        return one.plain | {"appid": "wx0000000000000000"}
    if one.twist == "mchid":
        return one.plain | {"mchid": "1900000000"}
    return one.plain


def _less(value: Any) -> Any:
    return max(value - 1, 1) if type(value) is int else value


def _forged(headers: dict[str, str], lines: tuple[str, str, str]) -> None:
    headers["Wechatpay-Signature"] = forge(*lines)


def _probe(headers: dict[str, str], _: tuple[str, str, str]) -> None:
    headers["Wechatpay-Signature"] = "WECHATPAY/SIGNTEST/" + headers["Wechatpay-Signature"]


def _unknown_serial(headers: dict[str, str], lines: tuple[str, str, str]) -> None:
    _forged(headers, lines)
    headers["Wechatpay-Serial"] = "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"


def _no_serial(headers: dict[str, str], _: tuple[str, str, str]) -> None:
    headers["Wechatpay-Serial"] = ""


_HEADER_TWISTS: Final[dict[str, Callable[[dict[str, str], tuple[str, str, str]], None]]] = {
    "forged": _forged,
    "probe": _probe,
    "unknown_serial": _unknown_serial,
    "no_serial": _no_serial,
}
