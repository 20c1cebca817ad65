"""What a member sees of their points: how many, how many end soon, and every movement."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import text

from app.db import ask, reading, statements
from app.errors import Unauthenticated
from app.points.explain import PARTS, Part, parts_of
from app.points.lots import valid_through

SOON = timedelta(days=30)
#: For points that were given in no store, so that no calendar is theirs.
_NO_STORES_ZONE = "UTC"


@dataclass(frozen=True, kw_only=True)
class Overview:
    """What may be spent now. `expiring` of `points` end by `expiring_until`, the first of them at `expiring_from`.

    `pending` points beside them may not be spent yet, the first of them from `pending_from` on. `owed` are those that
    the next points pay: spent before what had brought them went back.
    """

    points: int
    owed: int
    pending: int
    pending_from: datetime | None
    expiring: int
    expiring_from: datetime | None
    expiring_until: datetime


@dataclass(frozen=True, kw_only=True)
class Movement:
    """One line of the log. `reason` is a stable word; the store is where it happened. `activity`, in both languages, is
    the one whose reward it was, or was taken back.

    `balance_after` is the ledger's own running balance. Pending points are in it, and those whose time is over until an
    entry takes them out, so it may be more than what could be spent then: that is what `overview` tells.

    Of a credit `available_at` says from when it may be spent, and `earned` which rules gave it. At `expires_at` it is
    over; `valid_through` is the last day, by the calendar of the store, on which it may be spent.
    """

    seq: int
    points: int
    balance_after: int
    reason: str
    activity: tuple[str, str] | None
    store: str | None
    occurred_at: datetime
    available_at: datetime | None
    expires_at: datetime | None
    valid_through: date | None
    earned: tuple[Part, ...]


# Token and balance in one trip: this is what phones ask for most.
_OVERVIEW = """
    SELECT coalesce(sum(l.remaining) FILTER (WHERE l.available_at <= %(now)s), 0)::bigint AS points,
        coalesce(sum(l.remaining) FILTER (WHERE l.available_at > %(now)s), 0)::bigint AS pending,
        min(l.available_at) FILTER (WHERE l.available_at > %(now)s) AS pending_from,
        coalesce(sum(l.remaining) FILTER (WHERE l.expires_at <= %(soon)s AND l.available_at <= %(now)s), 0)::bigint
            AS expiring,
        coalesce((SELECT o.balance FROM ledger_accounts o WHERE o.member_id = m.id AND o.unit = 'points_owed'), 0)
            AS owed,
        min(l.expires_at) FILTER (WHERE l.expires_at <= %(soon)s AND l.available_at <= %(now)s) AS expiring_from
    FROM member_sessions s JOIN members m ON m.id = s.member_id AND m.status = 'active'
    LEFT JOIN ledger_accounts a ON a.member_id = m.id AND a.unit = 'points'
    LEFT JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
        AND (l.expires_at IS NULL OR l.expires_at > %(now)s)
    WHERE s.token_hash = %(token_hash)s AND s.revoked_at IS NULL AND s.expires_at > %(now)s
    GROUP BY m.id"""

_PARTS = PARTS.replace("s.earned", "coalesce(s.earned, u.earned)")
_MOVEMENTS = text(f"""
    SELECT e.seq, e.amount, e.balance_after, t.occurred_at, st.name AS store,
        CASE t.source_type WHEN 'reward_order' THEN CASE t.kind WHEN 'spend' THEN 'exchange' ELSE 'exchange_undone' END
        WHEN 'event_booking' THEN CASE t.kind WHEN 'spend' THEN 'event' ELSE 'event_undone' END
        ELSE t.kind END AS kind, v.name_zh AS activity_zh, v.name_en AS activity_en, st.time_zone, l.available_at,
        l.expires_at, {_PARTS} AS parts
    FROM ledger_accounts a JOIN ledger_entries e ON e.account_id = a.id
    JOIN ledger_transactions t ON t.id = e.transaction_id
    LEFT JOIN stores st ON st.id = t.store_id
    LEFT JOIN ledger_lots l ON l.entry_id = e.id
    LEFT JOIN activity_grants g ON t.kind IN ('activity', 'activity_back') AND g.id = t.source_id
    LEFT JOIN activities v ON v.id = g.activity_id
    LEFT JOIN sales s ON t.kind = 'earn' AND t.source_type = 'sale' AND s.id = t.source_id
    LEFT JOIN top_ups u ON t.kind = 'top_up_earn' AND t.source_type = 'top_up' AND u.id = t.source_id
    WHERE a.member_id = :member_id AND a.unit = 'points'
        AND (CAST(:before AS bigint) IS NULL OR e.seq < :before)
    ORDER BY e.seq DESC LIMIT :limit""")  # noqa: S608  # constants of our own


def overview(*, token_hash: bytes, now: datetime) -> Overview:
    """Points of whoever holds the token. Raises `Unauthenticated`."""
    soon = now + SOON
    with statements() as connection:
        rows = ask(connection, _OVERVIEW, {"token_hash": token_hash, "now": now, "soon": soon})
    if not rows:
        raise Unauthenticated
    [row] = rows
    return Overview(
        points=row.points,
        owed=row.owed,
        pending=row.pending,
        pending_from=row.pending_from,
        expiring=row.expiring,
        expiring_from=row.expiring_from,
        expiring_until=soon,
    )


def movements(*, member_id: int, limit: int, before: int | None) -> list[Movement]:
    """Newest first, up to `limit`, older than `before` (a `seq`)."""
    with reading() as connection:
        rows = connection.execute(
            _MOVEMENTS, {"member_id": member_id, "before": before, "limit": limit}
        ).all()
    return [
        Movement(
            seq=row.seq,
            points=row.amount,
            balance_after=row.balance_after,
            reason=row.kind,
            activity=(row.activity_zh, row.activity_en) if row.activity_zh else None,
            store=row.store,
            occurred_at=row.occurred_at,
            available_at=row.available_at,
            expires_at=row.expires_at,
            valid_through=row.expires_at and valid_through(row.expires_at, row.time_zone or _NO_STORES_ZONE),
            earned=parts_of(row.parts),
        )
        for row in rows
    ]
