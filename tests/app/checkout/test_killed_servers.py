"""kill -9 under load: what was acknowledged is there once, what is unknown is settled by asking again."""

import itertools
import os
import queue
import shutil
import signal
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
import urllib3
from sqlalchemy import create_engine

import wsgi
from app import clock, db, settings
from app.ledger.check import differences
from commands.db import upgrade
from embedded import postgres
from embedded.postgres import RunningPostgres
from tests.app.checkout.production import Server, a_server
from tests.app.checkout.till_side import scan_at, till_of
from tests.conftest import ROOT, key, rows
from tests.shop import Shop

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]

CLIENTS = 8
MEMBERS, SCANS_EACH = 30, 20
#: What a till may be told while servers die: done, repeat, or come back later. A 500 would be a defect.
FORESEEN = {201, 409, 503}


@dataclass(frozen=True)
class Order:
    """A request as the till wrote it down before it sent it for the first time."""

    path: str
    key: str
    body: dict[str, object]


@dataclass
class Journal:
    """What the tills sent, and what they were told for certain."""

    sent: list[Order] = field(default_factory=list)
    told: dict[str, bytes] = field(default_factory=dict)
    statuses: Counter[int | str] = field(default_factory=Counter)


class Production:
    """A database, a shop in it, and the server before both."""

    def __init__(self, folder: Path, log: Path, redis_url: str, options: dict[str, str]) -> None:
        self.folder, self.options = folder, options
        self.postgres: RunningPostgres = postgres.start(folder, durable=True, options=options)
        self.url = self.postgres.url()
        environment = {
            "DATABASE_URL": self.url,
            "REDIS_URL": redis_url,
            "SESSION_KEY": key("s"),
            "CODE_KEYS": f"1:{key('c')}",
            "PHONE_KEYS": f"a:{key('p')}",
            "PHONE_INDEX_KEY": key("i"),
            "POLICY_VERSION": "2026-01",
            "LOG_LEVEL": "warning",
        }
        engine = create_engine(self.url)
        upgrade(engine)
        engine.dispose()
        app = wsgi.create_app(settings.load(environment))
        self.shop = Shop(app)
        self.server: Server = a_server(environment, log)

    def restart_postgres(self) -> None:
        """Immediate shutdown: nothing is finished, the next start replays the log."""
        assert self.postgres.process is not None
        os.kill(self.postgres.pid, signal.SIGQUIT)
        self.postgres.process.server.wait(30)
        self.postgres.stop()
        self.postgres = postgres.start(self.folder, durable=True, options=self.options)
        assert self.postgres.url() == self.url
        db.engine().dispose()

    def stop(self) -> None:
        self.server.stop()
        db.engine().dispose()
        self.postgres.stop()
        postgres.remove(self.folder)


Open = Callable[..., Production]


@pytest.fixture
def production(tmp_path: Path, redis_url: str) -> Iterator[Open]:
    opened: list[Production] = []
    folder = ROOT / "var" / f"killed-{uuid.uuid4().hex[:8]}"

    def open_it(**options: str) -> Production:
        opened.append(Production(folder, tmp_path / "granian.log", redis_url, options))
        return opened[0]

    yield open_it
    for one in opened:
        one.stop()
    shutil.rmtree(folder, ignore_errors=True)


def orders(shop: Shop) -> Iterator[Order]:
    """Sales with a ticket and scans, as long as tickets and codes last; then sales without."""
    till, now = till_of(shop.till), clock.now()
    phones = [shop.member() for _ in range(MEMBERS)]
    tickets = [
        scan_at(shop, till, shop.code(phone, at=at), at).ticket
        for at in (now - timedelta(seconds=30 * n) for n in range(5, 5 + SCANS_EACH))
        for phone in phones
    ]
    return _in_turn(tickets, [shop.code(shop.member(), steps=1) for _ in range(60)])


def _in_turn(tickets: list[str], codes: list[str]) -> Iterator[Order]:
    for number in itertools.count():
        if codes and number % 12 == 0:
            yield Order("/scans", uuid.uuid4().hex, {"code": codes.pop()})
        body: dict[str, object] = {"receipt_no": f"R-{number}", "amount_fen": 100 + number}
        yield Order("/sales", uuid.uuid4().hex, body | ({"ticket": tickets.pop()} if tickets else {}))


def send(http: urllib3.PoolManager, server: Server, till_key: str, order: Order) -> tuple[int | str, bytes]:
    headers = {"Authorization": f"Bearer {till_key}", "Idempotency-Key": order.key}
    try:
        answer = http.request(
            "POST", f"{server.address}/pos/v1{order.path}", json=order.body, headers=headers
        )
    except urllib3.exceptions.HTTPError:
        return "no answer", b""
    return answer.status, answer.data


def sell_while(here: Production, nemesis: Callable[[], None]) -> Journal:
    """Tills sell as fast as they can until `nemesis` has done its worst."""
    journal, over, ordered = Journal(), threading.Event(), orders(here.shop)
    waiting: queue.Queue[Order] = queue.Queue(CLIENTS)

    def sell() -> None:
        with urllib3.PoolManager(retries=False, timeout=60) as http:
            while not over.is_set():
                try:
                    order = waiting.get(timeout=0.2)
                except queue.Empty:
                    continue
                journal.sent.append(order)
                status, data = send(http, here.server, here.shop.till.key, order)
                journal.statuses[status] += 1
                if status == 201:
                    journal.told[order.key] = data
                else:
                    time.sleep(0.1)

    def supply() -> None:
        for order in ordered:
            while not over.is_set():
                try:
                    waiting.put(order, timeout=0.2)
                    break
                except queue.Full:
                    continue
            if over.is_set():
                return

    threads = [threading.Thread(target=target) for target in (supply, *[sell] * CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        nemesis()
    finally:
        over.set()
        for thread in threads:
            thread.join(60)
    return journal


def lost(journal: Journal) -> set[object]:
    """Receipt numbers of acknowledged sales that are not in the database."""
    kept = {row[0] for row in rows(db.engine(), "SELECT receipt_no FROM sales")}
    told = {
        order.body["receipt_no"]
        for order in journal.sent
        if order.key in journal.told and order.path == "/sales"
    }
    return told - kept


def assert_settled(here: Production, journal: Journal) -> None:
    """Nothing acknowledged is lost or doubled; every unknown becomes a fact when asked for again."""
    assert set(journal.statuses) <= FORESEEN | {"no answer"}, journal.statuses
    assert lost(journal) == set()
    with urllib3.PoolManager(retries=False, timeout=60) as http:
        for order in journal.sent:
            status, data = send(http, here.server, here.shop.till.key, order)
            if order.path == "/scans" and order.key not in journal.told and status == 410:
                continue  # it never came to be, and its code has ended since: nothing happened, and that is told
            assert status == 201, (order.path, status, data)
            assert journal.told.get(order.key, data) == data
    sales = [order for order in journal.sent if order.path == "/sales"]
    assert sorted(row[0] for row in rows(db.engine(), "SELECT receipt_no FROM sales")) == sorted(
        str(order.body["receipt_no"]) for order in sales
    )
    earned = sum(int(str(order.body["amount_fen"])) // 100 for order in sales if "ticket" in order.body)
    assert rows(db.engine(), "SELECT sum(balance) FROM ledger_accounts") == [(earned,)]
    with db.engine().connect() as connection:
        assert list(differences(connection)) == []


def test_killed_web_servers_lose_and_double_nothing(production: Open) -> None:
    here = production()
    here.server.start()

    def kill_often() -> None:
        for round_number in range(10):
            time.sleep(1.5)
            if round_number % 3 == 2:
                here.server.kill_all()
                here.server.start()
            else:
                here.server.kill_worker()
                here.server.wait_until_ready()
        time.sleep(1)

    journal = sell_while(here, kill_often)
    assert len(journal.told) >= 200
    assert len(journal.sent) > len(journal.told), (
        "no request was ever cut off: the load is too light to prove anything"
    )
    assert_settled(here, journal)


def kill_postgres(here: Production, times: int) -> Callable[[], None]:
    def kill_often() -> None:
        for _ in range(times):
            time.sleep(2)
            here.restart_postgres()
            here.server.wait_until_ready()

    return kill_often


def test_a_killed_database_loses_and_doubles_nothing(production: Open) -> None:
    here = production()
    here.server.start()
    journal = sell_while(here, kill_postgres(here, times=4))
    assert len(journal.told) >= 200
    assert journal.statuses[503] + journal.statuses["no answer"] > 0
    assert_settled(here, journal)


def test_a_database_that_acknowledges_before_it_writes_is_found_out(production: Open) -> None:
    here = production(synchronous_commit="off", wal_writer_delay="10s")
    here.server.start()
    journal = sell_while(here, kill_postgres(here, times=4))
    assert lost(journal)
