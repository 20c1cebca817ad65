"""The databases of the tests are as the migrations left them, whatever the test before did to its own."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import create_engine, make_url

from app import db
from tests.databases import Databases
from tests.shop import Shop


@pytest.fixture
def used_url(databases: Databases) -> str:
    """The address of a database that was copied, given back untouched, and is the next to be handed out."""
    with databases.one() as url:
        return url


def ask(url: str, question: str) -> list[tuple[Any, ...]]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


def oid(url: str) -> object:
    """Which database it is, under whatever name."""
    [(number,)] = ask(url, "SELECT oid FROM pg_database WHERE datname = current_database()")
    return number


def contents(url: str) -> Iterator[tuple[str, object]]:
    """All rows, and where every sequence stands."""
    names = ask(
        url, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname !~ '^pg_'"
    )
    for (name,) in sorted(names):
        if not name.startswith("information_schema."):
            yield name, ask(url, f"SELECT t::text FROM {name} t ORDER BY 1")
    yield "sequences", ask(url, "SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2")


def test_what_a_test_wrote_is_gone_and_the_numbers_begin_again(databases: Databases, shop: Shop) -> None:
    here = db.engine()
    with databases.one() as url:
        made, which = dict(contents(url)), oid(url)
        elsewhere = create_engine(url, **db.engine_options(5))
        db.bind(elsewhere)
        try:
            other = Shop(shop.app)
            other.earn(other.member(), 12)
        finally:
            db.bind(here)
            elsewhere.dispose()
        written = {name for name, rows in contents(url) if rows != made[name]}
        assert {"public.ledger_entries", "public.audit_log", "sequences"} <= written
    with databases.one() as next_url:
        assert oid(next_url) == which
        assert dict(contents(next_url)) == made


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE sales DROP CONSTRAINT uq_sales_ticket_id",
        "SET session_replication_role = replica; ALTER TABLE sales DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_log_append_only ON audit_log",
        "CREATE FUNCTION rest() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "UPDATE tiers SET name_en = 'Other'",
        "DELETE FROM alembic_version",
        "ANALYZE sales",
        "INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)"
        " SELECT n, current_date, 1, 1, 1 FROM generate_series(1, 3000) n",
    ],
)
def test_what_is_more_than_a_new_row_is_thrown_away(databases: Databases, used_url: str, change: str) -> None:
    with databases.one() as url:
        made, which = dict(contents(url)), oid(url)
        ask(url, f"SET session_replication_role = replica; {change}")
    with databases.one() as next_url:
        assert oid(next_url) != which
        assert dict(contents(next_url)) == made


def test_a_change_of_the_schema_that_was_rolled_back_is_none(databases: Databases) -> None:
    with databases.one() as url:
        which = oid(url)
        ask(url, "BEGIN; ALTER TABLE sales DROP CONSTRAINT uq_sales_ticket_id; ROLLBACK")
    with databases.one() as next_url:
        assert oid(next_url) == which


def test_whoever_is_still_connected_is_sent_away_and_does_not_find_the_next(databases: Databases) -> None:
    with databases.one() as url:
        which = oid(url)
        plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        straggler = psycopg.connect(plain)
        straggler.execute("LOCK TABLE sales")
    with straggler, pytest.raises(psycopg.OperationalError):
        straggler.execute("SELECT 1")
    with databases.one() as next_url:
        assert oid(next_url) == which
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            ask(url, "SELECT 1")
