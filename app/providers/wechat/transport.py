"""One HTTP exchange with WeChat from a thread: bounded in time and size, never redirected, nothing leaked.

WeChat wants the app secret and the access token in the query string, so every exception and every debug
line of the HTTP libraries may hold them. None leaves this module.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3
from requests.adapters import HTTPAdapter

from app.providers import ProviderUnavailable
from app.providers.wechat.answers import MAX_ANSWER_BYTES, read_answer, report
from app.providers.wechat.errors import BadAnswer, NoAnswer, Unreachable

WECHAT_API_BASE = "https://api.weixin.qq.com"

_NOTHING_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.LocationValueError,
)


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
        self._base_url = base_url.rstrip("/")
        self._clock = clock
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self._session = requests.Session()
        self._session.trust_env = False  # no proxy, .netrc or CA bundle that settings do not name
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self._session.headers["Accept-Encoding"] = "identity"  # what we bound is what we read
        adapter = HTTPAdapter(pool_maxsize=connections)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | bytes | None = None,
    ) -> dict[str, Any]:
        """The JSON object WeChat answered with. Raises `ProviderRefused` or `ProviderUnavailable`."""
        try:
            status, content = self._exchange(method, path, query, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = _sorted(error)
        else:
            return read_answer(path, status, content, now=self._clock())
        # Raised out here, so that not even `__context__` leads to the request and its URL.
        report(path, failure)
        raise failure

    def close(self) -> None:
        self._session.close()

    def _exchange(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Mapping[str, Any] | bytes | None
    ) -> tuple[int, bytes]:
        sent = body if isinstance(body, bytes) or body is None else to_json(body)
        with self._session.request(
            method,
            self._base_url + path,
            params=query,
            data=sent,
            headers={"Content-Type": "application/json"} if sent is not None else None,
            timeout=self._timeouts_s,
            allow_redirects=False,
            stream=True,
        ) as response:
            return response.status_code, self._bounded_body(response)

    def _bounded_body(self, response: requests.Response) -> bytes:
        """At most one byte more than allowed, and no longer than one read time-out even when it trickles."""
        give_up_at = time.monotonic() + self._timeouts_s[1]
        content = b""
        while len(content) <= MAX_ANSWER_BYTES:
            chunk = response.raw.read1(MAX_ANSWER_BYTES + 1 - len(content))
            if not chunk:
                break
            if time.monotonic() > give_up_at:
                raise requests.ReadTimeout
            content += chunk
        return content


def to_json(body: Mapping[str, Any]) -> bytes:
    """Raw UTF-8, which is always understood; \\u-escaped template texts are said not to be."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _sorted(error: Exception) -> ProviderUnavailable:
    if isinstance(error, requests.ConnectTimeout):
        return Unreachable()
    cause = error.args[0] if error.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(reason, _NOTHING_SENT) or isinstance(error, requests.exceptions.SSLError):
        return Unreachable()
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
        return Unreachable()
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return BadAnswer()  # cut short while we were reading it
    return NoAnswer()


class _WithoutQuery(logging.Filter):
    """urllib3 writes the whole request line at DEBUG, with whatever the query holds."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_cut(value) for value in record.args)
        return True


def _cut(value: object) -> object:
    return value.partition("?")[0] if isinstance(value, str) else value


logging.getLogger("urllib3.connectionpool").addFilter(_WithoutQuery())
