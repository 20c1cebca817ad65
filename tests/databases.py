"""Databases for the tests of one process: each as the migrations left it, each under a name of its own.

Copying the template costs more than most tests do. So a database that comes back is emptied and handed out once more,
under a new name: a thread or process that outlived its test knows the old one, and finds nothing there. Whatever a
test changed besides rows (tables, triggers, statistics, rows of the migrations) is not repaired: that database is
thrown away, and so is one with a table so large that plans would depend on who was there before.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import psycopg
from sqlalchemy import Engine, create_engine, make_url

#: Below this, PostgreSQL plans for a table that was never analysed as if it had this many pages.
PAGES_WITHOUT_EFFECT = 10
#: Connections that were closed are gone within this; those that stay belong to nobody any more.
PATIENCE_S, PAUSE_S = 0.2, 0.002
GONE_WITHIN_S = 30

#: Notes every change of the schema, also with triggers off, and not when it was rolled back.
_WITNESS = """
    CREATE SCHEMA of_the_tests;
    CREATE TABLE of_the_tests.changes (tag text NOT NULL);
    CREATE FUNCTION of_the_tests.note() RETURNS event_trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO of_the_tests.changes VALUES (tg_tag); END $$;
    CREATE EVENT TRIGGER of_the_tests ON ddl_command_end EXECUTE FUNCTION of_the_tests.note();
    ALTER EVENT TRIGGER of_the_tests ENABLE ALWAYS;
"""
_TABLES = """
    SELECT format('%I.%I', n.nspname, c.relname), c.reltuples,
        pg_relation_size(c.oid) / current_setting('block_size')::int
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'of_the_tests') ORDER BY 1
"""
_SEQUENCES = "SELECT format('%I.%I', schemaname, sequencename), start_value, last_value FROM pg_sequences"


class Databases:
    """Databases on the server at `url`, all copied from `template`, which `migrate` fills once.

    `url` is a superuser's: nobody else may stop the triggers that keep books from being emptied.
    """

    def __init__(self, url: str, template: str, migrate: Callable[[Engine], None]) -> None:
        self._url, self._template = url, template
        self._numbers = itertools.count()
        self._clean: list[str] = []
        self._server = _connect(url)
        self._server.execute(f"CREATE DATABASE {template}".encode())
        engine = create_engine(_named(url, template))
        migrate(engine)
        engine.dispose()
        with _connect(_named(url, template)) as connection:
            connection.execute(_WITNESS)
            self._made = _Made(connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in (*self._clean, self._template):
            self._drop(name)
        self._server.close()

    @contextmanager
    def one(self) -> Iterator[str]:
        """The address of a database as the migrations left it, for one holder."""
        name = self._clean.pop() if self._clean else self._copy()
        try:
            yield _named(self._url, name)
        finally:
            self._take_back(name)

    def _copy(self) -> str:
        name = self._next_name()
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy".encode())
        return name

    def _take_back(self, name: str) -> None:
        self._see_everybody_off(name)
        new_name = self._next_name()
        self._server.execute(f"ALTER DATABASE {name} RENAME TO {new_name}".encode())
        with _connect(_named(self._url, new_name)) as connection:
            clean = self._made.restore(connection)
        if clean:
            self._clean.append(new_name)
        else:
            self._drop(new_name)

    def _see_everybody_off(self, name: str) -> None:
        """Wait for connections just closed, and end the others. The server itself would look only each 100 ms."""
        began = time.monotonic()
        question = "SELECT {} FROM pg_stat_activity WHERE datname = %s"
        while self._server.execute(question.format("pid").encode(), [name]).fetchall():
            waited_s = time.monotonic() - began
            assert waited_s < GONE_WITHIN_S, f"somebody is connected to {name}"
            if waited_s > PATIENCE_S:
                self._server.execute(question.format("pg_terminate_backend(pid)").encode(), [name])
            time.sleep(PAUSE_S)

    def _drop(self, name: str) -> None:
        self._server.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    def _next_name(self) -> str:
        return f"{self._template}_{next(self._numbers)}"


class _Made:
    """What the migrations made, and how to get back to it."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._tuples = {name: tuples for name, tuples, _ in connection.execute(_TABLES)}
        self._at = {name: at for name, _, at in connection.execute(_SEQUENCES)}
        filled = (name for name in self._tuples if connection.execute(_any_row(name)).fetchone())
        self._contents = {name: _content(connection, name) for name in filled}

    def restore(self, connection: psycopg.Connection[Any]) -> bool:
        """Empty what a test filled; False when there is more to it than that."""
        tables = connection.execute(_TABLES).fetchall()
        if (
            connection.execute(_any_row("of_the_tests.changes")).fetchone()
            or {name: tuples for name, tuples, _ in tables} != self._tuples
            or any(pages > PAGES_WITHOUT_EFFECT for _, _, pages in tables)
            or any(_content(connection, name) != rows for name, rows in self._contents.items())
        ):
            return False
        written = [name for name, _, pages in tables if pages and name not in self._contents]
        moved = [
            (name, start if self._at[name] is None else self._at[name], self._at[name] is not None)
            for name, start, at in connection.execute(_SEQUENCES)
            if at != self._at[name]
        ]
        steps = [f"DELETE FROM {name}" for name in written]
        steps += [f"SELECT setval('{name}', {at}, {called})" for name, at, called in moved]
        connection.execute(
            "; ".join(["BEGIN; SET LOCAL session_replication_role = replica", *steps, "COMMIT"])
        )
        return True


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _any_row(table: str) -> bytes:
    return f"SELECT true FROM {table} LIMIT 1".encode()


def _content(connection: psycopg.Connection[Any], table: str) -> list[Any]:
    return connection.execute(f"SELECT t::text FROM {table} t ORDER BY 1".encode()).fetchall()


def _connect(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)
