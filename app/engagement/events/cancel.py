"""Who gives a booking up: the member, or staff for them."""

from collections.abc import Collection
from datetime import datetime

from app import audit, idempotency
from app.db import transaction
from app.engagement.events import bookings
from app.engagement.events.bookings import Booking
from app.engagement.events.undo import look, undo
from app.errors import NotFound


def by_member(*, member_id: int, booking_id: str, request: idempotency.Request, now: datetime) -> Booking:
    """The member gives it up; the same key gives the same answer again.

    Raises `NotFound`, `EventBookingOver`, `EventBegun`, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Booking)
        if former is not None:
            return former
        found = look(session, booking_id)
        if found.member_id != member_id:
            raise NotFound
        undo(session, found, reason="member", staff_id=None, now=now)
        answer = bookings.show(session, booking_id, now=now)
        idempotency.remember(session, request, answer, now)
        return answer


def by_staff(
    *,
    booking_id: str,
    stores: Collection[int] | None,
    staff_id: int,
    note: str,
    request: idempotency.Request,
    now: datetime,
) -> Booking:
    """Staff give it up for the member, and everything goes back; `stores`: where they may (None: everywhere).

    Raises `NotFound`, `EventBookingOver`, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Booking)
        if former is not None:
            return former
        found = look(session, booking_id)
        if stores is not None and found.store_id not in stores:
            raise NotFound
        undo(session, found, reason="staff", staff_id=staff_id, now=now)
        actor = audit.Actor(type="staff", id=staff_id)
        told = {"store_id": found.store_id, "note": note}
        audit.record(session, actor, "event.cancel_booking", "event_booking", booking_id, now=now, **told)
        answer = bookings.show(session, booking_id, now=now)
        idempotency.remember(session, request, answer, now)
        return answer
