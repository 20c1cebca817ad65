"""What those who were there say of it: stars and a text, once for each booking, within some days."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert

from app.db import reading, transaction
from app.engagement.events import bookings
from app.engagement.events.bookings import Booking
from app.engagement.events.models import EventFeedback
from app.errors import Conflict

MOST_STARS = 5
LONGEST_COMMENT = 500


class EventFeedbackGiven(Conflict):
    """Said already, and it stays."""

    code = "event_feedback_given"


class EventFeedbackClosed(Conflict):
    """They were not there, or the days for it are over."""

    code = "event_feedback_closed"


def give(*, member_id: int, booking_id: str, stars: int, comment: str, now: datetime) -> Booking:
    """Raises `NotFound`, `EventFeedbackGiven`, `EventFeedbackClosed`."""
    with transaction() as session:
        booking = bookings.show(session, booking_id, now=now, member_id=member_id)
        if booking.stars is not None:
            raise EventFeedbackGiven
        if booking.feedback_until is None:
            raise EventFeedbackClosed
        values = {"booking_id": booking_id, "stars": stars, "comment": comment, "given_at": now}
        written = session.execute(insert(EventFeedback).values(**values).on_conflict_do_nothing())
        if not written.rowcount:  # type: ignore[attr-defined]
            raise EventFeedbackGiven
        return bookings.show(session, booking_id, now=now)


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """Without a name: what somebody thinks of it is for the people who make it, not to be held against them."""

    booking_id: str
    session_id: str
    stars: int
    comment: str
    given_at: datetime


_LISTING = text("""
    SELECT f.booking_id, b.session_id, f.stars, f.comment, f.given_at
    FROM event_feedback f JOIN event_bookings b ON b.id = f.booking_id JOIN event_sessions s ON s.id = b.session_id
    JOIN events e ON e.id = s.event_id
    WHERE e.id = :event_id AND (CAST(:stores AS bigint[]) IS NULL OR e.store_id = ANY(:stores))
        AND (CAST(:before AS text) IS NULL OR f.booking_id < :before)
    ORDER BY f.booking_id DESC LIMIT :limit""")


def listing(
    *, event_id: str, stores: Collection[int] | None, limit: int, before: str | None
) -> list[Opinion]:
    """Of an event, if it is in one of the stores (None: in any), of the newest booking first."""
    values = {
        "event_id": event_id,
        "stores": None if stores is None else sorted(stores),
        "limit": limit,
        "before": before,
    }
    with reading() as connection:
        return [Opinion(**row._mapping) for row in connection.execute(_LISTING, values)]
