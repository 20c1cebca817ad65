"""What time does to bookings: what was called off is given back, and to whoever waited in vain; seats of members who
have left go to others; who did not come is noted.

Each booking by itself; safe in several workers, late, and twice.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial

from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from app.db import transaction
from app.engagement.ending import BATCH, end_each
from app.engagement.events.undo import EventBookingOver, Reason, look, undo
from app.pruning import always, in_batches

_CALLED_OFF = text("""
    SELECT b.id FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id
    WHERE s.state = 'cancelled' AND b.state IN ('waiting', 'booked') AND b.id > :after ORDER BY b.id LIMIT :limit""")
_NOT_REACHED = text("""
    SELECT b.id FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id
    WHERE s.state = 'open' AND s.starts_at <= :now AND b.state = 'waiting' AND b.id > :after
    ORDER BY b.id LIMIT :limit""")
_WITHDRAWN = text("""
    SELECT b.id FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id
    JOIN members m ON m.id = b.member_id
    WHERE s.state = 'open' AND s.starts_at > :now AND b.state IN ('waiting', 'booked') AND m.status = 'withdrawn'
        AND b.id > :after ORDER BY b.id LIMIT :limit""")
_UNDONE: tuple[tuple[TextClause, Reason], ...] = (
    (_CALLED_OFF, "shop"),
    (_NOT_REACHED, "not_reached"),
    (_WITHDRAWN, "withdrawn"),
)
_NO_SHOW = text("""
    UPDATE event_bookings SET state = 'no_show' WHERE id IN (
        SELECT b.id FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id
        WHERE s.state = 'open' AND s.ends_at <= :now AND b.state = 'booked'
        ORDER BY b.id LIMIT :limit FOR UPDATE OF b SKIP LOCKED)""")


def sweep(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """How many bookings it has ended."""
    ended = 0
    for due, reason in _UNDONE:
        ended += end_each(due, partial(_undo, reason=reason, now=now), now=now, keep_going=keep_going)
    return ended + in_batches(partial(_note_no_shows, now=now), most=BATCH, keep_going=keep_going)


def _undo(booking_id: str, *, reason: Reason, now: datetime) -> bool:
    """Whoever was faster, a member who gives up or another worker, has done it already."""
    with transaction() as session:
        try:
            undo(session, look(session, booking_id), reason=reason, staff_id=None, now=now)
        except EventBookingOver:
            return False
    return True


def _note_no_shows(session: Session, most: int, *, now: datetime) -> int:
    return session.execute(_NO_SHOW, {"now": now, "limit": most}).rowcount  # type: ignore[attr-defined,no-any-return]
