"""Putting an event on, closing its bookings, and calling it or one of its sessions off.

What was booked of what is called off is given back by the worker (sweep.py), one booking after the other.
"""

from datetime import datetime

from sqlalchemy import text

from app import audit
from app.db import transaction
from app.engagement.events.change import EventOver, locked, next_version, record, session_of
from app.engagement.events.event import Event, one


def publish(*, event_id: str, version: int, actor: audit.Actor, now: datetime) -> Event:
    """Members see it and may book, again too. Raises `NotFound`, `VersionConflict`, `EventOver`."""
    return _set(event_id, version, "live", "event.publish", actor, now)


def close(*, event_id: str, version: int, actor: audit.Actor, now: datetime) -> Event:
    """No more bookings; those there are stay. Raises `NotFound`, `VersionConflict`, `EventOver`."""
    return _set(event_id, version, "closed", "event.close", actor, now)


# What is over already was, and stays as it went.
_CALL_OFF = text("""
    UPDATE event_sessions SET state = 'cancelled'
    WHERE event_id = :event_id AND state = 'open' AND ends_at > :now
        AND (CAST(:only AS text) IS NULL OR id = :only)""")


def cancel(*, event_id: str, version: int, note: str, actor: audit.Actor, now: datetime) -> Event:
    """Call it off, for good. Raises `NotFound`, `VersionConflict`, `EventOver`."""
    with transaction() as session:
        event = locked(session, event_id, version)
        session.execute(_CALL_OFF, {"event_id": event_id, "now": now, "only": None})
        next_version(session, event, state="cancelled")
        record(session, actor, "event.cancel", event_id, now, store_id=event.store_id, note=note)
        return one(session, event_id)


def cancel_session(
    *, event_id: str, session_id: str, version: int, note: str, actor: audit.Actor, now: datetime
) -> Event:
    """Call one of its times off, for good. Raises as `cancel`; `EventOver` for one that is over as well."""
    with transaction() as session:
        event = locked(session, event_id, version)
        session_of(event, session_id)
        called_off = session.execute(_CALL_OFF, {"event_id": event_id, "now": now, "only": session_id})
        if not called_off.rowcount:  # type: ignore[attr-defined]
            raise EventOver(state="over")
        next_version(session, event)
        told = {"store_id": event.store_id, "session_id": session_id, "note": note}
        record(session, actor, "event.cancel_session", event_id, now, **told)
        return one(session, event_id)


def _set(event_id: str, version: int, state: str, action: str, actor: audit.Actor, now: datetime) -> Event:
    with transaction() as session:
        event = locked(session, event_id, version)
        if state == "closed" and event.state == "draft":
            raise EventOver(state=event.state)
        next_version(session, event, state=state)
        record(session, actor, action, event_id, now, store_id=event.store_id)
        return one(session, event_id)
