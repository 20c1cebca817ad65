"""Making events and their sessions, and changing them. Every change is a version of the event and in the audit log.

What somebody has booked stays as it was promised: when and where it is and what it costs. The rest may be changed.
"""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.coupons.face import face_of
from app.db import into, transaction
from app.engagement.events import seats
from app.engagement.events.event import (
    MOST_SESSIONS,
    Content,
    Event,
    EventMalformed,
    SessionView,
    Terms,
    one,
    told,
)
from app.engagement.events.models import EventRow, EventSession
from app.errors import Conflict, NotFound, VersionConflict
from app.ids import new_id
from app.pictures import may_name
from app.tiers.models import Tier


class EventOver(Conflict):
    """The event, or the session, was cancelled. Data: `state`."""

    code = "event_over"


class EventBooked(Conflict):
    """Somebody has booked: when it is, what it costs, and where, stays. Cancel it and make another one."""

    code = "event_booked"


class EventSeatsBelow(Conflict):
    """More are booked than that. Data: `taken`."""

    code = "event_seats_below"


def create(*, store_id: int, content: Content, actor: audit.Actor, now: datetime) -> Event:
    """A draft, without sessions. Raises `EventMalformed`."""
    with transaction() as session:
        _check_content(session, content, None)
        event_id = new_id(now)
        values = {"content": msgspec.to_builtins(content), "store_id": store_id}
        by = {"created_by": actor.id if actor.type == "staff" else None, "created_at": now}
        session.execute(
            into(EventRow),
            {
                "id": event_id,
                "version": 1,
                "state": "draft",
                **values,
                **by,
            },
        )
        record(session, actor, "event.create", event_id, now, store_id=store_id, after=values)
        return one(session, event_id)


def change(
    *, event_id: str, version: int, store_id: int, content: Content, actor: audit.Actor, now: datetime
) -> Event:
    """What members read of it, and who may book. Another store only as long as it is a draft.

    Raises `NotFound`, `VersionConflict`, `EventOver`, `EventBooked`, `EventMalformed`.
    """
    with transaction() as session:
        former = locked(session, event_id, version)
        if store_id != former.store_id and former.state != "draft":
            raise EventBooked
        _check_content(session, content, former.content.picture_id)
        values = {"content": msgspec.to_builtins(content), "store_id": store_id}
        next_version(session, former, **values)
        before = {"content": msgspec.to_builtins(former.content), "store_id": former.store_id}
        record(session, actor, "event.change", event_id, now, store_id=store_id, before=before, after=values)
        return one(session, event_id)


def add_session(*, event_id: str, version: int, terms: Terms, actor: audit.Actor, now: datetime) -> Event:
    """Another time at which it takes place. Raises `NotFound`, `VersionConflict`, `EventOver`, `EventMalformed`."""
    with transaction() as session:
        event = locked(session, event_id, version)
        if len(event.sessions) >= MOST_SESSIONS:
            raise EventMalformed(reason=f"sessions: at most {MOST_SESSIONS}")
        _check(session, terms, now)
        session_id = new_id(now)
        session.execute(
            into(EventSession),
            {
                "id": session_id,
                "event_id": event_id,
                **_values(terms),
            },
        )
        next_version(session, event)
        after = told(terms) | {"session_id": session_id}
        record(session, actor, "event.add_session", event_id, now, store_id=event.store_id, after=after)
        return one(session, event_id)


def change_session(
    *, event_id: str, session_id: str, version: int, terms: Terms, actor: audit.Actor, now: datetime
) -> Event:
    """The session, whole. More seats go to those who wait.

    Raises `NotFound`, `VersionConflict`, `EventOver`, `EventBooked`, `EventSeatsBelow`, `EventMalformed`.
    """
    with transaction() as session:
        event = locked(session, event_id, version)
        former = session_of(event, session_id)
        seats.lock(session, session_id)
        _check_kept(session, former, terms)
        _check(session, terms, now)
        session.execute(update(EventSession).where(EventSession.id == session_id).values(**_values(terms)))
        seats.promote(session, session_id, now)
        next_version(session, event)
        before = told(former.terms) | {"session_id": session_id}
        record(
            session,
            actor,
            "event.change_session",
            event_id,
            now,
            store_id=event.store_id,
            before=before,
            after=told(terms),
        )
        return one(session, event_id)


def locked(session: Session, event_id: str, version: int) -> Event:
    """The event, if that is its version; one change after the other.

    Raises `NotFound`, `VersionConflict`, `EventOver` for one that was cancelled.
    """
    session.execute(select(EventRow.id).where(EventRow.id == event_id).with_for_update())
    event = one(session, event_id)
    if event.version != version:
        raise VersionConflict(version=event.version)
    if event.state == "cancelled":
        raise EventOver(state=event.state)
    return event


def session_of(event: Event, session_id: str) -> SessionView:
    """Raises `NotFound`, `EventOver`."""
    found = next((one for one in event.sessions if one.session_id == session_id), None)
    if found is None:
        raise NotFound
    if found.state != "open":
        raise EventOver(state=found.state)
    return found


def next_version(session: Session, former: Event, **values: Any) -> None:
    session.execute(
        update(EventRow).where(EventRow.id == former.event_id).values(version=former.version + 1, **values)
    )


def record(
    session: Session, actor: audit.Actor, action: str, event_id: str, now: datetime, **data: Any
) -> None:
    audit.record(session, actor, action, "event", event_id, now=now, **data)


def _values(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.__dataclass_fields__}


_BOOKED = text("""
    SELECT s.taken, EXISTS (SELECT FROM event_bookings b WHERE b.session_id = s.id AND b.state <> 'cancelled') AS booked
    FROM event_sessions s WHERE s.id = :id""")


def _check_kept(session: Session, former: SessionView, terms: Terms) -> None:
    """The session is locked: nobody books it meanwhile."""
    found = session.execute(_BOOKED, {"id": former.session_id}).one()
    fixed = ("starts_at", "ends_at", "points", "template_id")
    if found.booked and any(getattr(former.terms, name) != getattr(terms, name) for name in fixed):
        raise EventBooked
    if terms.seats < found.taken:
        raise EventSeatsBelow(taken=found.taken)


_FACE = text("""
    SELECT f.face FROM coupon_templates t JOIN coupon_faces f ON f.template_id = t.id AND f.version = t.face_version
    WHERE t.id = :id""")


def _check(session: Session, terms: Terms, now: datetime) -> None:
    """Raises `EventMalformed`."""
    fault = terms.fault
    if fault is None and terms.starts_at <= now:
        fault = "starts_at is in the past"
    if fault is None and terms.template_id is not None:
        face = session.execute(_FACE, {"id": terms.template_id}).scalar_one_or_none()
        if face is None:
            fault = "template_id: no such template of coupons"
        elif not face_of(face).without_sale:
            fault = "template_id: its coupons cannot be used without a purchase"
    if fault is not None:
        raise EventMalformed(reason=fault)


def _check_content(session: Session, content: Content, former_picture: str | None) -> None:
    known = set(session.scalars(select(Tier.code).where(Tier.code.in_(content.tiers))))
    if set(content.tiers) - known:
        raise EventMalformed(reason="tiers: no such tier")
    if not may_name(session, content.picture_id, former=former_picture):
        raise EventMalformed(reason="picture_id: there is no such picture")
