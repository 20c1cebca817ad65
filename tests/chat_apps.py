"""A stand-in WeChat, and phones that come without a token: for tests of logging in and of phone numbers."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine

import wsgi
from app import clock, settings
from app.identity.platforms.wechat_mini import WechatMini
from app.providers.places import Places
from app.providers.wechat import WechatClient
from tests.racing import race
from tests.shop import Phone
from wechat_sandbox.process import start

T = TypeVar("T")
APP_ID = "wx5a7d6f1c0b2e3948"
APP_SECRET = "s3cret-0f-the-mini-program-tests"
VERSION = "2026-01"
LOGIN, PHONE = "/sns/jscode2session", "/wxa/business/getuserphonenumber"
#: Long enough for a busy machine.
READ_TIMEOUT_S = 60


class Sandbox:
    """The stand-in's control plane, in the words of the tests."""

    def __init__(self, url: str, http: requests.Session) -> None:
        self.url = url
        self._http = http

    def tell(self, path: str, method: str = "POST", **body: Any) -> Any:
        answer = self._http.request(method, f"{self.url}/_sim/{path}", json=body, timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def login_code(self, user: str = "alice") -> str:
        return str(self.tell("login_code", user=user)["code"])

    def phone_code(self, user: str = "alice") -> str:
        return str(self.tell("phone_code", user=user)["code"])

    def person(self, user: str = "alice", **changes: Any) -> Any:
        self.tell("users", user=user)
        if changes:
            self.tell(f"users/{user}", "PATCH", **changes)
        return self.tell(f"users/{user}", "GET")

    def fault(self, path: str, action: str, *, moment: str = "before", **details: Any) -> None:
        self.tell("faults", match={"path": path}, action={"type": action, **details}, moment=moment)

    def heal(self) -> None:
        self.tell("faults", "DELETE")

    def calls(self, path: str) -> int:
        return int(self.tell("metrics", "GET")["calls"].get(path, 0))

    def billed_numbers(self) -> int:
        return int(self.tell("metrics", "GET")["phone_numbers"]["answered"])


@dataclass(frozen=True)
class Visitor:
    """A phone without a token."""

    client: FlaskClient

    def login(
        self,
        code: str,
        *,
        consent: str | None = VERSION,
        key: str | None = None,
        provider: str = "wechat_mini",
        headers: dict[str, str] | None = None,
    ) -> Any:
        body: dict[str, Any] = {"provider": provider, "code": code}
        if consent is not None:
            body["consent"] = {"policy_version": consent}
        sent = {"Idempotency-Key": key or uuid.uuid4().hex, **(headers or {})}
        return self.client.post("/api/v1/login", json=body, headers=sent)

    def me(self, token: str) -> Any:
        return self.client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    config = {"app_id": APP_ID, "secret": APP_SECRET, "unionid_bound": True}
    with start(config) as url, requests.Session() as http:
        http.trust_env = False
        yield Sandbox(url, http)


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    running_sandbox.tell("reset")
    return running_sandbox


@pytest.fixture(scope="session")
def whole_wechat_app(given_settings: settings.Settings, running_sandbox: Sandbox) -> Flask:
    here = replace(
        given_settings,
        wechat_app_id=APP_ID,
        wechat_app_secret=APP_SECRET,
        wechat_api_base=running_sandbox.url,
    )
    return wsgi.create_app(here)


@pytest.fixture
def wechat_app(whole_wechat_app: Flask, engine: Engine, sandbox: Sandbox) -> Iterator[Flask]:
    """The product with WeChat set up, on this test's database; a test may change its parts."""
    parts = whole_wechat_app.extensions["parts"]
    parts.redis.flushdb()
    client = WechatClient(
        APP_ID,
        APP_SECRET,
        shared=parts.redis,
        clock=clock.now,
        base_url=sandbox.url,
        read_timeout_s=READ_TIMEOUT_S,
        busy_pauses_s=(0.01, 0.01),
        places=Places(64),  # more than any crowd of the tests; how many there are is a test of its own
    )
    wechat = WechatMini(client)
    platforms = {**parts.platforms, wechat.name: wechat}
    whole_wechat_app.extensions["parts"] = replace(parts, wechat=client, platforms=platforms)
    yield whole_wechat_app
    whole_wechat_app.extensions["parts"] = parts
    client.close()


@pytest.fixture
def visitor(wechat_app: Flask) -> Visitor:
    return Visitor(wechat_app.test_client())


@pytest.fixture
def alice(visitor: Visitor, sandbox: Sandbox, engine: Engine) -> Phone:
    """A member who joined through WeChat."""
    return joined(visitor, sandbox, engine, "alice")


def joined(visitor: Visitor, sandbox: Sandbox, engine: Engine, user: str) -> Phone:
    answer = visitor.login(sandbox.login_code(user))
    assert answer.status_code == 200, answer.json
    with engine.connect() as connection:
        found = connection.exec_driver_sql(
            "SELECT id FROM members WHERE member_no = %s", (answer.json["member"]["member_no"],)
        )
        member_id = int(found.scalar_one())
    return Phone(member_id, answer.json["token"], visitor.client)


def change_policy(app: Flask, version: str) -> None:
    """From now on this text holds (until the test's end)."""
    parts = app.extensions["parts"]
    app.extensions["parts"] = replace(
        parts,
        terms=replace(parts.terms, policy_version=version),
        settings=replace(parts.settings, policy_version=version),
    )


def init_data(bot_token: str, *, user_id: int = 42, auth_date: int | None = None, **more: str) -> str:
    """What a Telegram Mini App hands over, signed as Telegram does."""
    pairs = {
        "auth_date": str(int(clock.now().timestamp()) if auth_date is None else auth_date),
        "query_id": uuid.uuid4().hex,
        "user": json.dumps({"id": user_id, "first_name": "Li Lei"}),
        **more,
    }
    key = hmac.digest(b"WebAppData", bot_token.encode(), hashlib.sha256)
    signed = "\n".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    return urlencode({**pairs, "hash": hmac.new(key, signed.encode(), hashlib.sha256).hexdigest()})


def all_at_once(jobs: Sequence[Callable[[], T]]) -> list[T]:
    """Run every job in a thread of its own, all from the same moment; what they returned, in order."""
    return race(len(jobs), lambda number: jobs[number]())
