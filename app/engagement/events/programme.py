"""What is on, as one member sees it: the sessions to come, what a seat costs, and whether they can have one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from app.db import reading
from app.engagement.events.event import Content, Terms, content_of, terms_of
from app.errors import NotFound
from app.tiers.card import Card, card_of

#: Why a session cannot be booked now; of one that is `full` one may wait for a seat.
Reason = Literal["booked", "not_yet", "closed", "points", "coupon", "full"]


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A session to come. `booking_id`: the member's own. `reason` None: they can book it now."""

    session_id: str
    terms: Terms
    left: int
    waiting: int
    booking_id: str | None
    reason: Reason | None
    missing_points: int


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`next_at`: when the first of its sessions to come begins, in whole seconds."""

    event_id: str
    content: Content
    store: str
    store_name: str
    time_zone: str
    next_at: datetime
    sessions: Sequence[Offer]


_EVER = datetime(1970, 1, 1, tzinfo=UTC)
_NEXT = """(SELECT date_trunc('second', min(s.starts_at)) FROM event_sessions s
    WHERE s.event_id = e.id AND s.state = 'open' AND s.starts_at > :now
        AND (NOT CAST(:for_points AS boolean) OR s.points > 0))"""
_SEEN = f"""
    SELECT e.id, e.content, st.code AS store, st.name AS store_name, st.time_zone, {_NEXT} AS next_at
    FROM events e JOIN stores st ON st.id = e.store_id
    WHERE e.state = 'live' AND (e.content -> 'tiers' IS NULL OR jsonb_exists(e.content -> 'tiers', :tier))"""  # noqa: S608  # constants of our own
_PAGE = text(f"""
    SELECT * FROM ({_SEEN}) seen WHERE (next_at, id) > (CAST(:after_at AS timestamptz), :after_id)
    ORDER BY next_at, id LIMIT :limit""")  # noqa: S608  # constants of our own
_ONE = text(f"SELECT * FROM ({_SEEN}) seen WHERE id = :event_id AND next_at IS NOT NULL")  # noqa: S608  # constants of our own
_SESSIONS = text("""
    SELECT s.*, own.id AS booking_id, w.waiting, s.template_id IS NULL OR EXISTS (
        SELECT FROM coupons c WHERE c.member_id = :member_id AND c.template_id = s.template_id AND c.state = 'held'
            AND c.valid_from <= :now AND c.valid_until > :now) AS has_coupon
    FROM event_sessions s
    LEFT JOIN event_bookings own ON own.session_id = s.id AND own.member_id = :member_id AND own.state <> 'cancelled'
    CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM event_bookings b
        WHERE b.session_id = s.id AND b.state = 'waiting') w
    WHERE s.event_id = ANY(:ids) AND s.state = 'open' AND s.starts_at > :now ORDER BY s.starts_at, s.id""")


def programme(
    *, member_id: int, for_points: bool, limit: int, after: tuple[datetime, str] | None, now: datetime
) -> list[Shown]:
    """What this member may book, from the next on, behind `after` (`next_at` and id of the one before).

    With `for_points` only what has a session that costs points.
    """
    with reading() as connection:
        card = _card(connection, member_id, now)
        after_at, after_id = after or (_EVER, "")
        values = {"now": now, "tier": card.tier.code, "for_points": for_points, "limit": limit}
        rows = connection.execute(_PAGE, values | {"after_at": after_at, "after_id": after_id}).all()
        return _shown(connection, card, rows, now)


def one(*, member_id: int, event_id: str, now: datetime) -> Shown:
    """Raises `NotFound` for what is not on, or not for this member."""
    with reading() as connection:
        card = _card(connection, member_id, now)
        values = {"now": now, "tier": card.tier.code, "for_points": False, "event_id": event_id}
        rows = connection.execute(_ONE, values).all()
        if not rows:
            raise NotFound
        return _shown(connection, card, rows, now)[0]


def _card(connection: Connection, member_id: int, now: datetime) -> Card:
    card = card_of(connection, member_id, now=now)
    if card is None:
        raise NotFound
    return card


def _shown(connection: Connection, card: Card, rows: Sequence[Any], now: datetime) -> list[Shown]:
    offers: dict[str, list[Offer]] = {row.id: [] for row in rows}
    values = {"ids": list(offers), "member_id": card.member_id, "now": now}
    for row in connection.execute(_SESSIONS, values):
        offers[row.event_id].append(_offer(row, card, now))
    return [
        Shown(
            event_id=row.id,
            content=content_of(row.content),
            store=row.store,
            store_name=row.store_name,
            time_zone=row.time_zone,
            next_at=row.next_at,
            sessions=offers[row.id],
        )
        for row in rows
    ]


def _offer(row: Any, card: Card, now: datetime) -> Offer:
    return Offer(
        session_id=row.id,
        terms=terms_of(row),
        left=row.seats - row.taken,
        waiting=row.waiting,
        booking_id=row.booking_id,
        reason=_reason(row, card.points, now),
        missing_points=max(0, row.points - card.points),
    )


def _reason(row: Any, points: int, now: datetime) -> Reason | None:
    if row.booking_id is not None:
        return "booked"
    if row.opens_at is not None and now < row.opens_at:
        return "not_yet"
    if row.closes_at <= now:
        return "closed"
    if row.points > points:
        return "points"
    if not row.has_coupon:
        return "coupon"
    return "full" if row.taken >= row.seats else None
