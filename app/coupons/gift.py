"""Coupons that come with something else, which must not fail for them."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coupons.face import face_of
from app.coupons.issue import (
    CouponLimitReached,
    CouponNotAvailable,
    CouponsUsedUp,
    Source,
    issue,
    tell_of,
)

_OF_SOURCE = text("""
    SELECT c.id, c.member_id, c.valid_until, f.face FROM coupons c JOIN coupon_faces f ON f.id = c.face_id
    WHERE c.source = :kind AND c.source_id = :id AND c.issued_to = :member_id ORDER BY c.source_line""")


def issue_if_possible(
    session: Session,
    *,
    template_id: str,
    member_id: int,
    count: int = 1,
    source: Source,
    now: datetime,
    store_id: int | None = None,
    silently: bool = False,
) -> str | None:
    """As `issue`; answers the code of what stood against it, and then nothing of it stays."""
    try:
        with session.begin_nested():
            issue(
                session,
                template_id=template_id,
                member_id=member_id,
                count=count,
                source=source,
                store_id=store_id,
                now=now,
                silently=silently,
            )
    except (CouponNotAvailable, CouponLimitReached, CouponsUsedUp) as error:
        return error.code
    return None


def tell_of_silent(session: Session, *, member_id: int, source: Source, now: datetime) -> None:
    """The member is told of them after all, as by `issue`: the caller who issued them `silently` did not."""
    asked = {"kind": source.kind, "id": source.id, "member_id": member_id}
    coupons = [dict(row) for row in session.execute(_OF_SOURCE, asked).mappings()]
    if coupons:
        tell_of(session, coupons, face_of(coupons[0]["face"]), now)
