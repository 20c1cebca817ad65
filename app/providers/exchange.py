"""One HTTP exchange from a thread: bounded in time and size, over kept connections, never redirected.

What providers want in addresses, headers and bodies is secret, so every exception and every debug line of
the HTTP libraries may hold it. None leaves this module.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
import urllib3

from app.providers import BadAnswer, NoAnswer, ProviderUnavailable, Unreachable
from app.providers.in_time import InTimeAdapter

_NOTHING_SENT = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.SSLError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.LocationValueError,
)


@dataclass(frozen=True)
class Answer:
    """What came back; `body` may be one byte longer than the limit, and then is too long. Header names are
    compared without regard to case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


def object_in(body: bytes, *, most: int) -> dict[str, Any] | None:
    """The JSON object that an answer of at most so many bytes is; None for anything else."""
    if len(body) > most:
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


class Exchange:
    """Safe to share between threads. `max_bytes` is the longest answer that is read, `read_timeout_s` how long all of
    it may take from when the request was sent, headers and body."""

    def __init__(
        self,
        base_url: str,
        *,
        max_bytes: int,
        connect_timeout_s: float = 2.0,
        read_timeout_s: float = 5.0,
        connections: int = 32,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._max_bytes = max_bytes
        self._timeouts_s = (connect_timeout_s, read_timeout_s)
        self.session = requests.Session()
        self.session.trust_env = False  # no proxy, .netrc or CA bundle that settings do not name
        self.session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.session.headers["Accept-Encoding"] = "identity"  # what we bound is what we read
        adapter = InTimeAdapter(pool_maxsize=connections)
        self.session.mount("https://", adapter)
        self.session.mount("http://", adapter)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """Raises `Unreachable` when nothing was asked, `NoAnswer` or `BadAnswer` when something may have been."""
        try:
            return self._sent(method, path, query, headers, body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            failure = _sorted(error)
        # Raised out here, so that not even `__context__` leads to the request.
        raise failure

    def close(self) -> None:
        self.session.close()

    def _sent(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> Answer:
        with self.session.request(
            method,
            self.base_url + path,
            params=query,
            data=body,
            headers=headers,
            timeout=self._timeouts_s,
            allow_redirects=False,
            stream=True,
        ) as response:
            return Answer(response.status_code, response.headers, self._bounded_body(response))

    def _bounded_body(self, response: requests.Response) -> bytes:
        """At most one byte more than allowed."""
        content = b""
        while len(content) <= self._max_bytes:
            chunk = response.raw.read1(self._max_bytes + 1 - len(content))
            if not chunk:
                break
            content += chunk
        return content


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
