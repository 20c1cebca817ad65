"""Messages by the thousand, for the worker: asyncio, connections kept open.

Same token, same sorting of errors as `WechatClient`; sends several times as many a second, since
`requests` is what costs the time there.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, ClassVar, Self

import aiohttp

from app.providers import ProviderUnavailable
from app.providers.wechat.answers import MAX_ANSWER_BYTES, read_answer, report
from app.providers.wechat.client import Lang, State, message_id, subscribe_body
from app.providers.wechat.errors import (
    SERVICE_SEND,
    SUBSCRIBE_SEND,
    TEMPLATE_SEND,
    NoAnswer,
    TokenRejected,
    Unreachable,
)
from app.providers.wechat.tokens import TokenStore
from app.providers.wechat.transport import WECHAT_API_BASE, to_json

#: Failures before the first byte of the request. Whatever else aiohttp raises may have been sent.
_NOTHING_SENT = (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL)


@dataclass(frozen=True)
class Sent:
    msgid: str | None


class Sender:
    """One kind of message: `async with SubscribeSender(client.tokens, clock=...) as sender: await sender.send(...)`.

    At most `connections` sends are under way at once; more wait their turn here. Messages to one openid
    must go one after the other (WeChat answers 43108 otherwise): that is the caller's part.
    A send that is cancelled counts as unknown.
    """

    path: ClassVar[str]

    def __init__(
        self,
        tokens: TokenStore,
        *,
        clock: Callable[[], datetime],
        base_url: str = WECHAT_API_BASE,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
        connections: int = 64,
    ) -> None:
        self._tokens = tokens
        self._clock = clock
        self._url = base_url.rstrip("/") + self.path
        self._timeout = aiohttp.ClientTimeout(
            total=connect_timeout_s + read_timeout_s, sock_connect=connect_timeout_s, sock_read=read_timeout_s
        )
        self._connections = connections

    async def __aenter__(self) -> Self:
        self._turn = asyncio.Semaphore(self._connections)
        self._one_renewal = asyncio.Lock()
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            timeout=self._timeout,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers={"Accept-Encoding": "identity", "Content-Type": "application/json"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.close()

    async def _sent(self, message: Mapping[str, Any]) -> Sent:
        """Sends one message. Raises `ProviderRefused` (final), `ProviderUnavailable` (nothing was sent) or
        `OutcomeUnknown` (it may have arrived: the request went out and no readable answer came)."""
        body = to_json(message)
        token = self._tokens.peek() or await self._renewed(None)
        try:
            return Sent(message_id(await self._call(token, body)))
        except TokenRejected:
            pass
        token = await self._renewed(token)
        return Sent(message_id(await self._call(token, body)))

    async def _renewed(self, failed: str | None) -> str:
        """One at a time and in a thread: the store waits for Redis and WeChat."""
        async with self._one_renewal:
            token = self._tokens.peek()
            if token and token != failed:
                return token
            if failed is None:
                return await asyncio.to_thread(self._tokens.get)
            return await asyncio.to_thread(self._tokens.replace, failed)

    async def _call(self, token: str, body: bytes) -> dict[str, Any]:
        try:
            async with self._turn:
                status, content = await self._exchange(token, body)
        except _NOTHING_SENT:
            failure: ProviderUnavailable = Unreachable()
        except (aiohttp.ClientError, TimeoutError, OSError):
            failure = NoAnswer()
        else:
            return read_answer(self.path, status, content, now=self._clock())
        # Raised out here, so that not even `__context__` leads to the request and its URL.
        report(self.path, failure)
        raise failure

    async def _exchange(self, token: str, body: bytes) -> tuple[int, bytes]:
        async with self._http.post(
            self._url, params={"access_token": token}, data=body, allow_redirects=False
        ) as response:
            content = b""
            while len(content) <= MAX_ANSWER_BYTES and (chunk := await response.content.read(8192)):
                content += chunk
            return response.status, content


class SubscribeSender(Sender):
    """Subscribe messages of the mini-program."""

    path = SUBSCRIBE_SEND

    async def send(
        self,
        openid: str,
        template_id: str,
        page: str | None,
        data: Mapping[str, Mapping[str, str]],
        lang: Lang = "zh_CN",
        state: State = "formal",
    ) -> Sent:
        """Raises as `_sent`."""
        return await self._sent(subscribe_body(openid, template_id, page, data, lang, state))


class TemplateSender(Sender):
    """Template messages of the official account. `mini_app_id`: whose pages they may lead to."""

    path = TEMPLATE_SEND

    async def send(
        self,
        openid: str,
        template_id: str,
        page: str | None,
        data: Mapping[str, Mapping[str, str]],
        *,
        mini_app_id: str | None,
        reference: str,
    ) -> Sent:
        """`reference` names the message: WeChat sends one of a name once in ten minutes. Raises as `_sent`."""
        body = {"touser": openid, "template_id": template_id, "data": data, "client_msg_id": reference}
        if page is not None and mini_app_id is not None:
            body["miniprogram"] = {"appid": mini_app_id, "pagepath": page}
        return await self._sent(body)


class ServiceSender(Sender):
    """What customer service of the mini-program says to who wrote to it."""

    path = SERVICE_SEND

    async def send(self, openid: str, words: str) -> Sent:
        """Raises as `_sent`, and `WindowClosed`."""
        return await self._sent({"touser": openid, "msgtype": "text", "text": {"content": words}})
