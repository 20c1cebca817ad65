"""Using a coupon, inside the transaction of whoever hands something over for it. A sale does the same in its one
statement (app/checkout/record_statement.py)."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coupons.face import Face, face_of
from app.coupons.models import CouponEvent, CouponRedemption
from app.coupons.offered import Held, row_of
from app.db import into
from app.discounts import reasons
from app.errors import Conflict, NotFound
from app.facts.tell import tell
from app.ids import new_id


class CouponNotRedeemable(Conflict):
    """Data: `reason`, one of the words why a benefit does not count (app/discounts/reasons.py)."""

    code = "coupon_not_redeemable"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a coupon is used, by whom, and when. Without a terminal: from the phone, for seats of an event."""

    store_id: int
    terminal_id: int | None
    staff_id: int | None
    business_date: date
    now: datetime


_LOCK = text("""
    SELECT c.id, c.template_id, c.face_id, c.valid_from, c.valid_until, c.uses + c.restored - c.used AS uses_left,
        c.state, f.face
    FROM coupons c JOIN coupon_faces f ON f.id = c.face_id
    WHERE c.id = :coupon_id AND c.member_id = :member_id FOR UPDATE OF c""")


def lock(session: Session, coupon_id: str, member_id: int) -> tuple[Held, Face]:
    """The member's coupon, which nobody else uses now. Raises `NotFound`, for somebody else's too."""
    row = session.execute(_LOCK, {"coupon_id": coupon_id, "member_id": member_id}).one_or_none()
    if row is None:
        raise NotFound
    return row_of(row), face_of(row.face)


# Guarded as well: what `lock` saw is not believed.
_USE = text("""
    UPDATE coupons SET used = used + 1, offer_hash = NULL, offer_until = NULL,
        state = CASE WHEN used + 1 = uses + restored THEN 'used' ELSE 'held' END
    WHERE id = :coupon_id AND member_id = :member_id AND state = 'held' AND valid_from <= :now AND valid_until > :now
    RETURNING used""")


def redeem(session: Session, *, coupon_id: str, member_id: int, place: Place) -> str:
    """Use the coupon once, without a sale; the id of the redemption. Raises `CouponNotRedeemable`."""
    values = {"coupon_id": coupon_id, "member_id": member_id, "now": place.now}
    use_no = session.execute(_USE, values).scalar()
    if use_no is None:
        raise CouponNotRedeemable(reason=reasons.USED)
    redemption_id = new_id(place.now)
    session.execute(
        into(CouponRedemption),
        {
            "id": redemption_id,
            "coupon_id": coupon_id,
            "use_no": use_no,
            "member_id": member_id,
            "store_id": place.store_id,
            "terminal_id": place.terminal_id,
            "staff_id": place.staff_id,
            "discount_fen": 0,
            "occurred_at": place.now,
            "business_date": place.business_date,
        },
    )
    session.execute(
        into(CouponEvent),
        {
            "coupon_id": coupon_id,
            "kind": "redeemed",
            "member_id": member_id,
            "staff_id": place.staff_id,
            "store_id": place.store_id,
            "redemption_id": redemption_id,
            "at": place.now,
        },
    )
    tell(session, "coupon_redeemed", subject=redemption_id, member_id=member_id, payload={}, now=place.now)
    return redemption_id
