"""What the benchmark stands on: a durable PostgreSQL and a Redis of its own, and settings with fresh secrets."""

import base64
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from sqlalchemy import create_engine, make_url

from app.settings import Settings, load
from bench.server import BLOCKING_THREADS, ROOT
from commands.db import upgrade
from embedded import postgres, redis

PRODUCT, PGBENCH = "member_center", "pgbench"
DATA = ROOT / "var" / "bench-postgres"


@dataclass(frozen=True, kw_only=True)
class Ground:
    database_url: str = field(repr=False)
    database_pid: int
    database_version: str
    environment: Mapping[str, str] = field(repr=False)
    settings: Settings = field(repr=False)

    def clear_up(self) -> None:
        """Do now what the last measurement left to the server: rows to vacuum, pages to write.

        Autovacuum and the checkpointer would do it some seconds later, at the expense of whatever is measured then.
        """
        plain = make_url(self.database_url).set(drivername="postgresql")
        for name in (PGBENCH, PRODUCT):
            address = plain.set(database=name).render_as_string(hide_password=False)
            with psycopg.connect(address, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")
        with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute("CHECKPOINT")


@contextmanager
def standing(folder: Path = DATA) -> Iterator[Ground]:
    """Empty servers and a migrated database for the length of the block; nothing of them stays."""
    postgres.remove(folder)
    try:
        with postgres.start(folder, durable=True) as server, redis.start() as cache:
            version = _create_databases(server.url())
            engine = create_engine(server.url(PRODUCT))
            upgrade(engine)
            engine.dispose()
            environment = _environment(server.url(PRODUCT), cache.url)
            yield Ground(
                database_url=server.url(PRODUCT),
                database_pid=server.pid,
                database_version=version,
                environment=environment,
                settings=load(environment),
            )
    finally:
        postgres.remove(folder)


def _create_databases(url: str) -> str:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        for name in (PRODUCT, PGBENCH):
            connection.execute(f"CREATE DATABASE {name}".encode())
        return str(connection.info.parameter_status("server_version"))


def _environment(database_url: str, redis_url: str) -> dict[str, str]:
    def key() -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        # One connection for each thread: with fewer, threads would wait for each other and not for the database.
        "DB_POOL_SIZE": str(BLOCKING_THREADS),
        "SESSION_KEY": key(),
        "CODE_KEYS": f"1:{key()}",
        "PHONE_KEYS": f"a:{key()}",
        "PHONE_INDEX_KEY": key(),
        "POLICY_VERSION": "2026-01",
        "TELEGRAM_BOT_TOKEN": f"123456789:{secrets.token_hex(18)}",
    }
