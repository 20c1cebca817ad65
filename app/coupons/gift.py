"""Coupons that come with something else, which must not fail for them."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.coupons.issue import (
    CouponLimitReached,
    CouponNotAvailable,
    CouponsUsedUp,
    Source,
    issue,
)


def issue_if_possible(
    session: Session,
    *,
    template_id: str,
    member_id: int,
    count: int = 1,
    source: Source,
    now: datetime,
    store_id: int | None = None,
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
            )
    except (CouponNotAvailable, CouponLimitReached, CouponsUsedUp) as error:
        return error.code
    return None
