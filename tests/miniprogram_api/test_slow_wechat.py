"""A WeChat that answers slowly keeps a few threads waiting, never all of them."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from typing import Any

import pytest
from flask import Flask

from app import clock
from app.identity.platforms.wechat_mini import WechatMini
from app.parts import Parts, assemble
from app.providers.places import Places
from app.providers.wechat import WechatClient
from tests.chat_apps import APP_ID, APP_SECRET, Visitor
from tests.racing import PATIENCE_S

THREADS = 4


class SlowWechat:
    """Answers nobody before it is released."""

    def __init__(self) -> None:
        asked, released = threading.Semaphore(0), threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.release()
                released.wait(PATIENCE_S)
                self.send_response(500)
                self.end_headers()

            def log_message(self, *given: Any) -> None:
                """The tests look at answers."""

        self.asked, self.released = asked, released
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def slow() -> Iterator[SlowWechat]:
    wechat = SlowWechat()
    serving = threading.Thread(target=wechat.server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    yield wechat
    wechat.released.set()
    wechat.server.shutdown()
    serving.join(PATIENCE_S)
    wechat.server.server_close()


def with_places(app: Flask, slow: SlowWechat, number: int) -> Parts:
    """The app's parts, with that slow WeChat and so many places to wait for it."""
    parts: Parts = app.extensions["parts"]
    client = WechatClient(
        APP_ID,
        APP_SECRET,
        shared=None,
        clock=clock.now,
        base_url=slow.url,
        read_timeout_s=PATIENCE_S,
        places=Places(number),
    )
    return replace(parts, wechat=client, platforms={"wechat_mini": WechatMini(client)})


def crowd(app: Flask, server: ThreadPoolExecutor, number: int) -> list[Future[Any]]:
    return [server.submit(Visitor(app.test_client()).login, f"code-{n}") for n in range(number)]


def test_while_wechat_is_slow_everybody_else_is_answered(
    app: Flask, slow: SlowWechat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.extensions, "parts", with_places(app, slow, THREADS // 2))
    with ThreadPoolExecutor(THREADS) as server:
        logins = crowd(app, server, 16)
        config = server.submit(app.test_client().get, "/api/v1/config")
        assert config.result(PATIENCE_S).status_code == 200
        answers = [login.result(PATIENCE_S) for login in islice(as_completed(logins, PATIENCE_S), 14)]
        for _ in range(THREADS // 2):
            assert slow.asked.acquire(timeout=PATIENCE_S)
        assert sum(not login.done() for login in logins) == THREADS // 2
        slow.released.set()
    assert {(a.status_code, a.json["code"], a.headers["Retry-After"]) for a in answers} == {
        (409, "busy", "1")
    }


def test_without_the_bound_all_threads_would_wait(
    app: Flask, slow: SlowWechat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setitem(app.extensions, "parts", with_places(app, slow, THREADS))
    with ThreadPoolExecutor(THREADS) as server:
        crowd(app, server, 16)
        config = server.submit(app.test_client().get, "/api/v1/config")
        for _ in range(THREADS):
            assert slow.asked.acquire(timeout=PATIENCE_S)
        assert not config.done()
        slow.released.set()


def test_whoever_was_turned_away_may_come_back_with_the_same_code(
    visitor: Visitor, sandbox: Any, wechat_app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, full = sandbox.login_code(), Places(1)
    monkeypatch.setattr(wechat_app.extensions["parts"].wechat, "places", full)
    with full.one():
        assert visitor.login(code, key="one").json["code"] == "busy"
    assert visitor.login(code, key="one").status_code == 200


@pytest.mark.parametrize(("pool_size", "places"), [(1, 1), (4, 2), (9, 4)])
def test_half_of_the_threads_may_wait_for_wechat(app: Flask, pool_size: int, places: int) -> None:
    settings = replace(
        app.extensions["parts"].settings,
        wechat_app_id=APP_ID,
        wechat_app_secret=APP_SECRET,
        db_pool_size=pool_size,
    )
    wechat = assemble(settings).wechat
    assert wechat is not None
    assert wechat.places._free._value == places
