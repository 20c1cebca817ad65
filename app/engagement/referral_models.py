"""Members who bring members, as stored."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class InviteCode(Base):
    """By which a member invites; drawn at random, so it tells nothing of them and leads to nobody else's."""

    __tablename__ = "invite_codes"
    __table_args__ = (UniqueConstraint("code"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class MemberDevice(Base):
    """On which devices a member has logged in: keyed hashes, a few for each, forgotten after a while."""

    __tablename__ = "member_devices"
    __table_args__ = (
        Index("ix_member_devices_device", "device"),
        Index("ix_member_devices_seen_at", "seen_at"),
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    device: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StaffMembership(Base):
    """That a member works here: they and whom they bring are given nothing for it."""

    __tablename__ = "staff_memberships"
    __table_args__ = (Index("ix_staff_memberships_staff_id", "staff_id"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ReferralRow(Base):
    """Who joined by whose invite, written with the new member and never changed.

    pending → rewarded ⇄ taken_back, or pending → blocked for `reason`. `sale_id` is the purchase that counted, which
    came to `at_least_fen`; `nth` of at most `most` that were counted for the inviter, `nth_of_day` on `counted_on`: a
    referral counts once, also when it is taken back and earned again.
    """

    __tablename__ = "referrals"
    __table_args__ = (
        UniqueConstraint("newcomer_id"),
        UniqueConstraint("activity_id", "inviter_id", "nth"),
        UniqueConstraint("activity_id", "inviter_id", "counted_on", "nth_of_day"),
        CheckConstraint("inviter_id <> newcomer_id", "not_oneself"),
        CheckConstraint("buy_until > joined_at", "buys_after_joining"),
        CheckConstraint("state IN ('pending', 'rewarded', 'taken_back', 'blocked')", "state"),
        CheckConstraint(
            "reason IN ('self', 'staff', 'same_person', 'same_device', 'same_phone', 'inviter_inactive', 'cap',"
            " 'day_cap')",
            "reason",
        ),
        CheckConstraint("(state = 'blocked') = (reason IS NOT NULL)", "blocked_for_a_reason"),
        CheckConstraint(
            "num_nonnulls(sale_id, at_least_fen, rewarded_at, counted_on, nth, most, nth_of_day, most_a_day)"
            " = CASE WHEN state IN ('rewarded', 'taken_back') THEN 8 ELSE 0 END",
            "rewarded_whole",
        ),
        CheckConstraint(
            "sale_id IS NOT NULL OR num_nonnulls(inviter_grant_id, newcomer_grant_id) = 0", "grants_rewarded"
        ),
        CheckConstraint("(state = 'taken_back') = (taken_back_at IS NOT NULL)", "taken_back"),
        CheckConstraint("nth BETWEEN 1 AND most", "within_cap"),
        CheckConstraint("nth_of_day BETWEEN 1 AND most_a_day", "within_day_cap"),
        Index("ix_referrals_activity_id_id", "activity_id", "id"),
        Index("ix_referrals_inviter_id_id", "inviter_id", "id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"))
    inviter_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    newcomer_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    joined_at: Mapped[datetime] = mapped_column(UTCDateTime)
    buy_until: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str | None] = mapped_column(String(16))
    sale_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("sales.id"))
    at_least_fen: Mapped[int | None] = mapped_column(BigInteger)
    rewarded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    counted_on: Mapped[date | None]
    nth: Mapped[int | None]
    most: Mapped[int | None]
    nth_of_day: Mapped[int | None]
    most_a_day: Mapped[int | None]
    inviter_grant_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("activity_grants.id"))
    newcomer_grant_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("activity_grants.id"))
    taken_back_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
