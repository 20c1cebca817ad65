"""Every movement of a member's stored value, as they see it."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from sqlalchemy import text

from app.clock import HOME_ZONE
from app.db import reading
from app.points.lots import valid_through

Part = Literal["principal", "bonus"]


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One line of the log. `reason` is a stable word, `after_fen` the running balance of that part.

    Of a credit of bonus `available_at` says from when it may be spent and `expires_at` when it is over; `valid_through`
    is the last day, by the calendar of the store (of the brand's home where there was none), on which it may be spent.
    """

    no: int
    seq: int
    part: Part
    amount_fen: int
    after_fen: int
    reason: str
    store: str | None
    occurred_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    valid_through: date | None


_MOVEMENTS = text("""
    SELECT e.id, e.seq, e.unit, e.amount, e.balance_after, t.occurred_at, st.name AS store, st.time_zone,
        CASE WHEN t.source_type <> 'reward_order' THEN t.kind WHEN t.kind = 'spend' THEN 'exchange'
        ELSE 'exchange_undone' END AS kind,
        l.available_at, l.expires_at
    FROM ledger_accounts a JOIN ledger_entries e ON e.account_id = a.id
    JOIN ledger_transactions t ON t.id = e.transaction_id
    LEFT JOIN stores st ON st.id = t.store_id
    LEFT JOIN ledger_lots l ON l.entry_id = e.id
    WHERE a.member_id = :member_id AND a.unit IN ('principal_fen', 'bonus_fen')
        AND (CAST(:before AS bigint) IS NULL OR e.id < :before)
    ORDER BY e.id DESC LIMIT :limit""")


def movements(*, member_id: int, limit: int, before: int | None) -> list[Movement]:
    """Newest first, up to `limit`, older than `before` (a `no`)."""
    values = {"member_id": member_id, "before": before, "limit": limit}
    with reading() as connection:
        rows = connection.execute(_MOVEMENTS, values).all()
    return [
        Movement(
            no=row.id,
            seq=row.seq,
            part="principal" if row.unit == "principal_fen" else "bonus",
            amount_fen=row.amount,
            after_fen=row.balance_after,
            reason=row.kind,
            store=row.store,
            occurred_at=row.occurred_at,
            available_at=row.available_at,
            expires_at=row.expires_at,
            valid_through=row.expires_at and valid_through(row.expires_at, row.time_zone or HOME_ZONE),
        )
        for row in rows
    ]
