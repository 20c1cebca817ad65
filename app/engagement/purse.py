"""What members pay for something, and what goes back when it is undone: into the very lots it came from.

As a sale spends, so that settlement between the stores counts it for the store where the thing is had.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date, start_of_day
from app.ledger.post import Cause, Posting, post
from app.ledger.restore import Back, restore


@dataclass(frozen=True, kw_only=True)
class Thing:
    """What is paid for, by the words of the ledger, and the store where it is had (None: in none)."""

    source_type: str
    source_id: str
    store_id: int | None
    time_zone: str = HOME_ZONE


def pay(session: Session, thing: Thing, postings: Sequence[Posting], *, now: datetime) -> None:
    """Raises `NotEnough`."""
    cause = Cause(
        kind="spend",
        source_type=thing.source_type,
        source_id=thing.source_id,
        store_id=thing.store_id,
        occurred_at=now,
        business_date=business_date(now, thing.time_zone),
    )
    post(session, cause, postings)


_PAID = text("""
    SELECT e.id, -e.amount AS amount FROM ledger_transactions t
    JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
    WHERE t.kind = 'spend' AND t.source_type = :source_type AND t.source_id = :source_id""")


def pay_back(
    session: Session,
    thing: Thing,
    *,
    grace_days: int,
    staff_id: int | None,
    now: datetime,
    percent: int = 100,
) -> int:
    """Give back that part of each that was paid, rounded down; how much in all, in whatever units they were.

    What came from lots that have ended meanwhile may be spent for `grace_days` whole days more.
    """
    paid = session.execute(_PAID, {"source_type": thing.source_type, "source_id": thing.source_id})
    parts = [Back(entry_id=row.id, amount=row.amount * percent // 100) for row in paid]
    back = [part for part in parts if part.amount]
    if back:
        cause = Cause(
            kind="restore",
            source_type=thing.source_type,
            source_id=thing.source_id,
            store_id=thing.store_id,
            staff_id=staff_id,
            occurred_at=now,
            business_date=business_date(now, thing.time_zone),
        )
        grace = start_of_day(cause.business_date + timedelta(days=grace_days + 1), thing.time_zone)
        restore(session, cause, back, grace=grace)
    return sum(part.amount for part in back)
