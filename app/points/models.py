"""The earning rules, as stored."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class EarnRule(Base):
    """Append-only: the newest rule in force holds, a store's own before the brand's (no store).

    `rate_bp` is points per yuan in basis points: 10,000 gives one point for each yuan paid.
    A store rule without a rate hands the store back to the brand's rule.
    """

    __tablename__ = "earn_rules"
    __table_args__ = (
        CheckConstraint("rate_bp BETWEEN 0 AND 1000000", "rate_within"),
        CheckConstraint("lifetime_days BETWEEN 1 AND 3660", "lifetime_within"),
        CheckConstraint("store_id IS NOT NULL OR rate_bp IS NOT NULL", "brand_has_rate"),
        Index("ix_earn_rules_in_force", "store_id", "effective_from", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    rate_bp: Mapped[int | None]
    lifetime_days: Mapped[int | None]
    effective_from: Mapped[datetime] = mapped_column(UTCDateTime)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
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
