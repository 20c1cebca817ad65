"""One call of WeChat's API from a thread: JSON there and back, the answer read, failures sorted and reported.

WeChat wants the app secret and the access token in the query string; `app.providers.exchange` keeps them there.
"""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from app.providers import ProviderUnavailable
from app.providers.exchange import Answer, Exchange
from app.providers.wechat.answers import (
    MAX_ANSWER_BYTES,
    MAX_PICTURE_BYTES,
    read_answer,
    read_picture,
    report,
)

WECHAT_API_BASE = "https://api.weixin.qq.com"


class Transport:
    """Safe to share between threads. `clock` tells the time that quota windows are reckoned from."""

    def __init__(
        self,
        base_url: str,
        *,
        clock: Callable[[], datetime],
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
        connections: int = 32,
    ) -> None:
        self._clock = clock
        self._exchange, self._pictures = (
            Exchange(
                base_url,
                max_bytes=max_bytes,
                connect_timeout_s=connect_timeout_s,
                read_timeout_s=read_timeout_s,
                connections=connections,
            )
            for max_bytes in (MAX_ANSWER_BYTES, MAX_PICTURE_BYTES)
        )

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
    ) -> dict[str, Any]:
        """The JSON object WeChat answered with. Raises `ProviderRefused` or `ProviderUnavailable`."""
        answer = self._answer(self._exchange, method, path, query, body)
        return read_answer(path, answer.status, answer.body, now=self._clock())

    def picture(self, path: str, *, query: Mapping[str, str], body: Mapping[str, Any]) -> bytes:
        """The picture WeChat answered with. Raises as `call`."""
        answer = self._answer(self._pictures, "POST", path, query, body)
        return read_picture(path, answer.status, answer.body, now=self._clock())

    def close(self) -> None:
        self._exchange.close()
        self._pictures.close()

    def _answer(
        self,
        exchange: Exchange,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        body: Mapping[str, Any] | bytes | None,
    ) -> Answer:
        sent = body if isinstance(body, bytes) or body is None else to_json(body)
        headers = {"Content-Type": "application/json"} if sent is not None else None
        try:
            return exchange.send(method, path, query=query, headers=headers, body=sent)
        except ProviderUnavailable as failure:
            report(path, failure)
            raise


def to_json(body: Mapping[str, Any]) -> bytes:
    """Raw UTF-8, which is always understood; \\u-escaped template texts are said not to be."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
