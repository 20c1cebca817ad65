"""The demo's database: filled beside its final name and renamed when done, so that a half-filled one never counts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine, create_engine, text

from app import db, models
from commands.db import upgrade
from embedded.postgres import RunningPostgres

T = TypeVar("T")

NAME, HALF_MADE = "member_center", "member_center_half_made"
_POOL_SIZE = 2


def exists(server: RunningPostgres) -> bool:
    with _administration(server) as connection:
        question = text("SELECT count(*) FROM pg_database WHERE datname = :name")
        return bool(connection.execute(question, {"name": NAME}).scalar_one())


def migrate(server: RunningPostgres) -> None:
    """Bring the data of an earlier version to this one."""
    with _bound(server, NAME) as engine:
        upgrade(engine)


def make(server: RunningPostgres, fill: Callable[[str], T]) -> T:
    """Make the database; `fill` gets the URL of the migrated, still nameless one, with the business bound to it."""
    assert models  # the mappers must know every table before the first statement
    with _administration(server) as connection:
        connection.execute(text(f"DROP DATABASE IF EXISTS {HALF_MADE} WITH (FORCE)"))
        connection.execute(text(f"CREATE DATABASE {HALF_MADE}"))
    with _bound(server, HALF_MADE) as engine:
        upgrade(engine)
        filled = fill(server.url(HALF_MADE))
    with _administration(server) as connection:
        connection.execute(text(f"ALTER DATABASE {HALF_MADE} RENAME TO {NAME}"))
    return filled


@contextmanager
def _bound(server: RunningPostgres, name: str) -> Iterator[Engine]:
    options = db.engine_options(_POOL_SIZE)
    # Nothing is lost: until the renaming, which is written through, all of it may be lost together.
    options["connect_args"]["options"] += " -c synchronous_commit=off"
    engine = create_engine(server.url(name), **options)
    db.bind(engine)
    try:
        yield db.engine()
    finally:
        engine.dispose()


@contextmanager
def _administration(server: RunningPostgres) -> Iterator[Connection]:
    engine = create_engine(server.url(), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()
