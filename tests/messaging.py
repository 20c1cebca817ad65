"""The product with WeChat set up, served over HTTP, and a stand-in WeChat that it sends to and that calls it back."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import Engine, insert, text

import wsgi
from app import clock, db, settings, work
from app.facts.tell import tell
from app.identity.models import MemberIdentity
from app.identity.sessions import open_session
from app.ids import new_id
from app.members.join import join
from app.messages.consent import add
from app.messages.models import Message
from app.parts import Parts, assemble
from tests.conftest import ROOT, key, serving
from tests.databases import Database
from tests.shop import Phone, Shop
from wechat_sandbox.process import start

APP_ID, SECRET = "wx0f1e2d3c4b5a6978", "the-secret-of-the-message-tests"
TOKEN, AES_KEY = "push-token-of-the-tests", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
RECEIPT, OTHER = "receipt-template-of-the-tests", "another-template-of-the-tests"
SEND = "/cgi-bin/message/subscribe/send"
_KEYS = ("thing1", "amount2", "number3", "time4")
CONFIG: dict[str, Any] = {
    "app_id": APP_ID,
    "secret": SECRET,
    "templates": [
        {"id": RECEIPT, "title": "消费通知", "fields": [{"key": key} for key in _KEYS]},
        {"id": OTHER, "title": "活动通知", "fields": [{"key": "thing1"}]},
    ],
    "pages": ["pages/points/index"],
    "unionid_bound": True,
    "official": {
        "app_id": "wx-official-of-the-tests",
        "secret": "the-secret-of-the-official-account",
        "templates": [
            {"id": "OFFICIAL", "title": "到账通知", "fields": [{"key": "thing1"}, {"key": "amount2"}]}
        ],
    },
}
#: What a worker has done about who joined, but for the message: what tests count is what they have told.
_WELCOMED = text(
    "UPDATE facts SET handled_at = created_at WHERE kind = 'member_joined' AND handled_at IS NULL"
)


class WeChat:
    """The stand-in's control plane."""

    def __init__(self, url: str, http: requests.Session) -> None:
        self.url = url
        self._http = http

    def tell(self, path: str, method: str = "POST", **body: Any) -> Any:
        answer = self._http.request(method, f"{self.url}/_sim/{path}", json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def openid(self, user: str) -> str:
        return str(self.tell("users", user=user)["users"][0]["openid"])

    def accept(self, user: str, outcome: str = "accept") -> None:
        """The person is asked on their phone, and the event has been answered."""
        self.tell("subscribe", user=user, results={RECEIPT: outcome})
        self.drain()

    def drain(self) -> None:
        assert self.tell("notify/drain")["drained"]

    def answers(self) -> list[int | str]:
        """What became of the last push, one answer per try."""
        return list(self.tell("notifications", "GET")["notifications"][-1]["answers"])

    def received(self, user: str) -> list[dict[str, Any]]:
        return list(self.tell(f"inbox/{user}", "GET")["messages"])

    def counts(self) -> dict[str, int]:
        """How many messages are on each phone."""
        return {one["openid"]: one["messages"] for one in self.tell("users", "GET")["users"]}

    def fault(self, action: str, openid: str | None = None, **more: Any) -> None:
        match = {"path": SEND, **({"openid": openid} if openid else {})}
        order = {name: more.pop(name) for name in ("moment", "count") if name in more}
        self.tell("faults", match=match, action={"type": action, **more}, **order)

    def heal(self) -> None:
        self.tell("faults", "DELETE")

    def send_answers(self) -> dict[str, int]:
        """How often each answer was given to a send: `0` is success."""
        return dict(self.tell("metrics", "GET")["answers"].get(SEND, {}))

    def calls(self) -> int:
        return int(self.tell("metrics", "GET")["calls"].get(SEND, 0))


@dataclass(frozen=True)
class Post:
    """A shop whose members are told by WeChat. `later` moves the time that relay and sending are told."""

    app: Flask
    shop: Shop
    wechat: WeChat
    engine: Engine
    parts: Parts
    url: str

    def person(self, user: str, *, language: str = "zh", credits: int = 0, app_id: str = APP_ID) -> Phone:
        """A member who joined in WeChat and was welcomed; `credits` are known to us and to WeChat."""
        now, openid = clock.now(), self.wechat.openid(user)
        with db.transaction() as session:
            member = join(session, policy_version="2026-01", source="wechat_mini", language=language, now=now)
            session.execute(
                insert(MemberIdentity).values(
                    member_id=member.id, provider="wechat_mini", app_id=app_id, subject=openid, created_at=now
                )
            )
            token, _ = open_session(session, member.id, lifetime_days=30, now=now)
            session.execute(_WELCOMED)
        phone = Phone(member.id, token, self.app.test_client())
        for _ in range(credits):
            self.wechat.tell("subscribe", user=user, results={RECEIPT: "accept"})
        self.wechat.drain()
        self.grant(phone, credits - self.credits(phone))
        return phone

    def crowd(self, people: int, *, credits: int) -> dict[int, str]:
        """Member ids and their openids, made in bulk on both sides; they have been welcomed."""
        made = self.wechat.tell("users", count=people, prefix="p", credits={RECEIPT: credits})["users"]
        found: dict[int, str] = {}
        now = clock.now()
        with db.transaction() as session:
            for one in made:
                member = join(session, policy_version="2026-01", source="wechat_mini", language="zh", now=now)
                session.execute(
                    insert(MemberIdentity).values(
                        member_id=member.id,
                        provider="wechat_mini",
                        app_id=APP_ID,
                        subject=one["openid"],
                        created_at=now,
                    )
                )
                add(session, member.id, RECEIPT, credits, cause="accepted", source=new_id(now), now=now)
                found[member.id] = one["openid"]
            session.execute(_WELCOMED)
        return found

    def grant(self, phone: Phone, credits: int) -> None:
        """Credits that only we know of."""
        if credits == 0:
            return
        now = clock.now()
        with db.transaction() as session:
            add(session, phone.member_id, RECEIPT, credits, cause="accepted", source=new_id(now), now=now)

    def credits(self, phone: Phone) -> int:
        found = self.rows(
            "SELECT credits FROM subscription_credits WHERE member_id = :id AND template_id = :template",
            id=phone.member_id,
            template=RECEIPT,
        )
        return int(found[0][0]) if found else 0

    def buy(self, phone: Phone, amount_fen: int = 12_000) -> dict[str, Any]:
        """Through scan and sale."""
        sale = self.shop.till.sell(self.shop.till.ticket(self.shop.code(phone)), amount_fen)
        assert sale.status_code == 201, sale.json
        return dict(sale.json)

    def facts(self, member_ids: list[int], *, each: int = 1) -> None:
        """As many sales as wanted, told without a till; the n-th one of all earned n points."""
        now, numbers = clock.now() - timedelta(seconds=10), itertools.count(1)
        with db.transaction() as session:
            for _ in range(each):
                for member_id in member_ids:
                    earned = next(numbers)
                    payload = {
                        "store_id": self.shop.store.id,
                        "amount_fen": earned * 100,
                        "points_earned": earned,
                        "points_after": earned,
                        "pending": 0,
                        "pending_from": None,
                    }
                    tell(
                        session,
                        "sale_completed",
                        subject=new_id(now),
                        member_id=member_id,
                        payload=payload,
                        now=now + timedelta(milliseconds=earned),
                    )

    def relay(self, later: timedelta = timedelta()) -> int:
        return work.tell_consumers(work.fact_relay(self.parts), clock.now() + later)

    def send(self, later: timedelta = timedelta()) -> int:
        return work.send_messages(self.parts, lambda: clock.now() + later)

    def relay_and_send(self) -> None:
        self.relay()
        self.send()

    def reclaim(self, later: timedelta) -> int:
        return work.reclaim(clock.now() + later)

    def messages(self) -> list[dict[str, Any]]:
        """Every message, oldest first."""
        with self.engine.connect() as connection:
            found = connection.execute(text("SELECT * FROM messages ORDER BY created_at, id"))
            return [dict(row) for row in found.mappings()]

    def planned(
        self, member_id: int, channel: str, content: dict[str, Any], *, kind: str = "feedback_answered"
    ) -> str:
        """A message that is due now; `content` is what it says by its channel."""
        now = clock.now() - timedelta(seconds=1)
        message_id = new_id(now)
        with db.transaction() as session:
            session.execute(
                insert(Message).values(
                    id=message_id,
                    member_id=member_id,
                    kind=kind,
                    category="service",
                    channel=channel,
                    dedupe_key=message_id,
                    params={"language": "zh", **content},
                    due_at=now,
                    created_at=now,
                )
            )
        return message_id

    def rows(self, question: str, **arguments: object) -> list[tuple[Any, ...]]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(question), arguments)]

    def inbox(self, phone: Phone, **options: Any) -> list[dict[str, Any]]:
        answer = phone.get("/me/messages", **options)
        assert answer.status_code == 200, answer.json
        return list(answer.json["items"])

    def due_at(self) -> datetime:
        [(due_at,)] = self.rows("SELECT due_at FROM messages")
        assert isinstance(due_at, datetime)
        return due_at


def reckoned_up(post: Post) -> dict[str, int]:
    """How many messages are in which state; none may be lost: an end state, and inbox where WeChat has none."""
    lost = post.rows("""
        SELECT m.id, m.state FROM messages m LEFT JOIN inbox_items i ON i.message_id = m.id
        WHERE m.state NOT IN ('sent', 'failed', 'unknown')
        OR (i.id IS NULL) <> (m.state = 'sent' AND m.channel = 'wechat_subscribe')""")
    assert lost == []
    assert post.rows("SELECT id FROM facts WHERE handled_at IS NULL") == []
    assert post.rows("SELECT message_id FROM message_attempts WHERE outcome IS NULL") == []
    assert (
        post.rows("""
        SELECT c.member_id FROM subscription_credits c
        JOIN (SELECT member_id, template_id, sum(change) AS total FROM subscription_changes GROUP BY 1, 2) x
            USING (member_id, template_id) WHERE c.credits <> x.total""")
        == []
    )
    return {str(state): int(n) for state, n in post.rows("SELECT state, count(*) FROM messages GROUP BY 1")}


@pytest.fixture(scope="session")
def wechat_process() -> Iterator[str]:
    with start(CONFIG) as url:
        yield url


@pytest.fixture(scope="session")
def post_settings(given_settings: settings.Settings, wechat_process: str) -> settings.Settings:
    return replace(
        given_settings,
        wechat_app_id=APP_ID,
        wechat_app_secret=SECRET,
        wechat_api_base=wechat_process,
        wechat_callback_token=TOKEN,
        wechat_callback_aes_key=AES_KEY,
        wechat_receipt_template=RECEIPT,
    )


@pytest.fixture(scope="session")
def post_app(post_settings: settings.Settings) -> Flask:
    return wsgi.create_app(post_settings)


@pytest.fixture(scope="session")
def served(post_app: Flask) -> Iterator[str]:
    """The product's address, for WeChat to call back."""
    with serving(post_app) as url:
        yield url


@pytest.fixture
def wechat(wechat_process: str, served: str) -> Iterator[WeChat]:
    with requests.Session() as http:
        http.trust_env = False
        wechat = WeChat(wechat_process, http)
        wechat.tell("reset")
        wechat.tell("callback", "PUT", **callback(served))
        yield wechat
        wechat.heal()
        wechat.drain()


def callback(served: str, **changed: Any) -> dict[str, Any]:
    """Where WeChat calls; of what was sent it tells only when a test wants to hear it."""
    events = ["popup", "change"]
    return {
        "url": f"{served}/callbacks/wechat",
        "token": TOKEN,
        "aes_key": AES_KEY,
        "events": events,
        **changed,
    }


@pytest.fixture
def post_shop(post_app: Flask, database: Database, unaudited_engine: Engine) -> Shop:
    assert unaudited_engine is db.engine()
    return database.remembered("post_shop", lambda: Shop(post_app), Shop.again)


@pytest.fixture
def post(
    post_shop: Shop, post_settings: settings.Settings, served: str, wechat: WeChat, engine: Engine
) -> Post:
    return _post(post_shop, post_settings, served, wechat, engine)


@pytest.fixture
def unaudited_post(
    post_shop: Shop, post_settings: settings.Settings, served: str, wechat: WeChat, unaudited_engine: Engine
) -> Post:
    """For tests that take a guard away."""
    return _post(post_shop, post_settings, served, wechat, unaudited_engine)


def _post(shop: Shop, here: settings.Settings, served: str, wechat: WeChat, engine: Engine) -> Post:
    # Anew for each test: the WeChat client remembers its token, and pauses after a refusal.
    parts = assembled(here)
    shop.app.extensions["parts"] = parts
    return Post(shop.app, shop, wechat, engine, parts, served)


def assembled(here: settings.Settings) -> Parts:
    """The parts, with no token and no counter left from others."""
    parts = assemble(here)
    assert parts.redis is not None
    parts.redis.flushdb()
    return parts


def with_settings(post: Post, **changed: Any) -> Post:
    """The same shop after an operator changed settings."""
    return replace(post, parts=assembled(replace(post.parts.settings, **changed)))


@contextmanager
def worker(post: Post) -> Iterator[subprocess.Popen[str]]:
    """A real worker, as operators start it, ready; killed at the end unless it has ended."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "worker"],
        env={**os.environ, **environment(post)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "worker ready\n"
        yield process
    finally:
        process.kill()
        process.communicate(timeout=60)


def environment(post: Post) -> dict[str, str]:
    """The settings of these tests, as a process of its own reads them."""
    here = post.parts.settings
    return {
        "DATABASE_URL": post.engine.url.render_as_string(hide_password=False),
        "REDIS_URL": here.redis_url or "",
        "SESSION_KEY": key("s"),
        "CODE_KEYS": f"1:{key('c')}",
        "PHONE_KEYS": f"a:{key('p')}",
        "PHONE_INDEX_KEY": key("i"),
        "POLICY_VERSION": here.policy_version,
        "LOG_LEVEL": "warning",
        "WECHAT_APP_ID": APP_ID,
        "WECHAT_APP_SECRET": SECRET,
        "WECHAT_API_BASE": here.wechat_api_base,
        "WECHAT_RECEIPT_TEMPLATE": RECEIPT,
    }


def until(reached: Callable[[], bool], *, within_s: float = 60) -> None:
    """Wait for something another process does."""
    give_up_at = time.monotonic() + within_s
    while not reached():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.02)
