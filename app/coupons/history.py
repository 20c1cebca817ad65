"""What happened to a coupon while the member held it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.coupons.void import EXCHANGE_CANCELLED
from app.db import reading


@dataclass(frozen=True, kw_only=True)
class Event:
    """`kind` is a stable word; the store is where it happened, None: in the mini-program or by the brand."""

    id: int
    kind: str
    store: str | None
    at: datetime


# Of a coupon that was passed on, the new holder is not told what the former one did.
_EVENTS = text("""
    SELECT e.id, CASE WHEN e.kind = 'recalled' AND c.source = 'reward' AND e.note = :cancelled THEN 'exchange_cancelled'
        ELSE e.kind END AS kind, s.name AS store, e.at
    FROM coupons c JOIN coupon_events e ON e.coupon_id = c.id AND e.member_id = c.member_id
    LEFT JOIN stores s ON s.id = e.store_id
    WHERE c.id = :coupon_id AND c.member_id = :member_id AND (CAST(:before AS bigint) IS NULL OR e.id < :before)
    ORDER BY e.id DESC LIMIT :limit""")


def events(*, member_id: int, coupon_id: str, limit: int, before: int | None) -> list[Event]:
    """Newest first, older than `before`; none of a coupon that the member does not hold."""
    wanted = {"member_id": member_id, "coupon_id": coupon_id, "before": before, "limit": limit}
    wanted["cancelled"] = EXCHANGE_CANCELLED
    with reading() as connection:
        return [Event(**row._mapping) for row in connection.execute(_EVENTS, wanted)]
