"""What a clerk may give away at a till: the templates that app/checkout/grant_coupon.py would take from them now.

For a register all of it; for whoever has a member before them what that one may be given, and why the rest not.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from app.checkout.grant_coupon import CouponClerkLimit, OwnMembership
from app.checkout.sale import TicketUsed
from app.clock import HOME_ZONE, business_date
from app.coupons.explain import effect_text
from app.coupons.face import face_of
from app.coupons.issue import CouponLimitReached, CouponsUsedUp
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


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A coupon to be given to one member: `what_*` is what it takes off or gives, `left_today` as in `Grantable`.

    `refusal` is the code of the error that would stand against it now; empty: none would.
    """

    template_id: str
    name_zh: str
    name_en: str
    what_zh: str
    what_en: str
    left_today: int
    refusal: str


# In the order in which a gift would be refused.
_CHOICES = text(f"""
    SELECT * FROM (SELECT t.id AS template_id, f.face, greatest(t.per_clerk_a_day - given.n, 0) AS left_today,
        CASE WHEN EXISTS (SELECT FROM staff_memberships WHERE member_id = k.member_id AND staff_id = :staff_id)
                THEN '{OwnMembership.code}'
            WHEN EXISTS (SELECT FROM coupons
                WHERE source_id = k.id AND source = 'clerk' AND template_id = t.id) THEN '{TicketUsed.code}'
            WHEN given.n >= t.per_clerk_a_day THEN '{CouponClerkLimit.code}'
            WHEN had.n >= t.per_member OR had.n_today >= t.per_member_a_day THEN '{CouponLimitReached.code}'
            WHEN s.issued >= s.stock THEN '{CouponsUsedUp.code}' ELSE '' END AS refusal
    FROM scan_tickets k CROSS JOIN coupon_templates t
    JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    LEFT JOIN coupon_stock s ON s.template_id = t.id
    CROSS JOIN LATERAL (SELECT count(*) AS n FROM coupons c WHERE c.granted_by = :staff_id AND c.issued_on = :day
        AND c.template_id = t.id AND c.source = 'clerk') given
    CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE c.issued_on = :day) AS n_today
        FROM coupons c WHERE c.template_id = t.id AND c.issued_to = k.member_id) had
    WHERE k.id = :ticket AND k.terminal_id = :terminal_id AND k.found_by = 'code' AND t.state = 'live'
        AND t.per_clerk_a_day > 0
        AND coalesce(CAST(f.face -> 'validity' ->> 'ends_at' AS timestamptz) > :now, true)
        AND (f.face -> 'conditions' -> 'stores' IS NULL
            OR f.face -> 'conditions' -> 'stores' @> to_jsonb(CAST(:store_id AS bigint)))
    ) choice ORDER BY refusal <> '', template_id DESC LIMIT :limit""")  # noqa: S608  # codes of our own


def choices(*, till: Till, ticket: str, limit: int, now: datetime) -> list[Choice]:
    """What the member of the ticket could be given here, first what they may; nothing where no member's code was
    scanned. Raises `Forbidden` without a clerk who may sell here.
    """
    with transaction() as session:
        till, staff_id = named_clerk(session, till)
        asked = {
            "staff_id": staff_id,
            "store_id": till.store_id,
            "terminal_id": till.terminal_id,
            "ticket": ticket,
            "day": business_date(now, HOME_ZONE),
            "now": now,
            "limit": limit,
        }
        found = session.execute(_CHOICES, asked).all()
    return [_choice(row) for row in found]


def _choice(row: Any) -> Choice:
    face = face_of(row.face)
    return Choice(
        template_id=row.template_id,
        name_zh=face.name_zh,
        name_en=face.name_en,
        what_zh=effect_text(face, "zh"),
        what_en=effect_text(face, "en"),
        left_today=row.left_today,
        refusal=row.refusal,
    )
