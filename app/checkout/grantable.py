"""What a clerk may give away at a till: the templates that app/checkout/grant_coupon.py would take from them now."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.clock import HOME_ZONE, business_date
from app.db import transaction
from app.staff.clerks import named_clerk
from app.stores.tills import Till


@dataclass(frozen=True, kw_only=True)
class Grantable:
    """`left_today`: how many more of it this clerk may give away today; `left`: how many there are, None: any."""

    template_id: str
    name_zh: str
    name_en: str
    left_today: int
    left: int | None


_GRANTABLE = text("""
    SELECT t.id AS template_id, f.face ->> 'name_zh' AS name_zh, f.face ->> 'name_en' AS name_en,
        t.per_clerk_a_day - given.n AS left_today, s.stock - s.issued AS left
    FROM coupon_templates t JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    LEFT JOIN coupon_stock s ON s.template_id = t.id
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM coupons c WHERE c.granted_by = :staff_id AND c.issued_on = :day
        AND c.template_id = t.id AND c.source = 'clerk') given
    WHERE t.state = 'live' AND t.per_clerk_a_day > given.n AND coalesce(s.issued < s.stock, true)
        AND coalesce(CAST(f.face -> 'validity' ->> 'ends_at' AS timestamptz) > :now, true)
        AND (f.face -> 'conditions' -> 'stores' IS NULL
            OR f.face -> 'conditions' -> 'stores' @> to_jsonb(CAST(:store_id AS bigint)))
        AND (CAST(:before AS text) IS NULL OR t.id < :before)
    ORDER BY t.id DESC LIMIT :limit""")


def grantable(*, till: Till, limit: int, before: str | None, now: datetime) -> list[Grantable]:
    """Newest first. Whether a member has had enough of one is not asked. Raises `Forbidden` without a clerk who may
    sell here."""
    with transaction() as session:
        till, staff_id = named_clerk(session, till)
        asked = {
            "staff_id": staff_id,
            "store_id": till.store_id,
            "day": business_date(now, HOME_ZONE),
            "now": now,
            "before": before,
            "limit": limit,
        }
        return [Grantable(**row._mapping) for row in session.execute(_GRANTABLE, asked)]
