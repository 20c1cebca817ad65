"""Bookings as members, tills and the back office see them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app import policies
from app.clock import business_date, start_of_day
from app.db import reading
from app.engagement.events.policy import EventPolicy
from app.errors import NotFound
from app.tiers.card import masked_name, masked_no

STATES = ("waiting", "booked", "attended", "no_show", "cancelled")


@dataclass(frozen=True, kw_only=True)
class Booking:
    """A member's seats, or their place on the waiting list. `member` and `member_no` are masked.

    `position`: how many are before them on it, and they. `may_cancel_until`: when the session begins; None: not any
    more. Until `cancel_until` everything comes back, later `late_return_percent` of the points. `points_back` is what
    went back. `feedback_until`: from the end on, as long as something can be said of it.
    """

    booking_id: str
    session_id: str
    event_id: str
    title_zh: str
    title_en: str
    state: str
    seats: int
    points: int
    by_coupon: bool
    position: int | None
    store: str
    store_name: str
    time_zone: str
    starts_at: datetime
    ends_at: datetime
    asked_at: datetime
    cancel_until: datetime
    may_cancel_until: datetime | None
    late_return_percent: int
    attended_at: datetime | None
    cancelled_at: datetime | None
    cancelled_for: str | None
    points_back: int
    stars: int | None
    feedback_until: datetime | None
    member_no: str
    member: str


_BOOKINGS = """
    SELECT b.*, e.id AS event_id, e.content, s.starts_at, s.ends_at, st.code AS store, st.name AS store_name,
        st.time_zone, m.member_no, m.name AS member_name, f.stars, CASE WHEN b.state = 'waiting' THEN (
            SELECT count(*) FROM event_bookings w WHERE w.session_id = b.session_id AND w.state = 'waiting'
                AND w.place <= b.place) END AS position
    FROM event_bookings b JOIN event_sessions s ON s.id = b.session_id JOIN events e ON e.id = s.event_id
    JOIN stores st ON st.id = e.store_id JOIN members m ON m.id = b.member_id
    LEFT JOIN event_feedback f ON f.booking_id = b.id"""
_PAGED = "(CAST(:before AS text) IS NULL OR b.id < :before) ORDER BY b.id DESC LIMIT :limit"
_ONE = text(
    f"{_BOOKINGS} WHERE b.id = :booking_id AND (CAST(:member_id AS bigint) IS NULL OR b.member_id = :member_id)"
)
_OF_MEMBER = text(f"{_BOOKINGS} WHERE b.member_id = :member_id AND {_PAGED}")
_TODAY = text(f"""{_BOOKINGS}
    WHERE b.member_id = :member_id AND e.store_id = :store_id AND b.state = 'booked' AND s.state = 'open'
        AND s.starts_at < :tomorrow AND s.ends_at > :now AND {_PAGED}""")
_OF_SESSION = text(f"""{_BOOKINGS}
    WHERE b.session_id = :session_id AND (CAST(:state AS text) IS NULL OR b.state = :state)
        AND (CAST(:stores AS bigint[]) IS NULL OR e.store_id = ANY(:stores)) AND {_PAGED}""")


def show(
    connection: Session | Connection, booking_id: str, *, now: datetime, member_id: int | None = None
) -> Booking:
    """A booking, of that member if one is given. Raises `NotFound`."""
    row = connection.execute(_ONE, {"booking_id": booking_id, "member_id": member_id}).one_or_none()
    if row is None:
        raise NotFound
    return _bookings(connection, [row], now)[0]


def own(*, member_id: int, booking_id: str, now: datetime) -> Booking:
    """One of the member's. Raises `NotFound`."""
    with reading() as connection:
        return show(connection, booking_id, now=now, member_id=member_id)


def of_member(*, member_id: int, limit: int, before: str | None, now: datetime) -> list[Booking]:
    """All of a member's, the newest first."""
    values = {"member_id": member_id, "limit": limit, "before": before}
    with reading() as connection:
        return _bookings(connection, connection.execute(_OF_MEMBER, values).all(), now)


def of_today(
    connection: Session | Connection,
    *,
    member_id: int,
    store_id: int,
    time_zone: str,
    limit: int,
    before: str | None,
    now: datetime,
) -> list[Booking]:
    """Those of the member in that store that are on today, by its calendar, and not over."""
    tomorrow = start_of_day(business_date(now, time_zone) + timedelta(days=1), time_zone)
    values = {"member_id": member_id, "store_id": store_id, "limit": limit, "before": before}
    rows = connection.execute(_TODAY, values | {"now": now, "tomorrow": tomorrow}).all()
    return _bookings(connection, rows, now)


def of_session(
    *,
    session_id: str,
    stores: Collection[int] | None,
    state: str | None,
    limit: int,
    before: str | None,
    now: datetime,
) -> list[Booking]:
    """Those of a session, if it is in one of the stores (None: in any), the newest first."""
    values = {
        "session_id": session_id,
        "stores": None if stores is None else sorted(stores),
        "state": state,
        "limit": limit,
        "before": before,
    }
    with reading() as connection:
        return _bookings(connection, connection.execute(_OF_SESSION, values).all(), now)


def _bookings(connection: Session | Connection, rows: Sequence[Any], now: datetime) -> list[Booking]:
    if not rows:
        return []
    policy = policies.in_force(connection, EventPolicy).value
    return [_booking(row, policy, now) for row in rows]


def _booking(row: Any, policy: EventPolicy, now: datetime) -> Booking:
    open_ = row.state in ("waiting", "booked") and now < row.starts_at
    feedback_until = row.ends_at + timedelta(days=policy.feedback_days)
    may_say = row.state == "attended" and row.stars is None and row.ends_at <= now < feedback_until
    same = (
        "session_id",
        "event_id",
        "state",
        "seats",
        "points",
        "position",
        "store",
        "store_name",
        "time_zone",
    )
    times = ("starts_at", "ends_at", "asked_at", "cancel_until", "attended_at", "cancelled_at")
    more = ("cancelled_for", "points_back", "stars")
    return Booking(
        booking_id=row.id,
        title_zh=row.content["title_zh"],
        title_en=row.content["title_en"],
        by_coupon=row.redemption_id is not None,
        may_cancel_until=row.starts_at if open_ else None,
        late_return_percent=policy.late_return_percent,
        feedback_until=feedback_until if may_say else None,
        member_no=masked_no(row.member_no),
        member=masked_name(row.member_name),
        **{name: getattr(row, name) for name in (*same, *times, *more)},
    )
