"""What an event has brought: who booked and came, what they paid and bought, and how they liked it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from app import policies
from app.clock import business_date, start_of_day
from app.coupons.costs import USED_FEN
from app.db import reading
from app.engagement.bought import Bought, Span, bought_by, conversion
from app.engagement.events.event import Event
from app.settlement.policy import SettlementPolicy


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What seats were given for instead of money: points at what the policy `settlement` says one costs, and coupons
    at what those used are worth, as in the report of an activity."""

    points_fen: int
    coupons_used_fen: int

    @property
    def total_fen(self) -> int:
        return self.points_fen + self.coupons_used_fen


@dataclass(frozen=True, kw_only=True)
class Report:
    """Seats in sessions that are not cancelled, and what became of bookings. `stars_hundredths`: 425 is 4.25.

    Of the `members` with bookings that stand, `came` were there. `points` are those paid less `points_back`; `coupons`
    uses of coupons that stand. `during` and `before` are what those who came bought in its store: on the days from its
    first session to its last, and on as many before.
    """

    sessions: int
    seats: int
    booked: int
    waiting: int
    attended: int
    no_show: int
    cancelled: int
    members: int
    came: int
    points: int
    points_back: int
    coupons: int
    feedback: int
    stars_hundredths: int | None
    during: Bought
    before: Bought
    cost: Cost


_REPORT = text(f"""
    SELECT t.sessions, t.seats, t.booked, b.waiting, b.attended, b.no_show, b.cancelled, b.members, b.came, b.points,
        b.points_back, b.coupons, b.feedback, b.stars_hundredths, b.coupons_used_fen
    FROM (SELECT count(*) AS sessions, coalesce(sum(seats), 0)::integer AS seats,
            coalesce(sum(taken), 0)::integer AS booked
        FROM event_sessions WHERE event_id = :id AND state = 'open') t
    CROSS JOIN (
        SELECT coalesce(sum(b.seats) FILTER (WHERE b.state = 'waiting'), 0)::integer AS waiting,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'attended'), 0)::integer AS attended,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'no_show'), 0)::integer AS no_show,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'cancelled'), 0)::integer AS cancelled,
            count(DISTINCT b.member_id) FILTER (WHERE b.state <> 'cancelled') AS members,
            count(DISTINCT b.member_id) FILTER (WHERE b.state = 'attended') AS came,
            coalesce(sum(b.points - b.points_back), 0)::bigint AS points,
            coalesce(sum(b.points_back), 0)::bigint AS points_back,
            count(r.id) AS coupons, coalesce(sum({USED_FEN}) FILTER (WHERE r.id IS NOT NULL), 0)::bigint
                AS coupons_used_fen,
            count(o.booking_id) AS feedback,
            (100 * sum(o.stars) / nullif(count(o.booking_id), 0))::integer AS stars_hundredths
        FROM event_sessions s JOIN event_bookings b ON b.session_id = s.id
        LEFT JOIN coupon_redemptions r ON r.id = b.redemption_id AND r.undone_at IS NULL
        LEFT JOIN coupons c ON c.id = r.coupon_id LEFT JOIN coupon_faces f ON f.id = c.face_id
        LEFT JOIN event_feedback o ON o.booking_id = b.id
        WHERE s.event_id = :id) b""")  # noqa: S608  # a constant of our own
_BOUGHT = bought_by("""
    SELECT b.member_id FROM event_sessions s JOIN event_bookings b ON b.session_id = s.id
    WHERE s.event_id = :id AND b.state = 'attended'""")


def report(*, event: Event, now: datetime) -> Report:
    """Up to now."""
    with reading() as connection:
        told: dict[str, Any] = dict(connection.execute(_REPORT, {"id": event.event_id}).one()._mapping)
        during, before = _conversion(connection, event, now)
        policy = policies.in_force(connection, SettlementPolicy).value
    cost = Cost(points_fen=policy.points_fen(told["points"]), coupons_used_fen=told.pop("coupons_used_fen"))
    return Report(**told, during=during, before=before, cost=cost)


def _conversion(connection: Connection, event: Event, now: datetime) -> tuple[Bought, Bought]:
    """By whole days of its store: who comes buys before a session or after it."""
    held = [one.terms for one in event.sessions if one.state == "open"]
    if not held:
        return Bought(), Bought()
    first = business_date(min(one.starts_at for one in held), event.time_zone)
    last = business_date(max(one.ends_at for one in held), event.time_zone)
    span = Span(
        starts_at=start_of_day(first, event.time_zone),
        ends_at=start_of_day(last + timedelta(days=1), event.time_zone),
        stores={event.store_id},
    )
    return conversion(connection, _BOUGHT, {"id": event.event_id}, span, now)
