"""A few members and a pen: movements with causes of their own, and what the tables say afterwards."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, text

from app import db
from app.ledger.post import Cause, Posted, Posting, post
from app.members.join import join

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)
DAY = timedelta(days=1)
_numbers = itertools.count(1)


def member() -> int:
    with db.transaction() as session:
        return join(session, policy_version="1", source="test", language="zh", now=NOW).id


def cause(at: datetime = NOW, *, source: str | None = None, kind: str = "earn") -> Cause:
    return Cause(
        kind=kind,
        source_type="test",
        source_id=source or f"s{next(_numbers)}",
        occurred_at=at,
        business_date=date(2026, 3, 1),
    )


def move(*postings: Posting, at: datetime = NOW, source: str | None = None) -> tuple[Posted, ...]:
    """Post in a transaction of its own."""
    with db.transaction() as session:
        return post(session, cause(at, source=source), postings)


def points(member_id: int, amount: int, **options: Any) -> Posting:
    return Posting(member_id=member_id, unit="points", amount=amount, house="test", **options)


def fen(member_id: int, amount: int, unit: str = "principal_fen", **options: Any) -> Posting:
    return Posting(member_id=member_id, unit=unit, amount=amount, house="test", **options)


def balance(engine: Engine, member_id: int, unit: str = "points") -> int:
    with engine.connect() as connection:
        found = connection.execute(
            text("SELECT balance FROM ledger_accounts WHERE member_id = :m AND unit = :u"),
            {"m": member_id, "u": unit},
        ).scalar_one_or_none()
    return found or 0


def remaining(engine: Engine, member_id: int, unit: str = "points") -> list[int]:
    """What is left in each lot of the account, oldest lot first."""
    with engine.connect() as connection:
        found = connection.execute(
            text("""SELECT l.remaining FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id
                WHERE a.member_id = :m AND a.unit = :u ORDER BY l.id"""),
            {"m": member_id, "u": unit},
        )
        return list(found.scalars())


def everything(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the books, to see that nothing changed."""
    tables = ("accounts", "transactions", "entries", "lots", "allocations")
    with engine.connect() as connection:
        return {
            table: sorted(
                tuple(row) for row in connection.execute(text(f"SELECT t::text FROM ledger_{table} t"))
            )
            for table in tables
        }
