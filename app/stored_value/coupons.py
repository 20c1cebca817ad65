"""Coupons that an offer gives with a top-up: when it is credited, and back when it is refunded."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit
from app.coupons import void
from app.coupons.gift import issue_if_possible
from app.coupons.issue import Source
from app.stored_value.models import TopUp
from app.stored_value.offers import Offer

SOURCE = "top_up"
_GIVEN = text("""
    SELECT id, used > restored AS used FROM coupons WHERE source_id = :id AND source = 'top_up' ORDER BY id""")
# As with all that is given for what is undone (app/engagement/referral.py, app/tiers/coupons.py).
_KEPT = text("""
    SELECT EXISTS (SELECT FROM top_ups t
        JOIN top_up_refunds r ON r.top_up_id = t.id AND r.state IN ('asked', 'done')
        JOIN coupons c ON c.source_id = t.id AND c.source = 'top_up' AND c.used > c.restored
        WHERE t.member_id = :member_id AND c.template_id = :template_id)""")


class _OnlyTried(Exception):
    """Takes back what was only tried."""


def to_be_had(session: Session, offer: Offer, member_id: int, *, now: datetime) -> bool:
    """Whether the member could be given the offer's coupons at this moment; nothing of it stays.

    What they used of such coupons before they took the money back is not given again.
    """
    if offer.coupon_template_id is None:
        return True
    asked = {"member_id": member_id, "template_id": offer.coupon_template_id}
    if session.execute(_KEPT, asked).scalar_one():
        return False
    try:
        with session.begin_nested():
            refusal = issue_if_possible(
                session,
                template_id=offer.coupon_template_id,
                member_id=member_id,
                count=offer.coupon_count,
                source=Source(kind=SOURCE, id="tried"),
                now=now,
            )
            raise _OnlyTried
    except _OnlyTried:
        return refusal is None


def give(session: Session, top_up: TopUp, offer: Offer | None, *, now: datetime) -> None:
    """With the top-up that is being credited. The money is there: what cannot be given any more stands in the audit
    log, for somebody to make good, and holds nothing up."""
    if offer is None or offer.coupon_template_id is None:
        return
    refusal = issue_if_possible(
        session,
        template_id=offer.coupon_template_id,
        member_id=top_up.member_id,
        count=offer.coupon_count,
        source=Source(kind=SOURCE, id=top_up.id),
        store_id=top_up.store_id,
        now=now,
    )
    if refusal is not None:
        audit.record(
            session,
            audit.SYSTEM,
            "top_up.coupons_missed",
            "top_up",
            top_up.id,
            now=now,
            store_id=top_up.store_id,
            template_id=offer.coupon_template_id,
            count=offer.coupon_count,
            refusal=refusal,
        )


def given(session: Session, top_up_id: str) -> int:
    """How many came with it."""
    return len(session.execute(_GIVEN, {"id": top_up_id}).all())


def lock(session: Session, top_up_id: str) -> None:
    """Before the member's accounts, as whoever uses a coupon takes both."""
    void.lock(session, [row.id for row in session.execute(_GIVEN, {"id": top_up_id})])


def take_back(
    session: Session, top_up_id: str, *, note: str, staff_id: int | None, now: datetime
) -> tuple[int, int]:
    """What is held of them goes, with the uses that are left; how many, and how many had been used."""
    coupons = session.execute(_GIVEN, {"id": top_up_id}).all()
    taken = void.void(session, [row.id for row in coupons], note=note, staff_id=staff_id, now=now)
    return len(taken), sum(row.used for row in coupons)
