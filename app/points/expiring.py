"""Whose points end soon: for whoever tells members in time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db import reading


@dataclass(frozen=True, kw_only=True)
class Ending:
    """`points` of the member end in the time asked about, the first of them at `first_at`."""

    member_id: int
    points: int
    first_at: datetime


# By the index on what ends: who has nothing that ends then is not looked at.
_ENDING = text("""
    SELECT a.member_id, sum(l.remaining)::bigint AS points, min(l.expires_at) AS first_at
    FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id AND a.unit = 'points'
    JOIN members m ON m.id = a.member_id AND m.status = 'active'
    WHERE l.remaining > 0 AND l.expires_at >= :begins AND l.expires_at < :until AND a.member_id > :after
    GROUP BY a.member_id ORDER BY a.member_id LIMIT :limit""")


def ending(*, begins: datetime, until: datetime, limit: int, after: int = 0) -> list[Ending]:
    """Active members with points that end in [begins, until), by member id from after `after` on: a page at a time.

    Points that cannot be spent yet count, too: they end all the same.
    """
    with reading() as connection:
        rows = connection.execute(_ENDING, {"begins": begins, "until": until, "after": after, "limit": limit})
        return [Ending(**row._mapping) for row in rows]
