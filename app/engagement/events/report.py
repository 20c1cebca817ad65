"""What an event has brought: who booked and came, what they paid, and how they liked it."""

from dataclasses import dataclass

from sqlalchemy import text

from app.db import reading


@dataclass(frozen=True, kw_only=True)
class Report:
    """Seats in sessions that are not cancelled, and what became of bookings. `stars_hundredths`: 425 is 4.25.

    `points` are those paid less what went back; `coupons` uses of coupons that stand.
    """

    sessions: int
    seats: int
    booked: int
    waiting: int
    attended: int
    no_show: int
    cancelled: int
    members: int
    points: int
    coupons: int
    feedback: int
    stars_hundredths: int | None


_REPORT = text("""
    SELECT t.sessions, t.seats, t.booked, b.waiting, b.attended, b.no_show, b.cancelled, b.members, b.points, b.coupons,
        b.feedback, b.stars_hundredths
    FROM (SELECT count(*) AS sessions, coalesce(sum(seats), 0)::integer AS seats,
            coalesce(sum(taken), 0)::integer AS booked
        FROM event_sessions WHERE event_id = :id AND state = 'open') t
    CROSS JOIN (
        SELECT coalesce(sum(b.seats) FILTER (WHERE b.state = 'waiting'), 0)::integer AS waiting,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'attended'), 0)::integer AS attended,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'no_show'), 0)::integer AS no_show,
            coalesce(sum(b.seats) FILTER (WHERE b.state = 'cancelled'), 0)::integer AS cancelled,
            count(DISTINCT b.member_id) FILTER (WHERE b.state <> 'cancelled') AS members,
            coalesce(sum(b.points - b.points_back), 0)::bigint AS points,
            count(r.id) FILTER (WHERE r.undone_at IS NULL) AS coupons, count(f.booking_id) AS feedback,
            (100 * sum(f.stars) / nullif(count(f.booking_id), 0))::integer AS stars_hundredths
        FROM event_sessions s JOIN event_bookings b ON b.session_id = s.id
        LEFT JOIN coupon_redemptions r ON r.id = b.redemption_id LEFT JOIN event_feedback f ON f.booking_id = b.id
        WHERE s.event_id = :id) b""")


def report(*, event_id: str) -> Report:
    """As it stands now."""
    with reading() as connection:
        return Report(**connection.execute(_REPORT, {"id": event_id}).one()._mapping)
