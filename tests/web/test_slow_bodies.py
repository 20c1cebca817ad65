"""Strangers who send their bodies slowly hold some threads of the server, never all."""

import socket
import time
from contextlib import ExitStack

import pytest
import urllib3

from tests.shop import Shop

PATIENCE_S = 60


def send_slowly(port: int, path: str, content_type: str) -> socket.socket:
    """A connection that has sent the first byte of its body and rests."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
    connection.sendall(
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\nContent-Type: {content_type}\r\n"
        "Content-Length: 100\r\n\r\n{".encode()
    )
    return connection


def knock(port: int) -> int:
    """A stranger's request that may be repeated for as long as it takes: none is counted against anybody."""
    with urllib3.PoolManager(retries=False, timeout=PATIENCE_S) as http:
        return http.request("POST", f"http://127.0.0.1:{port}/callbacks/wechat", body="{}").status


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/office/v1/login", "application/json"),
        ("/api/v1/login", "application/json"),
        ("/till/sign-in", "application/x-www-form-urlencoded"),
        ("/callbacks/wechat", "application/json"),
    ],
)
def test_beyond_half_of_the_threads_strangers_are_told_to_come_back(
    shop: Shop, address: str, path: str, content_type: str
) -> None:
    port = int(address.rpartition(":")[2])
    places = max(1, shop.parts.settings.db_pool_size // 2)
    with ExitStack() as slow:
        for _ in range(places):
            slow.enter_context(send_slowly(port, path, content_type))
        until = time.monotonic() + PATIENCE_S
        while knock(port) != 409 and time.monotonic() < until:
            # Whoever knocks takes a place for a moment, and a slow one may have come in just that moment.
            slow.enter_context(send_slowly(port, path, content_type))
            time.sleep(0.02)
        assert knock(port) == 409
        assert shop.till.sell(None, 1_000).status_code == 201  # known senders are not concerned
    until = time.monotonic() + PATIENCE_S
    while knock(port) == 409 and time.monotonic() < until:
        time.sleep(0.02)
    assert knock(port) == 404  # nobody is configured to call back; what matters is that somebody looked


def test_without_a_token_a_guarded_route_does_not_wait_for_the_body(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with send_slowly(port, "/pos/v1/sales", "application/json") as connection:
        assert connection.recv(200).startswith(b"HTTP/1.1 401")
