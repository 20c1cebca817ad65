"""Rules by which points are earned, and what limited rules gave today, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class EarnRule(Base):
    """A version of a rule; append-only. Of the versions of a `rule_no` that have begun the highest holds.

    `approval_id` is there when a second person had to agree (app/points/rule_limits.py).

    It counts while `effective_until` has not come; a version that ends when it begins ends the rule.
    `definition` is one of the structs of app/points/rules.py, by `kind`.
    """

    __tablename__ = "earn_rules"
    __table_args__ = (
        UniqueConstraint("rule_no", "version"),
        UniqueConstraint("approval_id"),
        CheckConstraint("kind IN ('base', 'multiplier', 'extra')", "kind"),
        CheckConstraint("applies_to IN ('sale', 'top_up')", "applies_to"),
        CheckConstraint("stacking IN ('add', 'best')", "stacking"),
        CheckConstraint("effective_until >= effective_from", "ends_after_it_begins"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    rule_no: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    kind: Mapped[str] = mapped_column(String(10))
    applies_to: Mapped[str] = mapped_column(String(6))
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    priority: Mapped[int]
    stacking: Mapped[str] = mapped_column(String(4))
    effective_from: Mapped[datetime] = mapped_column(UTCDateTime)
    effective_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Adjustment(Base):
    """Points moved by hand, append-only. `alone_points` is the limit that held: above it there is an approval."""

    __tablename__ = "points_adjustments"
    __table_args__ = (
        UniqueConstraint("approval_id"),
        CheckConstraint("points <> 0", "points_not_zero"),
        CheckConstraint("abs(points) <= alone_points OR approval_id IS NOT NULL", "second_person"),
        Index("ix_points_adjustments_requested_by", "requested_by", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    points: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(16))
    note: Mapped[str] = mapped_column(String(200))
    alone_points: Mapped[int] = mapped_column(BigInteger)
    requested_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class EarnCount(Base):
    """What a rule with a daily limit gave a member on a business day; the database itself refuses more than `most`."""

    __tablename__ = "earn_counts"
    __table_args__ = (CheckConstraint("points <= most", "within_limit"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    rule_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    points: Mapped[int] = mapped_column(BigInteger)
    most: Mapped[int] = mapped_column(BigInteger)
