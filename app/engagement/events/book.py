"""A booking: seats of a session for points, for a coupon or for nothing; or a place on the waiting list for the same.

What is paid is paid at once, also for a place on the list: whoever comes up has a seat for certain, without doing
anything.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency
from app.clock import business_date
from app.coupons import redeem
from app.coupons.offered import refusal_of
from app.db import into, transaction
from app.engagement.events import bookings, seats
from app.engagement.events.bookings import Booking
from app.engagement.events.event import content_of
from app.engagement.events.models import EventBooking
from app.engagement.purse import Thing, pay
from app.errors import Conflict, NotFound, Unauthenticated
from app.facts.tell import tell
from app.ids import new_id
from app.ledger.post import POINTS, Posting, lock_accounts
from app.points.fitting import MemberFacts, StoreFacts

SOURCE = "event_booking"


class EventNotOpen(Conflict):
    """It cannot be booked: not yet, not any more, or it was called off."""

    code = "event_not_open"


class EventFull(Conflict):
    """There are not as many seats left; or, for somebody who would wait, the waiting list is full too."""

    code = "event_full"


class EventAlreadyBooked(Conflict):
    """The member has a booking of this session, or waits for one."""

    code = "event_already_booked"


class EventSeatsEach(Conflict):
    """Data: `limit`, how many seats one member may have."""

    code = "event_seats_each"


class EventPriceChanged(Conflict):
    """It costs something else than was shown. Data: `points` for so many seats, `template_id`."""

    code = "event_price_changed"


class EventCouponMissing(Conflict):
    """The member has no coupon of the template that is good in that store now."""

    code = "event_coupon_missing"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """How many seats, the price as it was shown (`points` of all of them), and whether to wait if there are none."""

    seats: int
    points: int
    template_id: str | None
    wait: bool


def book(
    *, member_id: int, session_id: str, wish: Wish, request: idempotency.Request, now: datetime
) -> Booking:
    """Book once; the same key gives the same answer again.

    Raises `NotFound`, `EventNotOpen`, `EventSeatsEach`, `EventPriceChanged`, `EventAlreadyBooked`,
    `EventCouponMissing`, `NotEnough`, `EventFull`, `KeyReused`, `Busy`; then nothing happened.
    """
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, Booking)
            if former is not None:
                return former
            booking_id = _book(session, member_id, session_id, wish, now)
            answer = bookings.show(session, booking_id, now=now)
            idempotency.remember(session, request, answer, now)
            return answer
    except IntegrityError as error:
        if "uq_event_bookings_one_each" in str(error.orig):
            raise EventAlreadyBooked from error
        raise


# The member's row is only shared: a withdrawal under way is waited for, a later one waits.
_MEMBER = text("""
    SELECT m.status, m.birthday, t.code AS tier FROM members m JOIN tiers t ON t.id = m.tier_id
    WHERE m.id = :member_id FOR SHARE OF m""")
_WANTED = text("""
    SELECT s.*, s.state AS session_state, e.state AS event_state, e.store_id, e.content, st.time_zone
    FROM event_sessions s JOIN events e ON e.id = s.event_id JOIN stores st ON st.id = e.store_id
    WHERE s.id = :session_id""")
_HAS = text("""
    SELECT 1 FROM event_bookings
    WHERE session_id = :session_id AND member_id = :member_id AND state <> 'cancelled'""")


def _book(session: Session, member_id: int, session_id: str, wish: Wish, now: datetime) -> str:
    member = session.execute(_MEMBER, {"member_id": member_id}).one()
    if member.status != "active":
        raise Unauthenticated
    wanted = _look(session, session_id, member.tier, wish, now)
    booking_id, redemption_id = new_id(now), None
    if wanted.template_id is not None:
        redemption_id = _use_coupon(
            session, member_id, MemberFacts(tier=member.tier, birthday=member.birthday), wanted, now
        )
    lock_accounts(session, member_id)
    if session.execute(_HAS, {"session_id": session_id, "member_id": member_id}).one_or_none() is not None:
        raise EventAlreadyBooked
    if wish.points:
        posting = Posting(member_id=member_id, unit=POINTS, amount=-wish.points, house="points_spent")
        pay(session, thing_of(booking_id, wanted), [posting], now=now)
    place = _place(session, wanted, wish)
    # Nobody changes the session any more; what was changed since it was looked at, or the event closed, is seen now.
    wanted = _look(session, session_id, member.tier, wish, now)
    _write(session, booking_id, member_id, wanted, wish, redemption_id, place, now)
    return booking_id


def _look(session: Session, session_id: str, tier: str, wish: Wish, now: datetime) -> Row[Any]:
    """The session as it stands, if the member may book it like that. Raises `NotFound`, and as `_check`."""
    wanted = session.execute(_WANTED, {"session_id": session_id}).one_or_none()
    if wanted is None or wanted.event_state == "draft" or not content_of(wanted.content).seen_by(tier):
        raise NotFound
    _check(wanted, wish, now)
    return wanted


def _check(wanted: Row[Any], wish: Wish, now: datetime) -> None:
    begun = wanted.opens_at is None or wanted.opens_at <= now
    if (wanted.event_state, wanted.session_state) != ("live", "open") or not begun or wanted.closes_at <= now:
        raise EventNotOpen
    if wish.seats > wanted.seats_each:
        raise EventSeatsEach(limit=wanted.seats_each)
    price = (wanted.points * wish.seats, wanted.template_id)
    if (wish.points, wish.template_id) != price:
        raise EventPriceChanged(points=price[0], template_id=price[1])


_COUPONS = text("""
    SELECT id FROM coupons WHERE member_id = :member_id AND template_id = :template_id AND state = 'held'
        AND valid_from <= :now AND valid_until > :now ORDER BY valid_until, id LIMIT 20""")


def _use_coupon(
    session: Session, member_id: int, member: MemberFacts, wanted: Row[Any], now: datetime
) -> str:
    """The member's first coupon to end that is good there. Raises `EventCouponMissing`."""
    values = {"member_id": member_id, "template_id": wanted.template_id, "now": now}
    store = StoreFacts(id=wanted.store_id, time_zone=wanted.time_zone)
    for coupon_id in session.scalars(_COUPONS, values).all():
        held, face = redeem.lock(session, coupon_id, member_id)
        if not face.without_sale or refusal_of(held, face, member, store, now):
            continue
        place = redeem.Place(
            store_id=wanted.store_id,
            terminal_id=None,
            staff_id=None,
            business_date=business_date(now, wanted.time_zone),
            now=now,
        )
        return redeem.redeem(session, coupon_id=coupon_id, member_id=member_id, place=place)
    raise EventCouponMissing


_LAST_PLACE = text("""
    SELECT coalesce(max(place), 0) AS last, count(*) FILTER (WHERE state = 'waiting') AS waiting
    FROM event_bookings WHERE session_id = :session_id""")


def _place(session: Session, wanted: Row[Any], wish: Wish) -> int | None:
    """None: the seats are taken; else where the member waits. Raises `EventFull`, `EventNotOpen`."""
    free = {"session_id": wanted.id, "starts_at": wanted.starts_at, "seats": wish.seats}
    if seats.take(session, **free):
        return None
    found = seats.lock(session, wanted.id)
    if found.state != "open" or found.starts_at != wanted.starts_at:
        raise EventNotOpen
    # One may have come free between the two.
    if seats.take(session, **free):
        return None
    last = session.execute(_LAST_PLACE, {"session_id": wanted.id}).one()
    if not wish.wait or last.waiting >= seats.MOST_WAITING:
        raise EventFull
    return int(last.last) + 1


def _write(
    session: Session,
    booking_id: str,
    member_id: int,
    wanted: Row[Any],
    wish: Wish,
    redemption_id: str | None,
    place: int | None,
    now: datetime,
) -> None:
    session.execute(
        into(EventBooking),
        {
            "id": booking_id,
            "session_id": wanted.id,
            "member_id": member_id,
            "state": "booked" if place is None else "waiting",
            "seats": wish.seats,
            "points": wish.points,
            "redemption_id": redemption_id,
            "place": place,
            "cancel_until": wanted.starts_at - timedelta(hours=wanted.cancel_hours),
            "asked_at": now,
        },
    )
    payload = {
        "session_id": wanted.id,
        "store_id": wanted.store_id,
        "seats": wish.seats,
        "waits": place is not None,
    }
    tell(session, "event_booked", subject=booking_id, member_id=member_id, payload=payload, now=now)


def thing_of(booking_id: str, where: Any) -> Thing:
    """The booking as the ledger knows it; `where` has the store and its zone."""
    return Thing(source_type=SOURCE, source_id=booking_id, store_id=where.store_id, time_zone=where.time_zone)
