"""Rules of discount, as stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class DiscountRuleVersion(Base):
    """A version of a rule; append-only. Of the versions of a `rule_no` that have begun the highest holds.

    `definition` is the struct of app/discounts/rules.py. `approval_id` is there when a second person had to agree.
    """

    __tablename__ = "discount_rules"
    __table_args__ = (
        UniqueConstraint("rule_no", "version"),
        UniqueConstraint("approval_id"),
        CheckConstraint("effective_until >= effective_from", "ends_after_it_begins"),
        CheckConstraint("priority BETWEEN -1000 AND 1000", "priority"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    rule_no: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    priority: Mapped[int]
    group: Mapped[str] = mapped_column(String(24))
    alone: Mapped[bool]
    effective_from: Mapped[datetime] = mapped_column(UTCDateTime)
    effective_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
