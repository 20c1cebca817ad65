"""Connections whose whole answer, headers and body, must be there within one read time-out.

A socket's own time-out begins anew with each read: a server that sends a byte now and then would never meet it, and
its headers are read before anybody else could look at a clock.
"""

import io
import socket
import time
from http.client import HTTPResponse
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection


class _InTime(io.RawIOBase):
    """What the socket brings until `give_up_at` (monotonic); after that every read raises `TimeoutError`."""

    def __init__(self, sock: socket.socket, give_up_at: float) -> None:
        self._sock, self._give_up_at = sock, give_up_at
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left_s = self._give_up_at - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        self._sock.settimeout(left_s)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Answer(HTTPResponse):
    """Read in time; made when the request has been sent, with the read time-out set on the socket."""

    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(sock, *arguments, **options)
        timeout_s = sock.gettimeout()
        assert timeout_s is not None, "an exchange without a time-out"
        self.fp.close()
        self.fp = io.BufferedReader(_InTime(sock, time.monotonic() + timeout_s))


class _Connection(HTTPConnection):
    response_class = _Answer


class _SecureConnection(HTTPSConnection):
    response_class = _Answer


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class InTimeAdapter(HTTPAdapter):
    """Carries a `requests.Session` over such connections."""

    def init_poolmanager(self, *arguments: Any, **options: Any) -> None:
        super().init_poolmanager(*arguments, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
