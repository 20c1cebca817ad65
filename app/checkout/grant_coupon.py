"""A clerk gives the member in front of them a coupon: so many of a template on one day, at whichever till."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit, idempotency
from app.checkout.find_by_phone import one_at_a_time
from app.checkout.sale import TicketUsed
from app.checkout.ticket import present
from app.clock import HOME_ZONE, business_date
from app.coupons.issue import Source, issue
from app.coupons.template import Template, load
from app.db import transaction
from app.errors import Conflict, Forbidden, NotFound
from app.staff.clerks import named_clerk
from app.stores.tills import Till

SOURCE = "clerk"


class CouponClerkLimit(Conflict):
    """The clerk has given away as many today as one may. Data: `limit`."""

    code = "coupon_clerk_limit"


class OwnMembership(Forbidden):
    """The member is the clerk: nobody gives coupons to themselves."""

    code = "own_membership"


@dataclass(frozen=True, kw_only=True)
class Given:
    """`left_today`: how many more of this template the clerk may give away today."""

    coupon_id: str
    name_zh: str
    name_en: str
    valid_from: datetime
    valid_until: datetime
    left_today: int


def grant(*, till: Till, ticket: str, template_id: str, request: idempotency.Request, now: datetime) -> Given:
    """One coupon for the member of the ticket; the same key gives the same answer again.

    A ticket brings one coupon of a template. Raises `Forbidden` without a clerk who may sell here, `TicketUnknown`,
    `TicketExpired`, `TicketUsed`, `TicketEarnsOnly`, `OwnMembership`, `NotFound` for a template that is not for this
    store, `CouponClerkLimit`, `CouponNotAvailable`, `CouponLimitReached`, `CouponsUsedUp`, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Given)
        if former is not None:
            return former
        till, staff_id = named_clerk(session, till)
        member_id = present(session, till, ticket, now).member_id
        given = _give(session, till, staff_id, member_id, ticket, template_id, now)
        idempotency.remember(session, request, given, now)
        return given


# Said by whoever manages the person (app/engagement/referral_staff.py).
_IS_OWN = text(
    "SELECT EXISTS (SELECT FROM staff_memberships WHERE member_id = :member_id AND staff_id = :staff_id)"
)
_GIVEN_TODAY = text("""
    SELECT count(*) FROM coupons
    WHERE granted_by = :staff_id AND issued_on = :day AND template_id = :template_id AND source = 'clerk'""")
_USED = text("""
    SELECT EXISTS (SELECT FROM coupons
        WHERE source_id = :ticket AND source = 'clerk' AND template_id = :template_id)""")


def _give(
    session: Session,
    till: Till,
    staff_id: int,
    member_id: int,
    ticket: str,
    template_id: str,
    now: datetime,
) -> Given:
    check_not_own(session, staff_id, member_id)
    template = load(session, template_id, now=now)
    if template.stores is not None and till.store_id not in template.stores:
        raise NotFound
    one_at_a_time(session, staff_id)
    if session.execute(_USED, {"ticket": ticket, "template_id": template_id}).scalar_one():
        raise TicketUsed
    left = _left_today(session, template, staff_id, now)
    [coupon] = issue(
        session,
        template_id=template_id,
        member_id=member_id,
        source=Source(kind=SOURCE, id=ticket),
        granted_by=staff_id,
        store_id=till.store_id,
        now=now,
    )
    audit.record(
        session,
        audit.Actor(type="staff", id=staff_id),
        "coupon.give",
        "coupon",
        coupon.coupon_id,
        now=now,
        store_id=till.store_id,
        template_id=template_id,
        terminal_id=till.terminal_id,
    )
    return Given(
        coupon_id=coupon.coupon_id,
        name_zh=template.face.name_zh,
        name_en=template.face.name_en,
        valid_from=coupon.valid_from,
        valid_until=coupon.valid_until,
        left_today=left - 1,
    )


def check_not_own(session: Session, staff_id: int, member_id: int) -> None:
    """Raises `OwnMembership`."""
    if session.execute(_IS_OWN, {"staff_id": staff_id, "member_id": member_id}).scalar_one():
        raise OwnMembership


def _left_today(session: Session, template: Template, staff_id: int, now: datetime) -> int:
    """One gift of a clerk comes after the other by now: else two tills would each see the last one left."""
    values = {"staff_id": staff_id, "day": business_date(now, HOME_ZONE), "template_id": template.id}
    limit = template.terms.per_clerk_a_day
    left = limit - int(session.execute(_GIVEN_TODAY, values).scalar_one())
    if left <= 0:
        raise CouponClerkLimit(limit=limit)
    return left
