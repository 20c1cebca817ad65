"""Statements that go straight to the driver: a connection keeps the cursor it is asked by."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine

from app.db import ask, statements


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("bigint", (1, 2**40, None, -1)),
        ("text", ("a", None, "", "\u4f1a\u5458")),
        ("timestamptz", (datetime(2026, 11, 30, tzinfo=UTC), None, datetime(2026, 1, 1, tzinfo=UTC))),
        ("bigint[]", ([1, 2], [2**40], [], None)),
        ("bytea", (b"one", None, bytes(40))),
    ],
)
def test_the_same_question_with_other_values_is_answered_of_those(
    engine: Engine, kind: str, values: tuple[object, ...]
) -> None:
    question = f"SELECT %(value)s::{kind} AS value"
    with statements() as connection:
        for _ in range(8):  # more often than the driver asks before it prepares a statement
            for value in values:
                [row] = ask(connection, question, {"value": value})
                [[fresh]] = connection.execute(question, {"value": value})
                assert row.value == fresh == value


def test_rows_have_the_names_of_the_question_that_was_asked_last(engine: Engine) -> None:
    with statements() as connection:
        [first] = ask(connection, "SELECT 1 AS points", {})
        [second] = ask(connection, "SELECT 2 AS balance, 3 AS points", {})
        assert ask(connection, "SET LOCAL work_mem = '4MB'", {}) == []
    assert (first._fields, tuple(first)) == (("points",), (1,))
    assert (second._fields, tuple(second)) == (("balance", "points"), (2, 3))


def test_a_refused_statement_leaves_nothing_to_the_next(engine: Engine) -> None:
    with statements() as connection:
        ask(connection, "SELECT 1 AS one", {})
        with pytest.raises(psycopg.errors.DivisionByZero):
            ask(connection, "SELECT 1 / %(by)s AS one", {"by": 0})
        with pytest.raises(psycopg.errors.UndefinedTable):
            ask(connection, "SELECT 1 FROM nowhere_at_all", {})
        [row] = ask(connection, "SELECT 2 AS two", {})
    assert row.two == 2


def test_a_cursor_is_kept_but_not_with_a_large_answer(engine: Engine) -> None:
    def cursor(connection: psycopg.Connection[Any], many: int) -> object:
        assert len(ask(connection, "SELECT generate_series(1, %(many)s) AS n", {"many": many})) == many
        return vars(connection).get("asked_by")

    with statements() as connection:
        small = cursor(connection, 100)
        assert small is not None
        assert cursor(connection, 1) is small
        assert cursor(connection, 101) is None
        assert cursor(connection, 1) is not None
