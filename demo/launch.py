"""Starts everything in order, watches over it, and stops everything."""

import shlex
import signal
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import FrameType

from app import settings
from app.clock import now
from app.parts import assemble
from demo import children, configuration, database, keys, seed, services
from demo.chain import WALK_TILL
from demo.children import Child
from demo.errors import DemoError
from demo.folder import write_private
from demo.keys import Keys
from demo.places import Places, table
from demo.wanted import Wanted
from demo.wechat import Sandbox
from embedded import postgres, redis
from embedded.errors import ServerNotFound
from embedded.postgres import RunningPostgres
from embedded.redis import RunningRedis

_WATCH_EVERY_S = 0.3
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stop(BaseException):
    """Ctrl-C, or a polite kill. Not an `Exception`: nothing on the way may swallow it."""


def run(wanted: Wanted) -> None:
    """Run the demo until it is stopped; needs the folder held. Raises `DemoError`, `EmbeddedError`, `SettingsError`."""
    with ExitStack() as running:
        for number in _SIGNALS:
            signal.signal(number, _stop)
        try:
            _start_and_watch(wanted, running)
        except Stop:
            _say("\n正在停止 Stopping …")
        finally:
            _ignore_signals()


def _stop(_number: int, _frame: FrameType | None) -> None:
    _ignore_signals()  # stopping takes bounded time and must not itself be cut short
    raise Stop


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _start_and_watch(wanted: Wanted, running: ExitStack) -> None:
    known = keys.load_or_make(wanted.folder)
    sandbox = services.sandbox(wanted, known)  # gets ready while the database starts
    running.callback(children.end_all, [sandbox])
    server = running.enter_context(postgres.start(wanted.folder.postgres))
    cache = _redis(running)
    children.wait_until_ready(sandbox)
    environment = configuration.product(
        known,
        database_url=server.url(database.NAME),
        redis_url=None if cache is None else cache.url,
        sandbox_url=wanted.sandbox_url,
        app_url=wanted.app_url,
        pay_keys=Sandbox(wanted.sandbox_url).pay_keys(),
        mail_port=Sandbox(wanted.sandbox_url).mail_port(),
    )
    known = _prepare(wanted, server, known, environment)
    product = [services.web(wanted, environment), services.worker(wanted, environment)]
    running.callback(children.end_all, product)
    for child in product:
        children.wait_until_ready(child)
    _tell(wanted, known, environment, with_redis=cache is not None)
    _watch([sandbox, *product], server, cache)


def _redis(running: ExitStack) -> RunningRedis | None:
    """A Redis server if a program is at hand; nothing is installed for it, since the product does without."""
    for source in ("machine", "wheel"):
        try:
            return running.enter_context(redis.start(source="machine" if source == "machine" else "wheel"))
        except ServerNotFound:
            continue
    return None


def _prepare(wanted: Wanted, server: RunningPostgres, known: Keys, environment: Mapping[str, str]) -> Keys:
    """Make and fill the database, or bring the one of an earlier start up to date."""
    if not database.exists(server):
        _say("正在生成门店、会员和销售记录…… Making up shops, members and sales …")
        return database.make(server, lambda url: _fill(wanted, known, {**environment, "DATABASE_URL": url}))
    if WALK_TILL not in known.till_keys:
        raise DemoError(
            f"the data are there, but {wanted.folder.secrets} was lost; start over with: make demo-reset",
            f"数据还在，但 {wanted.folder.secrets} 已丢失；请运行 make demo-reset 重新开始",
        )
    database.migrate(server)
    return known


def _fill(wanted: Wanted, known: Keys, environment: Mapping[str, str]) -> Keys:
    sandbox = Sandbox(wanted.sandbox_url)
    parts = assemble(settings.load(environment))
    till_keys = seed.fill(parts, sandbox, members=wanted.members, password=known.password, now=now())
    sandbox.forget()
    filled = keys.with_till_keys(known, till_keys)
    # Before the database gets its name: data without their keys could not be used.
    keys.save(wanted.folder, filled)
    return filled


def _tell(wanted: Wanted, known: Keys, environment: Mapping[str, str], *, with_redis: bool) -> None:
    """Print where things are, and write it down for the curl walk and for a second launcher."""
    places = Places(
        app=wanted.app_url,
        sandbox=wanted.sandbox_url,
        redis=with_redis,
        folder=_shown(wanted.folder.path),
        till=WALK_TILL,
        till_key=known.till_keys[WALK_TILL],
        password=known.password,
    )
    variables = {"API": places.app, "SANDBOX": places.sandbox, "TILL_KEY": places.till_key}
    lines = [f"{name}={shlex.quote(value)}\n" for name, value in variables.items()]
    write_private(wanted.folder.env, "".join(lines))
    wanted.folder.note_running(places, environment)
    _say(f"\n{table(places)}\n")


def _shown(path: Path) -> str:
    """As one would type it here."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _watch(started: list[Child], server: RunningPostgres, cache: RunningRedis | None) -> None:
    """Until a signal comes. Raises `DemoError` when something ends by itself that the product needs."""
    while True:
        for child in started:
            children.raise_if_ended(child)
        if server.process is not None and server.process.ended():
            raise DemoError("PostgreSQL ended by itself", "PostgreSQL 意外退出，其余进程随之停止")
        if cache is not None and cache.process.ended():
            _say("Redis 意外退出，没有它也照常运行 Redis ended by itself; all goes on without it")
            cache = None
        time.sleep(_WATCH_EVERY_S)


def _say(text: str) -> None:
    print(text, flush=True)
