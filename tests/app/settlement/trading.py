"""Stores that take money in, sell for it elsewhere and give it back: straight into the books, as a till would."""

import itertools
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import db
from app.audit import OPERATOR
from app.ledger.post import PRINCIPAL, Cause, Posting, post
from app.settlement import close, draft
from app.settlement.draft import Changed
from app.stores import setup

#: Noon in the chain's zone; the clock of the statements stands far behind it.
DAY_1 = date(2026, 3, 1)
NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
CLOSING = datetime(2036, 12, 31, 4, 0, tzinfo=UTC)
_numbers = itertools.count(1)


def day(number: int) -> date:
    """Day 1 is the first of March."""
    return DAY_1 + timedelta(days=number - 1)


def store(code: str) -> int:
    return setup.open_store(
        code=code, name=f"门店 {code}", time_zone="Asia/Shanghai", actor=OPERATOR, now=NOW
    ).id


def cause(kind: str, store_id: int | None, on: date) -> Cause:
    return Cause(
        kind=kind,
        source_type="test",
        source_id=f"trade-{next(_numbers)}",
        store_id=store_id,
        occurred_at=NOW,
        business_date=on,
    )


def movement(
    session: Session, kind: str, store_id: int | None, member_id: int, unit: str, amount: int, on: date
) -> int:
    """Post it inside the caller's transaction; the id of the member's entry."""
    posting = Posting(member_id=member_id, unit=unit, amount=amount, house="test")
    [posted] = post(session, cause(kind, store_id, on), [posting])
    return posted.entry_id


def take_in(store_id: int | None, member_id: int, unit: str, amount: int) -> None:
    """Money taken, bonus or points given, by that store (None: headquarters)."""
    with db.transaction() as session:
        movement(session, "earn", store_id, member_id, unit, amount, DAY_1)


def spend(store_id: int | None, member_id: int, unit: str, amount: int, on: date = DAY_1) -> int:
    with db.transaction() as session:
        return movement(session, "spend", store_id, member_id, unit, -amount, on)


_OPENED = """
    INSERT INTO ledger_transactions (kind, source_type, source_id, store_id, occurred_at, business_date)
        VALUES ('restore', 'test', :source, :store, :at, :day) RETURNING id"""
_CREDIT = """
    WITH account AS (
        UPDATE ledger_accounts a SET balance = a.balance + :amount, last_seq = a.last_seq + 1
        FROM ledger_entries s WHERE s.id = :spent AND a.id = s.account_id
        RETURNING a.id, a.unit, a.balance, a.last_seq),
    added AS (
        INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
            SELECT :transaction, unit, :amount, id, last_seq, balance, NULL FROM account
            UNION ALL SELECT :transaction, unit, -:amount, NULL, NULL, NULL, 'test' FROM account
            RETURNING id, account_id)
    SELECT id FROM added WHERE account_id IS NOT NULL"""
_PUT_BACK = (
    "UPDATE ledger_lots SET remaining = remaining + :amount WHERE id = :lot",
    "INSERT INTO ledger_allocations (entry_id, lot_id, amount) VALUES (:entry, :lot, -:amount)",
)
_NEW_LOT = """
    INSERT INTO ledger_lots (account_id, entry_id, store_id, amount, remaining, available_at)
        SELECT account_id, :entry, store_id, :amount, :amount, :at FROM ledger_lots WHERE id = :lot"""


def give_back(
    store_id: int | None, spent: int, parts: dict[int, int], on: date = DAY_1, *, ended: bool = False
) -> None:
    """Give back so much of each lot that the entry `spent` had taken, as a refund does.

    `ended`: the lots have ended, so that others of the same store come in their place.
    """
    with db.transaction() as session:
        about = {"source": f"trade-{next(_numbers)}", "store": store_id, "at": NOW, "day": on}
        transaction = session.execute(text(_OPENED), about).scalar_one()
        for lot, amount in parts.items():
            values = {"transaction": transaction, "spent": spent, "amount": amount, "lot": lot, "at": NOW}
            values["entry"] = session.execute(text(_CREDIT), values).scalar_one()
            for statement in (_NEW_LOT,) if ended else _PUT_BACK:
                session.execute(text(statement), values)


def taken(entry_id: int) -> dict[int, tuple[int | None, int]]:
    """Of a debit: the lots it took, with their store and how much."""
    with db.reading() as connection:
        rows = connection.execute(
            text("""SELECT l.id, l.store_id, x.amount FROM ledger_allocations x JOIN ledger_lots l ON l.id = x.lot_id
                WHERE x.entry_id = :entry"""),
            {"entry": entry_id},
        )
        return {row.id: (row.store_id, row.amount) for row in rows}


def opened(until: date) -> Changed:
    return draft.create(until=until, actor=OPERATOR, now=CLOSING)


def closed(until: date, staff_id: int) -> Changed:
    """A statement to that day, closed."""
    made = opened(until)
    done = close.close(settlement_no=made.settlement_no, version=made.version, staff_id=staff_id, now=CLOSING)
    assert isinstance(done, Changed)
    return done


def settled_trade(store_id: int, elsewhere_id: int, member_id: int, staff_id: int) -> None:
    """Two closed statements, of which the first has something in it, and something that waits for the third."""
    take_in(store_id, member_id, PRINCIPAL, 500)
    spend(elsewhere_id, member_id, PRINCIPAL, 200)
    for until in (2, 3):
        closed(day(until), staff_id)
    spend(elsewhere_id, member_id, PRINCIPAL, 100)


def reopened(which: Changed) -> Changed:
    return close.reopen(
        settlement_no=which.settlement_no,
        version=which.version,
        reason="a till was late",
        actor=OPERATOR,
        now=CLOSING,
    )
