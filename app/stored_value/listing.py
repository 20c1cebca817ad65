"""Top-ups of one member, for whoever has to find one that goes back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.db import reading


@dataclass(frozen=True, kw_only=True)
class TopUpView:
    """`refunded_fen` is principal that went back, or is on its way back. `refunding` names the refund of which WeChat
    Pay has not paid yet, `trouble` what stands against it."""

    id: str
    state: str
    method: str
    store: str | None
    receipt_no: str | None
    amount_fen: int
    bonus_fen: int
    points: int
    points_earned: int
    refunded_fen: int
    refunding: str | None
    trouble: str | None
    created_at: datetime
    credited_at: datetime | None


_LIST = text("""
    SELECT t.id, t.state, t.method, s.code AS store, t.receipt_no, t.amount_fen, t.bonus_fen, t.points, t.points_earned,
        coalesce(r.principal_fen, 0)::bigint AS refunded_fen, r.asked AS refunding, r.trouble, t.created_at,
        t.credited_at
    FROM members m JOIN top_ups t ON t.member_id = m.id LEFT JOIN stores s ON s.id = t.store_id
    LEFT JOIN LATERAL (
        SELECT sum(principal_fen) AS principal_fen, max(id) FILTER (WHERE state = 'asked') AS asked,
            max(trouble) FILTER (WHERE state = 'asked') AS trouble
        FROM top_up_refunds WHERE top_up_id = t.id AND state <> 'failed') r ON true
    WHERE m.member_no = :member_no AND (CAST(:stores AS bigint[]) IS NULL OR t.store_id = ANY(:stores))
        AND (CAST(:before AS text) IS NULL OR t.id < :before)
    ORDER BY t.id DESC LIMIT :limit""")


def of_member(
    *, member_no: str, stores: Collection[int] | None, limit: int, before: str | None
) -> list[TopUpView]:
    """Newest first, up to `limit`, older than `before`; of those stores alone, None: all of them and the mini-program.

    A number that nobody has gives none.
    """
    values = {
        "member_no": member_no,
        "stores": None if stores is None else sorted(stores),
        "limit": limit,
        "before": before,
    }
    with reading() as connection:
        return [TopUpView(**row._mapping) for row in connection.execute(_LIST, values)]
