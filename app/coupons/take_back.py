"""Taking back the coupons that were given for something that is undone."""

from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.coupons.issue import Source
from app.coupons.models import Coupon
from app.coupons.void import Voided, void


def take_back(
    session: Session, *, source: Source, member_id: int, note: str, staff_id: int | None, now: datetime
) -> bool:
    """Void what the member was given for the source; False, and nothing changed, if any of it cannot be.

    That is so for one that was used, has ended, was handed on or is being offered to somebody.
    """
    coupons = session.scalars(
        select(Coupon)
        .where(Coupon.source == source.kind, Coupon.source_id == source.id, Coupon.issued_to == member_id)
        .order_by(Coupon.id)
        .with_for_update()
    ).all()
    if not all(_untouched(coupon, now) for coupon in coupons):
        return False
    void(session, [coupon.id for coupon in coupons], note=note, staff_id=staff_id, now=now)
    return True


def _untouched(coupon: Coupon, now: datetime) -> bool:
    return (
        coupon.state == "held"
        and coupon.used == 0
        and coupon.member_id == coupon.issued_to
        and (coupon.offer_until is None or coupon.offer_until <= now)
        and coupon.valid_until > now
    )


# Used ones, too: whoever gives a use back at this moment has locked its coupon.
_OF_SOURCE = text("""
    SELECT id, state = 'held' AND used = restored AND member_id = issued_to AS unused FROM coupons
    WHERE source = :source AND source_id = :source_id ORDER BY id FOR UPDATE""")


def take_back_unused(session: Session, *, source: Source, note: str, now: datetime) -> tuple[Voided, ...]:
    """Void what was issued for that source and neither passed on nor used, or given back. `note` says why."""
    coupons = session.execute(_OF_SOURCE, {"source": source.kind, "source_id": source.id}).all()
    unused = [coupon.id for coupon in coupons if coupon.unused]
    return void(session, unused, note=note, staff_id=None, now=now)
