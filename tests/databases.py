"""Databases for the tests of one process: each as the migrations left it, each under a name of its own.

Copying the template costs more than most tests do, and so does connecting: a new connection knows no table yet. So a
database that comes back is emptied and handed out once more, with its connections. If anybody else is connected, or
something of the test goes on, it gets new ones and a new name: what outlived the test knows the old one, and finds
nothing there. Whatever a test changed besides rows (tables, triggers, statistics) is not
repaired: that database is thrown away.
"""

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self, TypeVar, cast

import psycopg
from psycopg import sql
from sqlalchemy import Engine, QueuePool, create_engine, event, make_url

T = TypeVar("T")
#: Connections that were closed are gone within this; those that stay belong to nobody any more.
PATIENCE_S, PAUSE_S = 0.2, 0.002
GONE_WITHIN_S = 30

#: Notes every change of the schema, also with triggers off, and not when it was rolled back.
_WITNESS = """
    CREATE SCHEMA of_the_tests;
    CREATE TABLE of_the_tests.changes (tag text NOT NULL);
    CREATE TABLE of_the_tests.made (name text NOT NULL, content text NOT NULL);
    CREATE TABLE of_the_tests.statistics (oid oid PRIMARY KEY, tuples real NOT NULL);
    CREATE FUNCTION of_the_tests.note() RETURNS event_trigger LANGUAGE plpgsql AS
        $$ BEGIN INSERT INTO of_the_tests.changes VALUES (tg_tag); END $$;
"""
_WATCH = """
    DELETE FROM of_the_tests.changes;
    CREATE EVENT TRIGGER of_the_tests ON ddl_command_end EXECUTE FUNCTION of_the_tests.note();
    ALTER EVENT TRIGGER of_the_tests ENABLE ALWAYS;
"""
_TABLES = b"""
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'of_the_tests') ORDER BY 1"""
_SEQUENCES = b"SELECT format('%I.%I', schemaname, sequencename), start_value, last_value FROM pg_sequences"
# Answers with the tables that have grown large, or with nothing when the schema or the statistics have changed.
_RESTORE = """
    CREATE FUNCTION of_the_tests.restore() RETURNS text[] LANGUAGE plpgsql AS $$
    DECLARE
        v_name text;
        v_large text[];
        v_at bigint;
        v_called boolean;
    BEGIN
        IF EXISTS (SELECT FROM of_the_tests.changes) OR EXISTS (
                SELECT FROM pg_class c JOIN of_the_tests.statistics s ON s.oid = c.oid
                WHERE c.reltuples <> s.tuples AND c.oid <> 'of_the_tests.statistics'::regclass) THEN
            RETURN NULL;
        END IF;
        v_large := ARRAY[]::text[];
        FOR v_name IN {filled} LOOP
            EXECUTE 'DELETE FROM ' || v_name;
            IF pg_relation_size(v_name::regclass) > 8 * 8192 THEN v_large := v_large || v_name; END IF;
        END LOOP;
        {steps}
        RETURN v_large;
    END $$;
"""
_FILLED = "SELECT '{table}' WHERE EXISTS (SELECT FROM {table})"
# What a question looks at, also through views.
_LOOKS_AT = """
    WITH RECURSIVE seen(oid) AS (
        VALUES (%s::regclass::oid)
        UNION SELECT d.refobjid FROM seen JOIN pg_rewrite r ON r.ev_class = seen.oid
            JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
            AND d.refclassid = 'pg_class'::regclass)
    SELECT format('%%I.%%I', n.nspname, c.relname) FROM seen JOIN pg_class c USING (oid)
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'r'"""
# Which questions have an answer. Where all tables are empty there is none, and asking costs more than looking.
_BROKEN = """
    CREATE FUNCTION of_the_tests.broken() RETURNS int[] LANGUAGE plpgsql AS $$
    DECLARE
        v_filled text[] := ARRAY({filled});
        v_broken int[] := ARRAY[]::int[];
    BEGIN
        {steps}
        RETURN v_broken;
    END $$;
"""
_ASK = """
        IF v_filled && {tables}::text[] THEN
            IF EXISTS ({question}) THEN v_broken := v_broken || {number}; END IF;
        END IF;"""
_KEPT = """
        IF (SELECT array_agg(t::text ORDER BY t::text) FROM {table} t) IS DISTINCT FROM (
                SELECT array_agg(m.content ORDER BY m.content) FROM of_the_tests.made m WHERE m.name = '{table}') THEN
            DELETE FROM {table};
            INSERT INTO {table} SELECT (m.content::{table}).* FROM of_the_tests.made m WHERE m.name = '{table}';
        END IF;"""
_SET_BACK = """
        SELECT last_value, is_called INTO v_at, v_called FROM {sequence};
        IF v_at <> {at} OR v_called <> {called} THEN PERFORM setval('{sequence}', {at}, {called}); END IF;"""
_WHERE = """
    CREATE FUNCTION of_the_tests.positions() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN {places}; END $$;
"""
_POSITIONS = b"SELECT of_the_tests.positions()"
#: Everybody else who is connected, what they are doing, and whether they hold locks that outlive a transaction.
_PRESENT = b"""
    SELECT a.pid, a.state, EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory')
    FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() AND a.pid <> %s"""


class Database:
    """A database with the engine of whoever holds it, a connection that asks questions and one that keeps it clean.

    All outlive the test: a server that begins anew for each connection would do little else. There are two because
    triggers are off for the second, and each change of that makes a server forget all its plans.
    """

    def __init__(
        self,
        name: str,
        url: str,
        engine_for: Callable[[str], Engine],
        questions: Mapping[str, str],
        memories: dict[str, "_Memory"],
    ) -> None:
        self.name, self.url, self._questions, self._memories = name, url, questions, memories
        self.engine = engine_for(url)
        self.watcher, self.keeper = _connect(url), _connect(url)
        self.keeper.execute(b"SET session_replication_role = replica")
        self._opened: dict[int, psycopg.Connection[Any]] = {}
        event.listen(self.engine, "connect", self._note)

    def _note(self, connection: psycopg.Connection[Any], _: object) -> None:
        self._opened[connection.info.backend_pid] = connection

    def remembered(self, what: str, build: Callable[[], T], again: Callable[[T], T]) -> T:
        """What `build` makes of the database as it is; the next ones get its rows without its work.

        `again` makes of the first answer one for this test. If the database is not as it was before the first time,
        for some other fixture came before, it is built as the first time.
        """
        before = self.keeper.execute(_POSITIONS).fetchall()
        memory = self._memories.get(what)
        if memory is None:
            contents = self._contents()
            built = build()
            self._memories[what] = _Memory(
                before, contents, self._contents(), self._sequences(), again(built)
            )
            return built
        if memory.before != before:
            return build()
        self.keeper.execute(memory.script)
        return cast("T", again(memory.built))

    def differences(self) -> list[tuple[object, ...]]:
        """What comes out of the questions to the books, with the question's name."""
        try:
            self.watcher.execute(b"SELECT")
        except psycopg.OperationalError:
            # The test cut every connection.
            self.watcher.close()
            self.watcher = _connect(self.url)
        [(broken,)] = self.watcher.execute(b"SELECT of_the_tests.broken()").fetchall()
        return [
            (promise, *row)
            for n, (promise, question) in enumerate(self._questions.items())
            if n in broken
            for row in self.watcher.execute(question.encode()).fetchall()
        ]

    @contextmanager
    def impatient(self) -> Iterator[None]:
        """Meanwhile whoever waits for a lock gives up after a fifth of a second, and not after seconds."""

        def hasten(connection: psycopg.Connection[Any], _: object = None) -> None:
            _say(connection, b"SET lock_timeout = '200ms'")

        for connection in self._opened.values():
            hasten(connection)
        event.listen(self.engine, "connect", hasten)
        try:
            yield
        finally:
            event.remove(self.engine, "connect", hasten)
            for connection in self._opened.values():
                _say(connection, b"RESET lock_timeout")

    def _contents(self) -> dict[str, str]:
        """All rows, as JSON by table."""
        question = "SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t::text), '[]')::text FROM {} t"
        return {
            name: self.keeper.execute(question.format(name).encode()).fetchall()[0][0]
            for (name,) in self.keeper.execute(_TABLES).fetchall()
        }

    def _sequences(self) -> dict[str, int]:
        return {
            name: last for name, _, last in self.keeper.execute(_SEQUENCES).fetchall() if last is not None
        }

    def is_left(self) -> bool:
        """Whether nobody but the engine is connected, and it has come to rest: then it may serve the next test."""
        pool = self.engine.pool
        assert isinstance(pool, QueuePool)
        began = time.monotonic()
        while True:
            found = self.keeper.execute(_PRESENT, [self.watcher.info.backend_pid]).fetchall()
            others = [pid for pid, _, _ in found if pid not in self._opened]
            if not others or time.monotonic() - began > PATIENCE_S:
                break
            time.sleep(PAUSE_S)
        return (
            not others
            and all(state == "idle" and not locks for _, state, locks in found)
            and pool.checkedout() == 0
            and pool.checkedin() == len(found)
        )

    def close(self) -> None:
        self.engine.dispose()
        # Also those that the product let go when it believed that the server had gone.
        for connection in self._opened.values():
            connection.close()
        self.watcher.close()
        self.keeper.close()


class _Memory:
    """What somebody built in a database, and how to put it into another one that is as that was `before`."""

    def __init__(
        self,
        before: list[Any],
        former: dict[str, str],
        contents: dict[str, str],
        sequences: dict[str, int],
        built: Any,
    ) -> None:
        self.before, self.built = before, built
        steps = []
        for name, rows in contents.items():
            if rows != former[name]:
                literal = sql.Literal(rows).as_bytes(None)
                steps.append(f"DELETE FROM {name}".encode())
                steps.append(
                    b"INSERT INTO %b SELECT * FROM jsonb_populate_recordset(NULL::%b, %b::jsonb)"
                    % (name.encode(), name.encode(), literal)
                )
        steps += [f"SELECT setval('{name}', {last})".encode() for name, last in sequences.items()]
        self.script = b";".join([b"BEGIN", *steps, b"COMMIT"])


class Databases:
    """Databases on the server at `url`, all copied from `template`, which `migrate` fills once.

    `questions` are to the books: each a query of one database, without a row as long as they are sound.
    `url` is a superuser's: nobody else may stop the triggers that keep books from being emptied.
    """

    def __init__(
        self,
        url: str,
        template: str,
        migrate: Callable[[Engine], None],
        questions: Mapping[str, str],
        engine_for: Callable[[str], Engine] = create_engine,
    ) -> None:
        self._url, self._template, self._engine_for, self._questions = url, template, engine_for, questions
        self._numbers = itertools.count()
        self._clean: list[Database] = []
        self._memories: dict[str, _Memory] = {}
        self._server = _connect(url)
        self._server.execute(f"CREATE DATABASE {template}".encode())
        engine = create_engine(_named(url, template))
        migrate(engine)
        engine.dispose()
        with _connect(_named(url, template)) as connection:
            connection.execute(_WITNESS)
            self._made = _Made(connection)
            _prepare_questions(connection, questions)
            connection.execute(_WATCH)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for database in self._clean:
            database.close()
        for name in (*(database.name for database in self._clean), self._template):
            self._drop(name)
        self._server.close()

    @contextmanager
    def one(self) -> Iterator[Database]:
        """A database as the migrations left it, for one holder."""
        database = self._clean.pop() if self._clean else self._copy()
        try:
            yield database
        finally:
            self._take_back(database)

    def _copy(self) -> Database:
        name = self._next_name()
        self._server.execute(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy".encode())
        return self._database(name)

    def _database(self, name: str) -> Database:
        return Database(name, _named(self._url, name), self._engine_for, self._questions, self._memories)

    def _take_back(self, database: Database) -> None:
        try:
            left = database.is_left()
        except psycopg.OperationalError:
            left = False
        if not left:
            database = self._renamed(database)
        if self._made.restore(database.keeper):
            self._clean.append(database)
        else:
            database.close()
            self._drop(database.name)

    def _renamed(self, database: Database) -> Database:
        """The same under another name, so that who is still about finds nothing there."""
        database.close()
        self._see_everybody_off(database.name)
        new_name = self._next_name()
        self._server.execute(f"ALTER DATABASE {database.name} RENAME TO {new_name}".encode())
        return self._database(new_name)

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
    """What the migrations made, and a function inside the template that gets every copy back to it.

    The function names each table and sequence, so that a connection plans it once and not for every test.
    """

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        tables = [name for (name,) in connection.execute(_TABLES)]
        filled = [
            name for name in tables if connection.execute(f"SELECT FROM {name} LIMIT 1".encode()).rowcount
        ]
        sequences = connection.execute(_SEQUENCES).fetchall()
        steps = [_KEPT.format(table=name) for name in filled]
        emptied = " UNION ALL ".join(_FILLED.format(table=name) for name in tables if name not in filled)
        for name, start, last in sequences:
            values = {"sequence": name, "at": start if last is None else last, "called": last is not None}
            steps.append(_SET_BACK.format(**values))
        for name in filled:
            connection.execute(
                f"INSERT INTO of_the_tests.made SELECT '{name}', t::text FROM {name} t ORDER BY 2".encode()
            )
        connection.execute(_RESTORE.format(filled=emptied, steps="".join(steps)).encode())
        places = " || ' ' || ".join(
            f"(SELECT last_value || is_called::text FROM {name})" for name, *_ in sequences
        )
        connection.execute(_WHERE.format(places=places).encode())
        connection.execute(
            b"INSERT INTO of_the_tests.statistics SELECT oid, reltuples FROM pg_class"
            b" WHERE relkind = 'r' AND oid > 16383"
        )
        # Else it would be read once for each table.
        connection.execute(b"ANALYZE of_the_tests.statistics")

    def restore(self, connection: psycopg.Connection[Any]) -> bool:
        """Empty what a test filled; False when there is more to it than that."""
        [(large,)] = connection.execute(b"SELECT of_the_tests.restore()").fetchall()
        if large is None:
            return False
        for name in large:
            # As if there had never been more: else plans would depend on who was there before.
            connection.execute(f"VACUUM (INDEX_CLEANUP ON) {name}".encode())
            connection.execute(
                b"UPDATE pg_class SET reltuples = -1, relpages = 0, relallvisible = 0 WHERE oid = %s::regclass",
                [name],
            )
        return True


def _prepare_questions(connection: psycopg.Connection[Any], questions: Mapping[str, str]) -> None:
    steps, tables = [], set()
    for number, question in enumerate(questions.values()):
        assert not connection.execute(question.encode()).fetchall(), "the books are not sound when empty"
        with connection.transaction(force_rollback=True):
            connection.execute(f"CREATE VIEW of_the_tests.question AS {question}".encode())
            looked_at = [name for (name,) in connection.execute(_LOOKS_AT, ["of_the_tests.question"])]
        tables.update(looked_at)
        steps.append(_ASK.format(tables=f"ARRAY{looked_at}", question=question, number=number))
    filled = " UNION ALL ".join(_FILLED.format(table=name) for name in sorted(tables))
    connection.execute(_BROKEN.format(filled=filled, steps="".join(steps)).encode())


def _say(connection: psycopg.Connection[Any], statement: bytes) -> None:
    """For good, whatever transaction comes next."""
    if connection.closed:
        return
    before, connection.autocommit = connection.autocommit, True
    connection.execute(statement)
    connection.autocommit = before


def _named(url: str, database: str) -> str:
    return make_url(url).set(database=database).render_as_string(hide_password=False)


def _connect(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)
