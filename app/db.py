"""The database: engine, naming of constraints, the column type for instants, and the one place that commits.

flask-sqlalchemy supplies the engine and the metadata. Its `db.session` and `db.Model` are not used: they hang on an
app context, which jobs and rules do not have.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, cast

import psycopg
from flask_sqlalchemy import SQLAlchemy
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, Table, TypeDecorator
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolExhausted
from sqlalchemy.orm import DeclarativeBase, Session

from app.errors import Conflict, Unavailable

LOCK_TIMEOUT_MS = 3_000
STATEMENT_TIMEOUT_MS = 10_000


class Busy(Conflict):
    """Somebody else holds what this request needs, for longer than it may wait. Safe to repeat with the same key."""

    code = "busy"


class DatabaseAway(Unavailable):
    code = "database_unavailable"


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UTCDateTime(TypeDecorator[datetime]):
    """An instant: aware on the way in, UTC on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("an instant without a time zone")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)


db = SQLAlchemy(metadata=Base.metadata)
_engine: Engine | None = None
_reading_engine: Engine | None = None
_inside: ContextVar[bool] = ContextVar("inside_transaction", default=False)


def engine_options(pool_size: int) -> dict[str, Any]:
    """What every connection promises: bounded waits, UTC, and a pool no larger than the threads that use it."""
    bounds = (
        f"-c lock_timeout={LOCK_TIMEOUT_MS} -c statement_timeout={STATEMENT_TIMEOUT_MS}"
        " -c idle_in_transaction_session_timeout=15000 -c timezone=UTC"
    )
    return {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": 3,
        "pool_recycle": 1800,
        # Most questions are one statement; whoever asks `engine()` or `transaction()` gets, and pays for, the switch.
        "isolation_level": "AUTOCOMMIT",
        "hide_parameters": True,  # what a statement was given is a person's, wherever its error is printed
        "connect_args": {"options": bounds, "connect_timeout": 3},
    }


def bind(engine: Engine) -> None:
    """Tell the business which engine to use; wsgi.py calls it once."""
    global _engine, _reading_engine
    # Said for both, whatever the engine itself was made with: one that commits by itself would tear a use case apart.
    _engine = engine.execution_options(isolation_level="READ COMMITTED")
    _reading_engine = engine.execution_options(isolation_level="AUTOCOMMIT")


def engine() -> Engine:
    """The bound engine; its connections begin a transaction with their first statement, as usual."""
    if _engine is None:
        raise RuntimeError("bind() was not called")
    return _engine


@contextmanager
def transaction() -> Iterator[Session]:
    """One use case, all or nothing: commits at the end, rolls back on any exception.

    Refuses to nest: a verb below the stories takes the session it is given. Raises `Busy` when a lock was not to be
    had in time or two transactions blocked each other, `DatabaseAway` when the server is gone.
    """
    if _inside.get():
        raise RuntimeError("a transaction is open already: take its session as an argument")
    token = _inside.set(True)
    try:
        with translated(), Session(engine(), expire_on_commit=False) as session, session.begin():
            yield session
    finally:
        _inside.reset(token)


@contextmanager
def reading() -> Iterator[Connection]:
    """A connection for questions of one statement: no BEGIN, no COMMIT, so a single trip to the server."""
    if _reading_engine is None:
        raise RuntimeError("bind() was not called")
    with translated(), _reading_engine.connect() as connection:
        yield connection


@contextmanager
def statements() -> Iterator[psycopg.Connection[Any]]:
    """The driver's own connection, on which each statement is a transaction: for `ask`, where every trip counts.

    A use case may write through it if its whole effect is one statement. Raises as `transaction`; refuses to stand
    inside one, which would need a second connection of the pool while it keeps the first.
    """
    if _inside.get():
        raise RuntimeError("a transaction is open: its session sees what this connection would not")
    with translated():
        pooled = engine().raw_connection()
        driver = pooled.driver_connection
        assert isinstance(driver, psycopg.Connection)
        try:
            if not driver.autocommit:
                driver.autocommit = True
            yield driver
        except psycopg.Error as error:
            if driver.closed:
                pooled.invalidate(error)
            raise
        finally:
            pooled.close()


def ask(
    connection: psycopg.Connection[Any] | Session | Connection, question: str, values: Mapping[str, object]
) -> list[Any]:
    """Run one statement on the driver itself and return its rows as named tuples; placeholders are `%(name)s`.

    For the few statements every till and phone waits for: SQLAlchemy's own way to the driver costs more CPU than
    they do (docs/performance.md). Everything else goes through SQLAlchemy.
    """
    if isinstance(connection, Session):
        connection = connection.connection()
    if isinstance(connection, Connection):
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        connection = driver
    kept = vars(connection)
    cursor = kept.get(_CURSOR)
    if cursor is None:
        cursor = kept[_CURSOR] = connection.cursor(row_factory=namedtuple_row)
    cursor.execute(question, values)
    result = cursor.pgresult
    # Not `cursor.description`: it describes every column anew for each statement.
    if result is None or not result.nfields:
        return []
    if result.ntuples > _MOST_KEPT:
        del kept[_CURSOR]
    rows: list[Any] = cursor.fetchall()
    return rows


# A connection keeps the cursor it is asked by: a new one would look up each type anew, a third of what asking costs.
# Not after a large answer, which would stay in memory with it.
_CURSOR, _MOST_KEPT = "asked_by", 100


def into(model: type[Base]) -> Insert:
    """An INSERT into its table; the row, or rows, are handed to `execute`. The ORM's own takes five times as long."""
    return insert(cast(Table, model.__table__))


def is_lost(error: Exception) -> bool:
    """Whether the connection broke under it: no fault of what was being done."""
    return isinstance(error, DBAPIError) and error.connection_invalidated


@contextmanager
def translated() -> Iterator[None]:
    """Turn what the driver says about locks and lost servers into the business's words."""
    try:
        yield
    except PoolExhausted as error:
        raise DatabaseAway(retry_after_s=1) from error
    except DBAPIError as error:
        _translate(error.orig, error)
        if error.connection_invalidated:
            raise DatabaseAway(retry_after_s=2) from error
        raise
    except psycopg.Error as error:
        _translate(error, error)
        raise


def _translate(cause: object, error: Exception) -> None:
    """Raise the business's word for what the driver said, if there is one."""
    if isinstance(
        cause,
        psycopg.errors.LockNotAvailable
        | psycopg.errors.DeadlockDetected
        | psycopg.errors.SerializationFailure
        | psycopg.errors.QueryCanceled,
    ):
        raise Busy(retry_after_s=1) from error
    if isinstance(cause, psycopg.OperationalError) and cause.sqlstate in _AWAY:
        if cause.sqlstate != _NO_ROOM:
            # The other connections of the pool are most likely dead as well: begin with new ones.
            engine().dispose(close=False)
        raise DatabaseAway(retry_after_s=2) from error


# No SQLSTATE: the connection never came up or broke; the others: shutting down, starting, too many connections.
_NO_ROOM = "53300"
_AWAY = {None, "57P01", "57P02", "57P03", _NO_ROOM, "08006", "08001", "08000", "08003"}
