"""What waits for a second person, or did, for whoever is to look at it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.db import reading


@dataclass(frozen=True, kw_only=True)
class Approval:
    id: str
    kind: str
    subject: str
    details: dict[str, Any]
    store_id: int | None
    store: str | None
    requested_by: str
    requested_at: datetime
    expires_at: datetime
    state: str
    decided_by: str | None
    decided_at: datetime | None
    reason: str | None
    requester_proven: bool
    vouched_by: str | None


_LIST = """
    SELECT r.id, r.kind, r.subject, r.details, r.store_id, s.code AS store, a.staff_no AS requested_by, r.requested_at,
        r.expires_at, CASE WHEN r.state = 'pending' AND r.expires_at <= :now THEN 'expired' ELSE r.state END AS state,
        b.staff_no AS decided_by, r.decided_at, r.reason, r.requester_proven, v.staff_no AS vouched_by
    FROM approval_requests r LEFT JOIN stores s ON s.id = r.store_id
    JOIN staff a ON a.id = r.requested_by LEFT JOIN staff b ON b.id = r.decided_by
    LEFT JOIN staff v ON v.id = r.vouched_by
    WHERE (CAST(:stores AS bigint[]) IS NULL OR r.store_id = ANY(:stores))
        AND (CAST(:asked_by AS bigint) IS NULL OR r.requested_by = :asked_by)
        AND (CAST(:before AS text) IS NULL OR r.id < :before)
        AND (NOT :pending OR (r.state = 'pending' AND r.expires_at > :now))
    ORDER BY r.id DESC LIMIT :limit"""


def listing(
    *,
    stores: Collection[int] | None,
    pending: bool,
    limit: int,
    before: str | None,
    now: datetime,
    asked_by: int | None = None,
) -> list[Approval]:
    """Requests of those stores (None: all), newest first; with `pending` only those that can still be decided, with
    `asked_by` that person's own."""
    values = {
        "stores": None if stores is None else sorted(stores),
        "pending": pending,
        "asked_by": asked_by,
        "limit": limit,
        "before": before,
        "now": now,
    }
    with reading() as connection:
        return [Approval(**row._mapping) for row in connection.execute(text(_LIST), values)]
