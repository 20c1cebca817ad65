"""Seats of a session and its waiting list. Everybody who wants the same waits at the session's row: it is taken last.

A free seat goes to the first on the list for whom the free seats are enough, in the transaction that made them free. So
whoever waits wants more than is free, and a new booking that fits takes from nobody.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from app.engagement.events.when import when
from app.facts.tell import tell

MOST_WAITING = 500

_TAKE = text("""
    UPDATE event_sessions SET taken = taken + :seats
    WHERE id = :id AND state = 'open' AND starts_at = :starts_at AND taken + :seats <= seats""")
_LOCK = text("SELECT state, starts_at FROM event_sessions WHERE id = :id FOR UPDATE")
_PUT_BACK = text("UPDATE event_sessions SET taken = taken - :seats WHERE id = :id")


def take(session: Session, *, session_id: str, starts_at: datetime, seats: int) -> bool:
    """So many, if there are as many, of a session that still is and at that time."""
    values = {"id": session_id, "starts_at": starts_at, "seats": seats}
    return bool(session.execute(_TAKE, values).rowcount)  # type: ignore[attr-defined]


def lock(session: Session, session_id: str) -> Row[Any]:
    """Its `state` and `starts_at`; until the transaction ends nobody takes a seat, gives one back or begins to wait."""
    return session.execute(_LOCK, {"id": session_id}).one()


def put_back(session: Session, *, session_id: str, seats: int) -> None:
    session.execute(_PUT_BACK, {"id": session_id, "seats": seats})


_NEXT = text("""
    SELECT b.id, b.member_id, b.seats, b.cancel_until, s.starts_at, s.ends_at, st.time_zone, st.name AS store, e.content
    FROM event_sessions s JOIN events e ON e.id = s.event_id JOIN stores st ON st.id = e.store_id
    JOIN event_bookings b ON b.session_id = s.id AND b.state = 'waiting' AND b.seats <= s.seats - s.taken
    JOIN members m ON m.id = b.member_id AND m.status = 'active'
    WHERE s.id = :id AND s.state = 'open' AND s.starts_at > :now ORDER BY b.place LIMIT 1 FOR UPDATE OF b""")
_PROMOTE = text("""
    UPDATE event_bookings SET state = 'booked', promoted_at = :now, cancel_until = :cancel_until WHERE id = :id""")


def promote(session: Session, session_id: str, now: datetime) -> None:
    """Give what is free to those who wait. The session is locked.

    Who comes up when the time to give up has passed already may do so until it begins.
    """
    while (first := session.execute(_NEXT, {"id": session_id, "now": now}).one_or_none()) is not None:
        until = first.cancel_until if first.cancel_until > now else first.starts_at
        session.execute(_PROMOTE, {"id": first.id, "now": now, "cancel_until": until})
        take(session, session_id=session_id, starts_at=first.starts_at, seats=first.seats)
        payload = told(first)
        tell(session, "event_promoted", subject=first.id, member_id=first.member_id, payload=payload, now=now)


def told(row: Any) -> dict[str, Any]:
    """What a message says of a session."""
    times = (row.starts_at, row.ends_at, row.time_zone)
    return {
        "title_zh": row.content["title_zh"],
        "title_en": row.content["title_en"],
        "store": row.store,
        "when_zh": when(*times, "zh"),
        "when_en": when(*times, "en"),
    }
