"""One sandbox process for all tests of this folder, emptied before each, and an address that receives its pushes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
import signing_merchant

from wechat_sandbox.process import start

APP_ID = "wxba5fad812f8e6fb9"
SECRET = "a-secret-of-the-tests"
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"
PUSH_TOKEN = "push-token"
RECEIPT, PERKS, BANNED = "receipt-template", "perks-template", "banned-template"
GOOD = {"thing1": "中山路店", "amount2": "¥26.80", "time3": "2026-11-22 15:04"}
CONFIG: dict[str, Any] = {
    "app_id": APP_ID,
    "secret": SECRET,
    "seed": "tests",
    "pages": ["pages/points/index"],
    "pay": signing_merchant.CONFIG,
    "official": {"app_id": "wx-official", "secret": "its-secret"},
    "templates": [
        {"id": RECEIPT, "title": "消费通知", "fields": [{"key": key} for key in GOOD]},
        {"id": PERKS, "kind": 3, "fields": [{"key": "phrase1", "label": "等级"}]},
        {"id": BANNED, "banned": True, "fields": [{"key": "thing1"}]},
    ],
}


class Sandbox:
    """The sandbox over HTTP, in the words of the tests."""

    def __init__(self, url: str, session: requests.Session) -> None:
        self.url = url
        self.session = session

    def ask(self, method: str, path: str, **given: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=60, **given)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self.ask("GET", path, params=query).json()

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        answer = self.ask("POST", path, json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def openid(self, user: str) -> str:
        return self.post("/_sim/users", user=user)["users"][0]["openid"]

    def token(self) -> str:
        return self.stable()["access_token"]

    def classic(self) -> dict[str, Any]:
        return self.get("/cgi-bin/token", grant_type="client_credential", appid=APP_ID, secret=SECRET)

    def stable(self, **more: Any) -> dict[str, Any]:
        app = {"grant_type": "client_credential", "appid": APP_ID, "secret": SECRET}
        return self.post("/cgi-bin/stable_token", **app, **more)

    def login(self, code: str, **changed: Any) -> dict[str, Any]:
        query = {"appid": APP_ID, "secret": SECRET, "js_code": code, "grant_type": "authorization_code"}
        return self.get("/sns/jscode2session", **{**query, **changed})

    def login_code(self, user: str) -> str:
        return self.post("/_sim/login_code", user=user)["code"]

    def phone_number(self, code: str, token: str) -> dict[str, Any]:
        answer = self.ask(
            "POST", "/wxa/business/getuserphonenumber", params={"access_token": token}, json={"code": code}
        )
        return answer.json()

    def send(self, touser: str, token: str | None = None, **changed: Any) -> dict[str, Any]:
        body: dict[str, Any] = {"touser": touser, "template_id": RECEIPT, "data": values(**GOOD), **changed}
        return self.ask(
            "POST",
            "/cgi-bin/message/subscribe/send",
            params={"access_token": self.token() if token is None else token},
            json=body,
        ).json()

    def accept(self, user: str, *template_ids: str) -> None:
        self.post("/_sim/subscribe", user=user, results=dict.fromkeys(template_ids or (RECEIPT,), "accept"))

    def credits(self, user: str, template_id: str = RECEIPT) -> int | None:
        return self.get(f"/_sim/users/{user}")["credits"][template_id]

    def advance(self, seconds: float) -> None:
        self.post("/_sim/clock/advance", seconds=seconds)

    def fault(self, path: str | None = None, openid: str | None = None, **order: Any) -> dict[str, Any]:
        match = {name: value for name, value in (("path", path), ("openid", openid)) if value}
        more = {name: order.pop(name) for name in ("probability", "count", "moment") if name in order}
        return self.post("/_sim/faults", match=match, action=order, **more)


def values(**texts: str) -> dict[str, dict[str, str]]:
    return {key: {"value": text} for key, text in texts.items()}


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    with start(CONFIG) as url, requests.Session() as session:
        session.trust_env = False
        yield Sandbox(url, session)


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.post("/_sim/reset")
    return running_sandbox


@dataclass(frozen=True)
class Push:
    query: dict[str, str]
    body: str
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Receiver:
    """An address that takes pushes. ``answers`` are given in turn, the last one for ever."""

    url: str = ""
    answers: list[tuple[int, str]] = field(default_factory=lambda: [(200, "success")])
    pushes: list[Push] = field(default_factory=list)

    def settings(self, **changed: Any) -> dict[str, Any]:
        return {"url": self.url, "token": PUSH_TOKEN, "aes_key": AES_KEY, **changed}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    received = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            query = dict(parse_qsl(urlsplit(self.path).query))
            received.pushes.append(Push(query, body, self.headers["Content-Type"], dict(self.headers)))
            status, text = received.answers.pop(0) if len(received.answers) > 1 else received.answers[0]
            if status == 0:  # no answer at all
                return
            self.reply(status, text)

        def do_GET(self) -> None:
            self.reply(200, dict(parse_qsl(urlsplit(self.path).query)).get("echostr", ""))

        def reply(self, status: int, text: str) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        received.url = f"http://127.0.0.1:{server.server_port}/callbacks/wechat"
        try:
            yield received
        finally:
            server.shutdown()
            thread.join(60)


@pytest.fixture
def merchant(sandbox: Sandbox, receiver: Receiver) -> signing_merchant.Merchant:
    return signing_merchant.Merchant(sandbox, APP_ID, receiver.url)
