"""Events to test with, and members who book them."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from app import clock, db
from app.audit import OPERATOR
from app.clock import HOME_ZONE, business_date, start_of_day
from app.engagement.events import change, states
from app.engagement.events.event import Event, Terms, content_of
from app.work import send_messages
from tests.app.engagement.offering import work
from tests.app.stored_value.offering import ticket
from tests.shop import Phone, Shop

HOUR = timedelta(hours=1)
TASTING = {"title_zh": "品鉴会", "title_en": "Tasting"}


def terms(*, starts_at: datetime | None = None, **what: Any) -> Terms:
    """Three seats for 100 points each in two days, to be given up until a day before."""
    begins = starts_at or clock.now() + 48 * HOUR
    known: dict[str, Any] = {
        "starts_at": begins,
        "ends_at": begins + 2 * HOUR,
        "seats": 3,
        "seats_each": 1,
        "points": 100,
        "template_id": None,
        "cancel_hours": 24,
        "opens_at": None,
        "closes_at": begins,
    }
    return Terms(**known | what)


def event(shop: Shop, *sessions: Terms, store_id: int | None = None, **content: Any) -> Event:
    """A live one in store S001 with these sessions."""
    now = clock.now()
    made = change.create(
        store_id=store_id or shop.store.id, content=content_of(TASTING | content), actor=OPERATOR, now=now
    )
    for one in sessions:
        made = change.add_session(
            event_id=made.event_id, version=made.version, terms=one, actor=OPERATOR, now=now
        )
    return states.publish(event_id=made.event_id, version=made.version, actor=OPERATOR, now=now)


def session(shop: Shop, **what: Any) -> str:
    """The one session of a live event."""
    return event(shop, terms(**what)).sessions[0].session_id


def asked(phone: Phone, session_id: str, *, key: str | None = None, **wish: Any) -> Any:
    """The answer to a booking of one seat for 100 points."""
    return phone.post(
        f"/events/sessions/{session_id}/bookings",
        json={"points": 100} | wish,
        headers={"Idempotency-Key": key or uuid.uuid4().hex},
    )


def booked(phone: Phone, session_id: str, **wish: Any) -> dict[str, Any]:
    made = asked(phone, session_id, **wish)
    assert made.status_code == 201, made.json
    return dict(made.json)


def waits(phone: Phone, session_id: str, **wish: Any) -> dict[str, Any]:
    made = booked(phone, session_id, wait=True, **wish)
    assert made["state"] == "waiting"
    return made


def given_up(phone: Phone, booking_id: str, *, key: str | None = None) -> Any:
    return phone.post(f"/bookings/{booking_id}/cancel", headers={"Idempotency-Key": key or uuid.uuid4().hex})


def moved(session_id: str, starts_at: datetime) -> None:
    """As if it had been planned for then: time passes in no test."""
    with db.transaction() as open_:
        open_.execute(
            text("""
                UPDATE event_sessions SET starts_at = :at, ends_at = CAST(:at AS timestamptz) + interval '2 hours',
                    closes_at = least(closes_at, :at) WHERE id = :id"""),
            {"id": session_id, "at": starts_at},
        )
        open_.execute(
            text("""
                UPDATE event_bookings b SET cancel_until = s.starts_at - make_interval(hours => s.cancel_hours)
                FROM event_sessions s WHERE s.id = b.session_id AND s.id = :id AND b.state IN ('waiting', 'booked')"""),
            {"id": session_id},
        )


def soon() -> datetime:
    """In half a minute, but not tomorrow by the clock of the store."""
    now = clock.now()
    tomorrow = start_of_day(business_date(now, HOME_ZONE) + timedelta(days=1), HOME_ZONE)
    return min(now + timedelta(seconds=30), tomorrow - timedelta(microseconds=1))


def attended(shop: Shop, phone: Phone, session_id: str, staff_no: str, **wish: Any) -> str:
    """A booking whose member was there: the session begins now."""
    made = booked(phone, session_id, **wish)
    moved(session_id, soon())
    body = {"ticket": ticket(shop, phone), "staff_no": staff_no}
    done = shop.till.post(f"/bookings/{made['id']}/check-in", body)
    assert done.status_code == 201, done.json
    return str(made["id"])


def inbox(shop: Shop, phone: Phone, *, later: timedelta = timedelta(0)) -> list[dict[str, str]]:
    """What the worker has told the member."""
    work(shop.app)
    send_messages(shop.parts, lambda: clock.now() + later)
    return list(phone.get("/me/messages").json["items"])


def ended(session_id: str) -> None:
    """It is over now."""
    with db.transaction() as open_:
        open_.execute(
            text("""
                UPDATE event_sessions SET ends_at = :now, starts_at = CAST(:now AS timestamptz) - interval '2 hours',
                    closes_at = least(closes_at, CAST(:now AS timestamptz) - interval '2 hours') WHERE id = :id"""),
            {"id": session_id, "now": clock.now()},
        )
