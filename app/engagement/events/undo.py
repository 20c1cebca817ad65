"""A booking is undone: what was paid goes back as the rule of cancelling says, and its seats to whoever waits."""

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Row, text, update
from sqlalchemy.orm import Session

from app import policies
from app.coupons.restore import Undoing, lock_use, take_back
from app.engagement.events import seats
from app.engagement.events.book import thing_of
from app.engagement.events.models import EventBooking
from app.engagement.events.policy import EventPolicy
from app.engagement.purse import pay_back
from app.errors import Conflict, NotFound
from app.facts.tell import tell
from app.ledger.post import lock_accounts

Reason = Literal["member", "staff", "shop", "not_reached", "withdrawn"]
#: Of what the member has not done themselves they are told.
_TOLD: dict[Reason, str] = {"shop": "event_called_off", "not_reached": "event_not_reached"}


class EventBookingOver(Conflict):
    """Cancelled, or they were there, or not. Data: `state`."""

    code = "event_booking_over"


class EventBegun(Conflict):
    """Once it has begun members cannot give their seats up themselves."""

    code = "event_begun"


_LOOK = text("""
    SELECT b.id, b.member_id, b.session_id, b.redemption_id, s.starts_at, s.ends_at, e.store_id, e.content,
        st.time_zone, st.name AS store
    FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id JOIN events e ON e.id = s.event_id
    JOIN stores st ON st.id = e.store_id WHERE b.id = :id""")
_LOCK = text("SELECT state, seats, points, cancel_until FROM event_bookings WHERE id = :id FOR UPDATE")


def look(session: Session, booking_id: str) -> Row[Any]:
    """What of a booking never changes, and where it is. Raises `NotFound`."""
    row = session.execute(_LOOK, {"id": booking_id}).one_or_none()
    if row is None:
        raise NotFound
    return row


def undo(session: Session, found: Row[Any], *, reason: Reason, staff_id: int | None, now: datetime) -> None:
    """Undo a booking that `look` found. Raises `EventBookingOver`, `EventBegun`.

    Everything goes back but to a member who gives up, too late, a seat of what takes place. Locks as whoever books: the
    coupon, the accounts, the session; then the booking, which may have ended since it was looked at.
    """
    use = None if found.redemption_id is None else lock_use(session, found.redemption_id)
    lock_accounts(session, found.member_id)
    where = seats.lock(session, found.session_id)
    booking = session.execute(_LOCK, {"id": found.id}).one()
    if booking.state not in ("waiting", "booked"):
        raise EventBookingOver(state=booking.state)
    if reason == "member" and where.starts_at <= now:
        raise EventBegun
    policy = policies.in_force(session, EventPolicy).value
    late = booking.state == "booked" and booking.cancel_until <= now and where.state == "open"
    percent = policy.late_return_percent if late and reason == "member" else 100
    back = pay_back(
        session,
        thing_of(found.id, found),
        grace_days=policy.grace_days,
        staff_id=staff_id,
        now=now,
        percent=percent,
    )
    if use is not None and percent == 100:
        undoing = Undoing(refund_id=None, staff_id=staff_id, store_id=found.store_id, now=now)
        take_back(session, [use], undoing)
    _end(session, found, reason=reason, staff_id=staff_id, points_back=back, now=now)
    if booking.state == "booked":
        seats.put_back(session, session_id=found.session_id, seats=booking.seats)
        seats.promote(session, found.session_id, now)


def _end(
    session: Session,
    found: Row[Any],
    *,
    reason: Reason,
    staff_id: int | None,
    points_back: int,
    now: datetime,
) -> None:
    values = {
        "cancelled_at": now,
        "cancelled_for": reason,
        "cancelled_by": staff_id,
        "points_back": points_back,
    }
    session.execute(
        update(EventBooking).where(EventBooking.id == found.id).values(state="cancelled", **values)
    )
    payload = {"reason": reason, "points_back": points_back, **seats.told(found)}
    kind = _TOLD.get(reason, "event_booking_cancelled")
    tell(session, kind, subject=found.id, member_id=found.member_id, payload=payload, now=now)
