"""The database itself refuses to rewrite the books."""

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from tests.app.ledger.books import everything, member, move, points

TABLES = ("transactions", "entries", "allocations", "lots", "accounts")
APPEND_ONLY, UNBALANCED = "MC001", "MC002"


@pytest.fixture
def written(engine: Engine) -> Engine:
    """Books with a credit and a debit in them."""
    one = member()
    move(points(one, 10))
    move(points(one, -4))
    return engine


def refused(engine: Engine, statement: str) -> psycopg.Error:
    with pytest.raises(DBAPIError) as refusal, engine.begin() as connection:
        connection.execute(text(statement))
    assert isinstance(refusal.value.orig, psycopg.Error)
    return refusal.value.orig


@pytest.mark.parametrize("table", TABLES)
def test_no_row_of_the_books_can_be_removed(written: Engine, table: str) -> None:
    before = everything(written)
    assert refused(written, f"DELETE FROM ledger_{table}").sqlstate == APPEND_ONLY
    assert refused(written, f"TRUNCATE ledger_{table} CASCADE").sqlstate == APPEND_ONLY
    assert everything(written) == before


@pytest.mark.parametrize(
    "change",
    [
        "ledger_transactions SET note = 'oops'",
        "ledger_transactions SET source_id = 'other'",
        "ledger_entries SET amount = amount * 2",
        "ledger_entries SET balance_after = 0",
        "ledger_allocations SET amount = 1",
        "ledger_lots SET expires_at = now()",
        "ledger_lots SET amount = 100",
        "ledger_lots SET available_at = now()",
        "ledger_lots SET account_id = account_id",
        "ledger_accounts SET member_id = member_id",
        "ledger_accounts SET unit = 'bonus_fen'",
    ],
)
def test_no_column_that_tells_what_happened_can_be_changed(written: Engine, change: str) -> None:
    before = everything(written)
    assert refused(written, f"UPDATE {change}").sqlstate == APPEND_ONLY
    assert everything(written) == before


@pytest.mark.parametrize(
    "change",
    [
        "ledger_accounts SET balance = -1",
        "ledger_lots SET remaining = -1",
        "ledger_lots SET remaining = amount + 1",
    ],
)
def test_what_may_change_stays_within_bounds(written: Engine, change: str) -> None:
    assert isinstance(refused(written, f"UPDATE {change}"), psycopg.errors.CheckViolation)


def test_an_entry_without_its_other_side_is_refused(written: Engine) -> None:
    fault = refused(
        written,
        "INSERT INTO ledger_entries (transaction_id, unit, amount, house)"
        " SELECT min(id), 'points', 7, 'test' FROM ledger_transactions",
    )
    assert fault.sqlstate == UNBALANCED


def test_sides_in_different_units_do_not_balance(written: Engine) -> None:
    fault = refused(
        written,
        "INSERT INTO ledger_entries (transaction_id, unit, amount, house) SELECT t.id, x.unit, x.amount, 'test'"
        " FROM ledger_transactions t, (VALUES ('points', 7), ('bonus_fen', -7)) x (unit, amount)",
    )
    assert fault.sqlstate == UNBALANCED


@pytest.mark.parametrize(
    "values",
    [
        "(NULL, NULL, NULL, NULL, 5), (NULL, NULL, NULL, 'test', -5)",
        "(1, 99, 5, 'test', 5), (NULL, NULL, NULL, 'test', -5)",
        "(1, NULL, NULL, NULL, 5), (NULL, NULL, NULL, 'test', -5)",
    ],
)
def test_an_entry_is_whole_and_on_one_side(written: Engine, values: str) -> None:
    fault = refused(
        written,
        "INSERT INTO ledger_entries (transaction_id, unit, account_id, seq, balance_after, house, amount)"
        " SELECT t.id, 'points', x.account_id::bigint, x.seq::bigint, x.balance_after::bigint, x.house, x.amount"
        f" FROM ledger_transactions t, (VALUES {values}) x (account_id, seq, balance_after, house, amount)",
    )
    assert isinstance(fault, psycopg.errors.CheckViolation)
