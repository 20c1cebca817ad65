"""Real PostgreSQL and Redis for every test that asks for them, and sound books after it.

`DATABASE_URL` (a superuser's) and `REDIS_URL` name servers to use; without them each test process starts its own. Each
test gets a database as the migrations left it (tests/databases.py), so that no test sees another's rows.
"""

import base64
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import Engine, create_engine, text
from werkzeug.serving import WSGIRequestHandler, make_server
from xdist.scheduler import LoadScopeScheduling

import wsgi
from app import db, parts, settings, throttle
from app.ledger.check import QUESTIONS
from app.staff import passwords
from commands.db import upgrade
from embedded import postgres, redis
from tests.actors import Actors
from tests.databases import Database, Databases
from tests.seeds import choose_profile
from tests.shop import Shop

#: Fixtures for whole folders of tests: what they start serves all of them.
pytest_plugins = ("tests.chat_apps", "tests.messaging", "tests.paying")

ROOT = Path(__file__).resolve().parent.parent
#: Plans do not depend on when a cleaner passed, and are not compiled: each is used a few times.
SERVER_OPTIONS = {"autovacuum": "off", "jit": "off"}
#: A machine on which much else is going on is slow, and not away: the product would give up sooner.
SLOW_S = 30
_PATIENT = "".join(
    f" -c {name}={seconds * 1_000}"
    for name, seconds in {
        "lock_timeout": SLOW_S,
        "statement_timeout": 2 * SLOW_S,
        "idle_in_transaction_session_timeout": 2 * SLOW_S,
    }.items()
)

#: Folders whose tests all go to one process, for what they start takes long to start.
TOGETHER = ("tests/demo/", "tests/miniprogram/")

# Before any module of tests takes its number of examples.
choose_profile()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file to each process; those of one demo and of one browser go together."""

    class Files(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return next((one for one in TOGETHER if nodeid.startswith(one)), nodeid.partition("::")[0])

    return Files(config, log)


def pytest_configure(config: pytest.Config) -> None:
    """Each worker reads the files of another share first: what one has compiled, the others find compiled."""
    here = getattr(config, "workerinput", None)
    if here and config.args == config.getini("testpaths"):
        files = sorted(str(file) for file in (ROOT / "tests").rglob("test_*.py"))
        begin = len(files) * int(here["workerid"].removeprefix("gw")) // here["workercount"]
        config.args = files[begin:] + files[:begin]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """In one order for all workers; what takes long comes first, else one would sit over it alone at the end.

    A page that a loaded machine draws late is looked at once more, and the summary says so; nothing else is.
    """

    def place(item: pytest.Item) -> tuple[bool, str]:
        short = item.get_closest_marker("timeout") is None and not item.nodeid.startswith(TOGETHER)
        return short, str(item.path)

    items.sort(key=place)
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(pytest.mark.flaky(reruns=1))


def key(letter: str) -> str:
    """32 bytes as a setting; made from a letter, spread out so that it passes for random."""
    return base64.b64encode(bytes((ord(letter) * 7 + i * 37) % 256 for i in range(32))).decode()


@pytest.fixture(scope="session", autouse=True)
def shipped_hasher() -> Iterator[PasswordHasher]:
    """The same password hash with parameters that cost next to nothing; gives the ones that are shipped."""
    shipped = passwords._hasher
    passwords._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield shipped
    passwords._hasher = shipped


@pytest.fixture(scope="session", autouse=True)
def patient_with_redis() -> Iterator[None]:
    """A Redis that answers late would count as away for seconds, with half the limits."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (parts, throttle):
            patch.setattr(module, "_REDIS_TIMEOUT_S", SLOW_S)
        yield


@pytest.fixture(scope="session")
def worker() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def server_url(worker: str) -> Iterator[str]:
    """A PostgreSQL server, as its superuser."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
        return
    folder = ROOT / "var" / f"test-postgres-{worker}"
    with postgres.start(folder, durable=False, options=SERVER_OPTIONS) as running:
        yield running.url()


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    if given := os.environ.get("REDIS_URL"):
        yield given
        return
    with redis.start() as running:
        yield running.url


@pytest.fixture(scope="session")
def databases(server_url: str, worker: str) -> Iterator[Databases]:
    """Migrated, empty databases, as many as are wanted."""
    with Databases(
        server_url, f"template_{worker}_{os.getpid()}", upgrade, QUESTIONS, engine_for=_engine_for
    ) as databases:
        yield databases


def _engine_for(url: str) -> Engine:
    options = db.engine_options(40)
    given = options["connect_args"]
    patient = {"options": given["options"] + _PATIENT, "connect_timeout": SLOW_S}
    return create_engine(url, **{**options, "pool_timeout": SLOW_S, "connect_args": given | patient})


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """A database of this test's own."""
    with databases.one() as database:
        yield database


@pytest.fixture
def database_url(database: Database) -> str:
    return database.url


@pytest.fixture
def unaudited_engine(database: Database) -> Engine:
    """The business is bound to this test's database, and nobody looks at its books afterwards.

    Only for tests that break the books, or take a guard away, to see that it is noticed.
    """
    db.bind(database.engine)
    return db.engine()


@pytest.fixture
def engine(unaudited_engine: Engine, database: Database) -> Iterator[Engine]:
    """The business is bound to this test's database; afterwards its books must be sound."""
    yield unaudited_engine
    assert database.differences() == []


@pytest.fixture
def impatient(database: Database) -> Iterator[None]:
    """For tests that wait until the product gives up a lock."""
    with database.impatient():
        yield


@pytest.fixture(scope="session")
def given_environment(server_url: str, redis_url: str) -> dict[str, str]:
    """What the product is told, also where it runs as a process of its own."""
    return {
        "DATABASE_URL": server_url,
        "REDIS_URL": redis_url,
        "SESSION_KEY": key("s"),
        "CODE_KEYS": f"1:{key('c')}",
        "PHONE_KEYS": f"a:{key('p')}",
        "PHONE_INDEX_KEY": key("i"),
        "POLICY_VERSION": "2026-01",
        "METRICS_TOKEN": "metrics-token-of-the-tests",
        "TELEGRAM_BOT_TOKEN": "123456789:AAtestTokenOfABotThatDoesNotExist00",
        "LOG_LEVEL": "warning",
    }


@pytest.fixture(scope="session")
def given_settings(given_environment: dict[str, str]) -> settings.Settings:
    return settings.load(given_environment)


@pytest.fixture(scope="session")
def whole_app(given_settings: settings.Settings) -> Flask:
    return wsgi.create_app(given_settings)


@pytest.fixture
def app(whole_app: Flask, engine: Engine) -> Flask:
    """The product, on this test's database and with no counter standing."""
    server = whole_app.extensions["parts"].redis
    server.flushdb()
    return whole_app


class _Quiet(WSGIRequestHandler):
    def log(self, *args: Any, **options: Any) -> None:
        """The tests look at answers, not at lines."""


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The app behind a real server on loopback; its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join(30)
        server.server_close()


@pytest.fixture(scope="session")
def site(whole_app: Flask) -> Iterator[str]:
    """One real server for all tests of the process: a browser may keep what it has loaded."""
    with serving(whole_app) as url:
        yield url


@pytest.fixture
def address(app: Flask, site: str) -> str:
    """The product's, behind a real server."""
    return site


@pytest.fixture
def shop(app: Flask, database: Database) -> Shop:
    """A store with a till, a rule of one point a yuan, and means to add people."""
    return database.remembered("shop", lambda: Shop(app), Shop.again)


@pytest.fixture
def actors(shop: Shop, database: Database) -> Actors:
    """Everybody who may knock at that shop."""
    return database.remembered("actors", lambda: Actors(shop), lambda known: known.again(shop))


def rows(engine: Engine, question: str, **arguments: object) -> list[tuple[object, ...]]:
    """What the database holds, for looking behind the answers."""
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(question), arguments)]
