"""`flask --app wsgi db …`: bring the database to the schema this version needs."""

from functools import lru_cache
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask.cli import AppGroup
from sqlalchemy import Connection, Engine, text

from app import db

MIGRATIONS = Path(__file__).resolve().parent.parent / "migrations"
group = AppGroup("db", help="Migrations.")


def config(connection: Connection | None = None) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.attributes["connection"] = connection
    return settings


@lru_cache(maxsize=1)
def _revisions() -> tuple[str, ...]:
    """All revisions that this version of the code brings, latest first."""
    return tuple(step.revision for step in ScriptDirectory.from_config(config()).walk_revisions())


def head() -> str:
    """The revision this version of the code needs."""
    return _revisions()[0]


def current(connection: Connection) -> str | None:
    """The revision the database is at."""
    return MigrationContext.configure(connection).get_current_revision()


def state(connection: Connection) -> str:
    """`ok`, `behind`, or `ahead`: migrated for a later version while this one still serves, as in a rolling upgrade."""
    at = current(connection)
    if at == head():
        return "ok"
    return "behind" if at is None or at in _revisions() else "ahead"


def upgrade(engine: Engine, target: str = "head") -> None:
    """Apply what is missing. Gives way after a second of waiting for a lock instead of stopping the shop."""
    with engine.connect() as connection:
        connection.execute(text("SET lock_timeout = '1s'"))
        connection.execute(text("SET statement_timeout = 0"))
        connection.commit()
        command.upgrade(config(connection), target)
        connection.execute(text("RESET lock_timeout"))
        connection.execute(text("RESET statement_timeout"))


@group.command("upgrade")
def upgrade_command() -> None:
    """Apply all migrations that are missing."""
    upgrade(db.engine())
    click.echo(f"database is at {head()}")


@group.command("current")
def current_command() -> None:
    """Print the database's revision and the one this version needs."""
    with db.reading() as connection:
        click.echo(f"database: {current(connection) or 'empty'}\ncode: {head()}")
