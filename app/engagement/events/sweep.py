"""What time does to bookings: what was called off is given back, and to whoever waited in vain; seats of members who
have left go to others; who did not come is noted.

Each booking by itself; safe in several workers, late, and twice.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import TextClause, text

from app.db import transaction
from app.engagement.events.undo import EventBookingOver, Reason, look, undo
from app.pruning import always

_BATCH = 200
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
_NO_SHOW = text("""
    UPDATE event_bookings SET state = 'no_show' WHERE id IN (
        SELECT b.id FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id
        WHERE s.state = 'open' AND s.ends_at <= :now AND b.state = 'booked'
        ORDER BY b.id LIMIT :limit FOR UPDATE OF b SKIP LOCKED)""")


def sweep(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """How many bookings it has ended."""
    undone = _undo_all(_CALLED_OFF, "shop", now, keep_going)
    undone += _undo_all(_NOT_REACHED, "not_reached", now, keep_going)
    undone += _undo_all(_WITHDRAWN, "withdrawn", now, keep_going)
    return undone + _note_no_shows(now, keep_going)


def _undo_all(due: TextClause, reason: Reason, now: datetime, keep_going: Callable[[], bool]) -> int:
    undone, after = 0, ""
    while keep_going():
        with transaction() as session:
            found = list(session.scalars(due, {"now": now, "after": after, "limit": _BATCH}))
        for booking_id in found:
            if not keep_going():
                return undone
            undone += _undo(booking_id, reason, now)
            after = booking_id
        if len(found) < _BATCH:
            break
    return undone


def _undo(booking_id: str, reason: Reason, now: datetime) -> bool:
    """Whoever was faster, a member who gives up or another worker, has done it already."""
    with transaction() as session:
        try:
            undo(session, look(session, booking_id), reason=reason, staff_id=None, now=now)
        except EventBookingOver:
            return False
    return True


def _note_no_shows(now: datetime, keep_going: Callable[[], bool]) -> int:
    noted = 0
    while keep_going():
        with transaction() as session:
            batch: int = session.execute(_NO_SHOW, {"now": now, "limit": _BATCH}).rowcount  # type: ignore[attr-defined]
        noted += batch
        if batch < _BATCH:
            break
    return noted
