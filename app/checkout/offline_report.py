"""What tills uploaded, for whoever looks after them: what was refused, and what never came."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import text

from app.db import reading

Shown = Literal["all", "refused", "gaps"]
#: Gaps are worked out for so long; whoever has not sent the missing numbers by then has none to send.
_GAPS_OF = timedelta(days=31)


@dataclass(frozen=True, kw_only=True)
class UploadView:
    """`missing_before` is how many numbers right before this one have not come."""

    id: int
    store: str
    terminal: str
    sequence: int
    missing_before: int
    verdict: str
    reason: str | None
    sale_id: str | None
    points: int
    receipt_no: str
    amount_fen: int
    sold_at: datetime
    received_at: datetime


_MISSING = """coalesce(u.sequence - 1 - (SELECT max(p.sequence) FROM offline_uploads p
        WHERE p.terminal_id = u.terminal_id AND p.sequence < u.sequence), 0)"""
_UPLOADS = text(f"""
    SELECT u.id, s.code AS store, t.code AS terminal, u.sequence, {_MISSING} AS missing_before, u.verdict, u.reason,
        u.sale_id, u.points, u.receipt_no, u.amount_fen, u.sold_at, u.received_at
    FROM offline_uploads u JOIN terminals t ON t.id = u.terminal_id JOIN stores s ON s.id = t.store_id
    WHERE (CAST(:stores AS bigint[]) IS NULL OR s.id = ANY(:stores))
        AND (CAST(:before AS bigint) IS NULL OR u.id < :before)
        AND (:shown <> 'refused' OR u.verdict = 'refused')
        AND (:shown <> 'gaps' OR (u.received_at >= :since AND {_MISSING} > 0))
    ORDER BY u.id DESC LIMIT :limit""")  # noqa: S608  # a constant of our own


def uploads(
    *, store_ids: Collection[int] | None, shown: Shown, limit: int, before: int | None, now: datetime
) -> list[UploadView]:
    """Newest first, of these stores (None: of all); `gaps` are those with numbers missing before them."""
    values = {
        "stores": None if store_ids is None else sorted(store_ids),
        "shown": shown,
        "since": now - _GAPS_OF,
        "limit": limit,
        "before": before,
    }
    with reading() as connection:
        return [UploadView(**row._mapping) for row in connection.execute(_UPLOADS, values)]
