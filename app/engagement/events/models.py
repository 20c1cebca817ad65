"""Events, their sessions, bookings and what members thought of it, as stored. What was paid stands in the ledger."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class EventRow(Base):
    """What is on in a store; what its `content` says is event.py's.

    draft → live ⇄ closed (no more bookings); live, closed → cancelled
    """

    __tablename__ = "events"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'live', 'closed', 'cancelled')", "state"),
        CheckConstraint("version > 0", "version_positive"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(9))
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class EventSession(Base):
    """One time at which it takes place. `taken` of its `seats` are booked.

    A seat costs `points`, or a use of a coupon of the template; neither: it is free. Booked within
    `[opens_at, closes_at)`, given up with everything back until `cancel_hours` before the start.
    """

    __tablename__ = "event_sessions"
    __table_args__ = (
        CheckConstraint("state IN ('open', 'cancelled')", "state"),
        CheckConstraint("ends_at > starts_at AND closes_at <= starts_at AND closes_at > opens_at", "times"),
        CheckConstraint("taken BETWEEN 0 AND seats", "never_over"),
        CheckConstraint("seats_each BETWEEN 1 AND seats AND least(points, cancel_hours) >= 0", "bounds"),
        CheckConstraint("template_id IS NULL OR (points = 0 AND seats_each = 1)", "one_price"),
        Index("ix_event_sessions_event_id", "event_id", "starts_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    event_id: Mapped[str] = mapped_column(String(26), ForeignKey("events.id"))
    state: Mapped[str] = mapped_column(String(9), server_default="open")
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opens_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    closes_at: Mapped[datetime] = mapped_column(UTCDateTime)
    cancel_hours: Mapped[int]
    seats: Mapped[int]
    taken: Mapped[int] = mapped_column(server_default="0")
    seats_each: Mapped[int]
    points: Mapped[int] = mapped_column(BigInteger)
    template_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("coupon_templates.id"))


class EventBooking(Base):
    """Seats of a session for a member, paid for with all of it, `points` or the redemption.

    waiting → booked → attended | no_show; waiting, booked → cancelled

    Who waits does so at a `place`, which stays when they come up (`promoted_at`). A member has one of a session that is
    not cancelled. `points_back` went back when it was.
    """

    __tablename__ = "event_bookings"
    __table_args__ = (
        UniqueConstraint("session_id", "place", name="uq_event_bookings_place"),
        UniqueConstraint("redemption_id"),
        CheckConstraint("state IN ('waiting', 'booked', 'attended', 'no_show', 'cancelled')", "state"),
        CheckConstraint("least(seats, place) > 0 AND points >= 0", "positive"),
        CheckConstraint("redemption_id IS NULL OR points = 0", "one_price"),
        CheckConstraint(
            "CASE WHEN state = 'waiting' THEN place IS NOT NULL AND promoted_at IS NULL"
            " ELSE promoted_at IS NULL OR place IS NOT NULL END",
            "waits_at_a_place",
        ),
        CheckConstraint(
            "num_nonnulls(attended_at, attended_by, terminal_id)"
            " = CASE state WHEN 'attended' THEN 3 ELSE 0 END",
            "attended",
        ),
        CheckConstraint(
            "num_nonnulls(cancelled_at, cancelled_for) = CASE state WHEN 'cancelled' THEN 2 ELSE 0 END",
            "cancelled",
        ),
        CheckConstraint(
            "cancelled_for IN ('member', 'staff', 'shop', 'not_reached', 'withdrawn')", "cancelled_for"
        ),
        CheckConstraint(
            "(cancelled_by IS NOT NULL) = (cancelled_for IS NOT DISTINCT FROM 'staff')", "cancelled_by"
        ),
        CheckConstraint(
            "points_back BETWEEN 0 AND points AND (state = 'cancelled' OR points_back = 0)", "points_back"
        ),
        Index(
            "uq_event_bookings_one_each",
            "session_id",
            "member_id",
            unique=True,
            postgresql_where=text("state <> 'cancelled'"),
        ),
        Index("ix_event_bookings_member_id", "member_id", "id"),
        Index("ix_event_bookings_session_id", "session_id", "id"),
        Index(
            "ix_event_bookings_open", "session_id", postgresql_where=text("state IN ('waiting', 'booked')")
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    session_id: Mapped[str] = mapped_column(String(26), ForeignKey("event_sessions.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    state: Mapped[str] = mapped_column(String(9))
    seats: Mapped[int]
    points: Mapped[int] = mapped_column(BigInteger)
    redemption_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("coupon_redemptions.id"))
    place: Mapped[int | None]
    cancel_until: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    promoted_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    attended_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    terminal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cancelled_for: Mapped[str | None] = mapped_column(String(11))
    cancelled_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    points_back: Mapped[int] = mapped_column(BigInteger, server_default="0")


class EventFeedback(Base):
    """What somebody who was there says of it; append-only, but that the words can be erased. `opinion_id` is random:
    those who read what was said do not learn from it whose it is."""

    __tablename__ = "event_feedback"
    __table_args__ = (UniqueConstraint("opinion_id"), CheckConstraint("stars BETWEEN 1 AND 5", "stars"))

    booking_id: Mapped[str] = mapped_column(String(26), ForeignKey("event_bookings.id"), primary_key=True)
    opinion_id: Mapped[str] = mapped_column(String(26))
    stars: Mapped[int]
    comment: Mapped[str] = mapped_column(String(500))
    given_at: Mapped[datetime] = mapped_column(UTCDateTime)
