"""The databases of the tests are as the migrations left them, whatever the test before did to its own."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import make_url

from app import db
from tests.databases import Databases
from tests.shop import Shop

#: What the tests stand on: after a change of tests/databases.py, and before a release.
pytestmark = pytest.mark.long


@pytest.fixture
def used_url(databases: Databases) -> str:
    """The address of a database that was copied, given back untouched, and is the next to be handed out."""
    with databases.one() as database:
        return database.url


def connect(url: str) -> psycopg.Connection[Any]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    with connect(url) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def oid(url: str) -> object:
    """Which database it is, under whatever name."""
    [(number,)] = ask(url, "SELECT oid FROM pg_database WHERE datname = current_database()")
    return number


def contents(url: str) -> Iterator[tuple[str, object]]:
    """All rows, and where every sequence stands."""
    names = (
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^pg_' ORDER BY 1"
    )
    with connect(url) as connection:
        for (name,) in connection.execute(names.encode()).fetchall():
            if not name.startswith("information_schema."):
                yield name, connection.execute(f"SELECT t::text FROM {name} t ORDER BY 1".encode()).fetchall()
    yield "sequences", ask(url, "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2")


def test_what_a_test_wrote_is_gone_and_the_numbers_begin_again(databases: Databases, shop: Shop) -> None:
    here = db.engine()
    with databases.one() as database:
        url = database.url
        made, which = dict(contents(url)), oid(url)
        db.bind(database.engine)
        try:
            other = Shop(shop.app)
            other.earn(other.member(), 12)
        finally:
            db.bind(here)
        written = {name for name, rows in contents(url) if rows != made[name]}
        assert {"public.ledger_entries", "public.audit_log", "sequences"} <= written
    with databases.one() as next_database:
        next_url = next_database.url
        assert oid(next_url) == which
        assert dict(contents(next_url)) == made


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE sales DROP CONSTRAINT uq_sales_ticket_id",
        "SET session_replication_role = replica; ALTER TABLE sales DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_log_append_only ON audit_log",
        "CREATE FUNCTION rest() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "ANALYZE sales",
    ],
)
def test_what_is_more_than_a_new_row_is_thrown_away(databases: Databases, used_url: str, change: str) -> None:
    with databases.one() as database:
        url = database.url
        made, which = dict(contents(url)), oid(url)
        ask(url, f"SET session_replication_role = replica; {change}")
    with databases.one() as next_database:
        next_url = next_database.url
        assert oid(next_url) != which
        assert dict(contents(next_url)) == made


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE tiers SET name_en = 'Other'",
        "DELETE FROM alembic_version",
        "INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)"
        " SELECT n, current_date, 1, 1, 1 FROM generate_series(1, 3000) n",
    ],
)
def test_rows_are_repaired_and_a_large_table_is_small_again(
    databases: Databases, used_url: str, change: str
) -> None:
    sizes = "SELECT relname, reltuples, pg_relation_size(oid) > 65536 FROM pg_class WHERE relkind = 'r' ORDER BY 1"
    with databases.one() as database:
        url = database.url
        made, which, sized = dict(contents(url)), oid(url), ask(url, sizes)
        ask(url, f"SET session_replication_role = replica; {change}")
    with databases.one() as next_database:
        assert oid(next_database.url) == which
        assert dict(contents(next_database.url)) == made
        assert ask(next_database.url, sizes) == sized


def test_what_was_built_once_is_there_again_word_for_word(databases: Databases, app: Flask) -> None:
    """But built anew where something else came before it."""
    here = db.engine()
    built = []

    def build() -> Shop:
        built.append(Shop(app))
        return built[-1]

    def again(known: Shop) -> Shop:
        return known.again()

    try:
        with databases.one() as first:
            db.bind(first.engine)
            shop, made = first.remembered("a shop", build, again), dict(contents(first.url))
            shop.earn(shop.member(), 5)
        with databases.one() as second:
            db.bind(second.engine)
            shop = second.remembered("a shop", build, again)
            assert dict(contents(second.url)) == made
            shop.earn(shop.member(), 5)
        with databases.one() as third:
            db.bind(third.engine)
            build().open_store("S000")
            assert third.remembered("a shop", lambda: built[-1], again) is built[-1]
    finally:
        db.bind(here)
    assert len(built) == 2


def test_who_is_done_leaves_the_connections_to_the_next_and_who_is_not_does_not(databases: Databases) -> None:
    with databases.one() as database:
        # Of several that an earlier test left, the pool would hand out each in turn.
        database.engine.dispose()
        with database.engine.connect() as connection:
            first = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
    with databases.one() as database:
        with database.engine.connect() as connection:
            assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() == first
        busy = database.engine.connect()
        busy.exec_driver_sql("SELECT pg_advisory_lock(1)")
    with databases.one() as database, database.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one() != first
    busy.invalidate()
    busy.close()


def test_a_change_of_the_schema_that_was_rolled_back_is_none(databases: Databases) -> None:
    with databases.one() as database:
        url = database.url
        which = oid(url)
        ask(url, "BEGIN; ALTER TABLE sales DROP CONSTRAINT uq_sales_ticket_id; ROLLBACK")
    with databases.one() as next_database:
        next_url = next_database.url
        assert oid(next_url) == which


def test_whoever_is_still_connected_is_sent_away_and_does_not_find_the_next(databases: Databases) -> None:
    with databases.one() as database:
        url = database.url
        which = oid(url)
        straggler = connect(url)
        straggler.execute("BEGIN; LOCK TABLE sales")
    with straggler, pytest.raises(psycopg.OperationalError):
        straggler.execute("SELECT 1")
    with databases.one() as next_database:
        next_url = next_database.url
        assert oid(next_url) == which
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            ask(url, "SELECT 1")
