"""Events at the till: the member's code is scanned at the door, and they are checked in (docs/events.md)."""

from datetime import datetime

from app import idempotency
from app.checkout.ticket import present
from app.db import transaction
from app.engagement.events import bookings, check_in
from app.engagement.events.bookings import Booking
from app.staff.clerks import named_clerk, with_named_clerk
from app.stores.tills import Till


def of_today(*, till: Till, ticket: str, limit: int, before: str | None, now: datetime) -> list[Booking]:
    """What the member of the ticket has booked in this store today.

    Raises `TicketUnknown`, `TicketExpired`, `TicketEarnsOnly`, `Forbidden` for a clerk who may not sell here.
    """
    with transaction() as session:
        member_id = present(session, with_named_clerk(session, till), ticket, now).member_id
        return bookings.of_today(
            session,
            member_id=member_id,
            store_id=till.store_id,
            time_zone=till.time_zone,
            limit=limit,
            before=before,
            now=now,
        )


def check_in_member(
    *, till: Till, ticket: str, booking_id: str, request: idempotency.Request, now: datetime
) -> Booking:
    """Write down that they are there; the same key gives the same answer again.

    Raises `NotFound` for what is not theirs here, `EventBookingOver`, `EventNotNow`, `TicketUnknown`, `TicketExpired`,
    `TicketEarnsOnly`, `Forbidden` without a clerk who may, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Booking)
        if former is not None:
            return former
        till, staff_id = named_clerk(session, till)
        member_id = present(session, till, ticket, now).member_id
        check_in.check_in(
            session, booking_id=booking_id, member_id=member_id, till=till, staff_id=staff_id, now=now
        )
        answer = bookings.show(session, booking_id, now=now)
        idempotency.remember(session, request, answer, now)
        return answer
