"""Whose coupons end soon: for whoever tells members in time."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db import reading


@dataclass(frozen=True, kw_only=True)
class Ending:
    """`coupons` of the member end unused in the time asked about, the first of them at `first_at`."""

    member_id: int
    coupons: int
    first_at: datetime


# Member by member through the index on what is held. Where few have coupons that end then, it reads on until it has
# enough of them: for a job of the night, not for a page.
_ENDING = text("""
    SELECT c.member_id, count(*) AS coupons, min(c.valid_until) AS first_at
    FROM coupons c JOIN members m ON m.id = c.member_id AND m.status = 'active'
    WHERE c.state = 'held' AND c.valid_until >= :begins AND c.valid_until < :until AND c.member_id > :after
    GROUP BY c.member_id ORDER BY c.member_id LIMIT :limit""")


def ending(*, begins: datetime, until: datetime, limit: int, after: int = 0) -> list[Ending]:
    """Active members with coupons that end in [begins, until), by member id from after `after` on: a page at a time."""
    with reading() as connection:
        rows = connection.execute(_ENDING, {"begins": begins, "until": until, "after": after, "limit": limit})
        return [Ending(**row._mapping) for row in rows]
