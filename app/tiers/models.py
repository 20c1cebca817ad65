"""Tiers, as stored. Every member is in one; the first, `normal`, comes with the schema."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class Tier(Base):
    """A word that people know. How a tier is reached, and which is higher, stands in the plan."""

    __tablename__ = "tiers"

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    code: Mapped[str] = mapped_column(String(24), unique=True)
    name_zh: Mapped[str] = mapped_column(String(24))
    name_en: Mapped[str] = mapped_column(String(24))


class TierPlan(Base):
    """Append-only: of the versions that have begun the highest holds. `definition` is a `Plan` (app/tiers/plan.py)."""

    __tablename__ = "tier_plans"
    __table_args__ = (
        CheckConstraint("version > 0", "version_positive"),
        # What has been decided stays decided: recomputing the past must find the plans that held then.
        CheckConstraint("effective_from >= created_at", "not_in_the_past"),
    )

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    effective_from: Mapped[datetime] = mapped_column(UTCDateTime)
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class TierChange(Base):
    """Append-only: what happened to a member's tier; the last row says where they stand.

    `at` is when it holds from, `decided_at` when it was written down. `amount` is what counted, in the plan's basis;
    `sale_id` the purchase that did it. `gift_points` is the gift that goes with it, 0 for none; `gifts_undone` are the
    tiers whose gift it takes back, because the sale that brought it should not have been recorded. After that the tier
    may bring its next gift: `gift_no`.
    `counts_from` and `valid_through` are the days of the period in which the tier has to be earned again.
    """

    __tablename__ = "tier_changes"
    __table_args__ = (
        CheckConstraint("kind IN ('upgrade', 'keep', 'demote', 'plan', 'mend', 'void')", "kind"),
        CheckConstraint("(kind = 'keep') <= (from_tier = to_tier)", "kept_is_the_same"),
        CheckConstraint("(counts_from IS NULL) = (valid_through IS NULL)", "period_whole"),
        CheckConstraint("gift_points >= 0", "gift_not_negative"),
        CheckConstraint("gifts_undone = '{}' OR kind IN ('void', 'mend')", "gifts_undone"),
        Index(
            "ix_tier_changes_gift_once",
            "member_id",
            "to_tier",
            "gift_no",
            unique=True,
            postgresql_where=text("gift_points > 0"),
        ),
    )

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(8))
    from_tier: Mapped[str] = mapped_column(String(24), ForeignKey("tiers.code"))
    to_tier: Mapped[str] = mapped_column(String(24), ForeignKey("tiers.code"))
    plan_version: Mapped[int] = mapped_column(ForeignKey("tier_plans.version"))
    amount: Mapped[int] = mapped_column(BigInteger)
    sale_id: Mapped[str | None] = mapped_column(String(26))
    gift_points: Mapped[int] = mapped_column(BigInteger)
    gift_no: Mapped[int] = mapped_column(server_default="1")
    gifts_undone: Mapped[list[str]] = mapped_column(ARRAY(String(24)), server_default="{}")
    counts_from: Mapped[date | None]
    valid_through: Mapped[date | None]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime)


class TierReview(Base):
    """When a member's tier is to be looked at next (`due_at` None: when they buy), and by which plan it was last.

    Its row is the lock: whoever decides about a member's tier holds it.
    """

    __tablename__ = "tier_reviews"
    __table_args__ = (
        Index("ix_tier_reviews_due_at", "due_at"),
        Index("ix_tier_reviews_plan_version", "plan_version"),
    )

    member_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("members.id"), primary_key=True, autoincrement=False
    )
    plan_version: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
