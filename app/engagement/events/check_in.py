"""Who is there: once, in the store of the event, on its day, to the member whose code was scanned there."""

from datetime import datetime

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app import audit
from app.clock import business_date
from app.engagement.events.models import EventBooking
from app.engagement.events.undo import EventBookingOver
from app.errors import Conflict, NotFound
from app.facts.tell import tell
from app.stores.tills import Till


class EventNotNow(Conflict):
    """People are checked in on the day it begins, by the store's calendar, until it ends. Data: `starts_at`."""

    code = "event_not_now"


_LOCK = text("""
    SELECT b.state, b.session_id, b.seats, s.state AS session_state, s.starts_at, s.ends_at
    FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id JOIN events e ON e.id = s.event_id
    WHERE b.id = :id AND b.member_id = :member_id AND e.store_id = :store_id FOR UPDATE OF b""")


def check_in(
    session: Session, *, booking_id: str, member_id: int, till: Till, staff_id: int, now: datetime
) -> None:
    """They are there. Raises `NotFound` for what is not theirs here, `EventBookingOver`, `EventNotNow`."""
    values = {"id": booking_id, "member_id": member_id, "store_id": till.store_id}
    found = session.execute(_LOCK, values).one_or_none()
    if found is None:
        raise NotFound
    if found.state != "booked" or found.session_state != "open":
        raise EventBookingOver(state=found.state if found.session_state == "open" else "cancelled")
    zone = till.time_zone
    if business_date(now, zone) < business_date(found.starts_at, zone) or found.ends_at <= now:
        raise EventNotNow(starts_at=found.starts_at)
    session.execute(
        update(EventBooking)
        .where(EventBooking.id == booking_id)
        .values(state="attended", attended_at=now, attended_by=staff_id, terminal_id=till.terminal_id)
    )
    actor = audit.Actor(type="staff", id=staff_id)
    audit.record(
        session, actor, "event.check_in", "event_booking", booking_id, now=now, store_id=till.store_id
    )
    payload = {"session_id": found.session_id, "store_id": till.store_id, "seats": found.seats}
    tell(session, "event_attended", subject=booking_id, member_id=member_id, payload=payload, now=now)
