"""What a member holds, by kind: what may be spent now, what is still to come, what ends soon."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg
from sqlalchemy import Connection
from sqlalchemy.orm import Session

from app.db import ask

SOON = timedelta(days=30)


@dataclass(frozen=True, kw_only=True)
class Held:
    """`principal_fen` and `bonus_fen` may be spent now; `bonus_to_come_fen` is released later.

    `ending_fen` of the bonus end by `ending_until`, the first of them at `ending_from`.
    """

    principal_fen: int
    bonus_fen: int
    bonus_to_come_fen: int
    ending_fen: int
    ending_from: datetime | None
    ending_until: datetime


_HELD = """
    SELECT coalesce(sum(l.remaining) FILTER (WHERE a.unit = 'principal_fen'), 0)::bigint AS principal,
        coalesce(sum(l.remaining) FILTER (WHERE a.unit = 'bonus_fen' AND l.available_at <= %(now)s), 0)::bigint
            AS bonus,
        coalesce(sum(l.remaining) FILTER (WHERE a.unit = 'bonus_fen' AND l.available_at > %(now)s), 0)::bigint
            AS later,
        coalesce(sum(l.remaining) FILTER (WHERE l.available_at <= %(now)s AND l.expires_at <= %(soon)s), 0)::bigint
            AS ending,
        min(l.expires_at) FILTER (WHERE l.available_at <= %(now)s AND l.expires_at <= %(soon)s) AS ending_from
    FROM ledger_accounts a JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
    WHERE a.member_id = %(member_id)s AND a.unit IN ('principal_fen', 'bonus_fen')
        AND (l.expires_at IS NULL OR l.expires_at > %(now)s)"""


def held(
    connection: psycopg.Connection[Any] | Connection | Session, member_id: int, *, now: datetime
) -> Held:
    """What the member holds at that instant. One statement, no lock."""
    soon = now + SOON
    [row] = ask(connection, _HELD, {"member_id": member_id, "now": now, "soon": soon})
    return Held(
        principal_fen=row.principal,
        bonus_fen=row.bonus,
        bonus_to_come_fen=row.later,
        ending_fen=row.ending,
        ending_from=row.ending_from,
        ending_until=soon,
    )
