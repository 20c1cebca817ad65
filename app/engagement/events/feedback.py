"""What those who were there say of it: stars and a text, once for each booking, within some days."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.engagement.events import bookings
from app.engagement.events.bookings import Booking
from app.engagement.events.models import EventFeedback
from app.errors import Conflict, Unauthenticated
from app.ids import timeless_id
from app.members.hold import hold

MOST_STARS = 5
LONGEST_COMMENT = 500


class EventFeedbackGiven(Conflict):
    """Said already, and it stays."""

    code = "event_feedback_given"


class EventFeedbackClosed(Conflict):
    """They were not there, it is not over yet, or the days for it are past."""

    code = "event_feedback_closed"


def give(*, member_id: int, booking_id: str, stars: int, comment: str, now: datetime) -> Booking:
    """Raises `NotFound`, `EventFeedbackGiven`, `EventFeedbackClosed`."""
    with transaction() as session:
        if hold(session, member_id) != "active":
            raise Unauthenticated
        booking = bookings.show(session, booking_id, now=now, member_id=member_id)
        if booking.stars is not None:
            raise EventFeedbackGiven
        if booking.feedback_until is None:
            raise EventFeedbackClosed
        values = {"booking_id": booking_id, "opinion_id": timeless_id(), "given_at": now}
        said = insert(EventFeedback).values(**values, stars=stars, comment=comment)
        written = session.execute(said.on_conflict_do_nothing())
        if not written.rowcount:  # type: ignore[attr-defined]
            raise EventFeedbackGiven
        return bookings.show(session, booking_id, now=now)


_ERASE = text("""
    UPDATE event_feedback SET comment = '' WHERE comment <> ''
        AND booking_id IN (SELECT id FROM event_bookings WHERE member_id = :member_id)""")


def erase(session: Session, member_id: int) -> None:
    """The member's words; the stars stay. The caller holds the member."""
    session.execute(_ERASE, {"member_id": member_id})


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """Without a name: what somebody thinks of it is for the people who make it, not to be held against them.

    `opinion_id` and the day, by the store's calendar, tell less than the booking and the moment would.
    """

    opinion_id: str
    session_id: str
    stars: int
    comment: str
    given_on: date


_LISTING = text("""
    SELECT f.opinion_id, b.session_id, f.stars, f.comment,
        CAST(f.given_at AT TIME ZONE st.time_zone AS date) AS given_on
    FROM event_feedback f JOIN event_bookings b ON b.id = f.booking_id JOIN event_sessions s ON s.id = b.session_id
    JOIN events e ON e.id = s.event_id JOIN stores st ON st.id = e.store_id
    WHERE e.id = :event_id AND (CAST(:stores AS bigint[]) IS NULL OR e.store_id = ANY(:stores))
        AND (CAST(:before AS text) IS NULL OR f.opinion_id < :before)
    ORDER BY f.opinion_id DESC LIMIT :limit""")


def listing(
    *, event_id: str, stores: Collection[int] | None, limit: int, before: str | None
) -> list[Opinion]:
    """Of an event, if it is in one of the stores (None: in any), in no order that tells anything."""
    values = {
        "event_id": event_id,
        "stores": None if stores is None else sorted(stores),
        "limit": limit,
        "before": before,
    }
    with reading() as connection:
        return [Opinion(**row._mapping) for row in connection.execute(_LISTING, values)]
