"""Coupons given to named members by the back office, and coupons recalled by it, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class CouponGrant(Base):
    """A wish to give each of the named members `count` coupons; `coupons` of them in all, but for those
    who were refused when they were named.

        waiting (for a second person) → open → done, or closed; or open at once

    Each member gets theirs in a transaction of their own, so an open grant may be half done: whoever asks again with
    its key goes on, and so does the worker, who notes in `tried_at` that it is at it.
    """

    __tablename__ = "coupon_grants"
    __table_args__ = (
        UniqueConstraint("approval_id"),
        CheckConstraint("state IN ('waiting', 'open', 'done', 'closed')", "state"),
        CheckConstraint("count > 0 AND coupons >= 0", "count_positive"),
        CheckConstraint("approval_id IS NOT NULL OR state IN ('open', 'done')", "waiting_has_approval"),
        CheckConstraint("approval_id IS NOT NULL OR coupons <= alone_grants", "second_person"),
        Index("ix_coupon_grants_open", "id", postgresql_where=text("state = 'open'")),
        Index("ix_coupon_grants_requested_by_created_at", "requested_by", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(26), ForeignKey("coupon_templates.id"))
    count: Mapped[int]
    coupons: Mapped[int]
    reason: Mapped[str] = mapped_column(String(200))
    requested_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    alone_grants: Mapped[int]
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    state: Mapped[str] = mapped_column(String(7))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    tried_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class CouponGrantMember(Base):
    """What became of one of the named: `left` until it is known; `refusal` is the code of what stood against it.

    Without a `member_no` they were named by phone number; without a `member_id` it was refused when it was named.
    `uses` and `valid_through` are what is left of a holding from another system (None: as the template gives).
    """

    __tablename__ = "coupon_grant_members"
    __table_args__ = (
        UniqueConstraint("grant_id", "member_id"),
        CheckConstraint("state IN ('left', 'issued', 'refused')", "state"),
        CheckConstraint("(state = 'refused') = (refusal IS NOT NULL)", "refused_has_code"),
        CheckConstraint("state <> 'issued' OR member_id IS NOT NULL", "issued_to_a_member"),
        CheckConstraint("member_id IS NOT NULL OR state = 'refused'", "nobody_is_refused"),
        CheckConstraint("uses > 0", "uses_positive"),
    )

    grant_id: Mapped[str] = mapped_column(String(26), ForeignKey("coupon_grants.id"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_no: Mapped[str | None] = mapped_column(String(20))
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    state: Mapped[str] = mapped_column(String(7), server_default="left")
    refusal: Mapped[str | None] = mapped_column(String(40))
    uses: Mapped[int | None]
    valid_through: Mapped[date | None]


class CouponRecall(Base):
    """Coupons that were taken away, or are to be once a second person has agreed; append-only but for how it ended.

    `wanted` are the ids, or the template with the source of those it gave. The numbers are there when it is `done`.
    """

    __tablename__ = "coupon_recalls"
    __table_args__ = (
        UniqueConstraint("approval_id"),
        CheckConstraint("state IN ('waiting', 'done', 'closed')", "state"),
        CheckConstraint("approval_id IS NOT NULL OR state = 'done'", "waiting_has_approval"),
        CheckConstraint("approval_id IS NOT NULL OR recalled <= alone_recalls", "second_person"),
        CheckConstraint("least(recalled, kept, unused_uses, unused_value_fen) >= 0", "numbers"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", "done_at"),
        Index("ix_coupon_recalls_requested_by_created_at", "requested_by", "created_at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    wanted: Mapped[dict[str, Any]] = mapped_column(JSONB)
    reason: Mapped[str] = mapped_column(String(200))
    requested_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    alone_recalls: Mapped[int]
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    state: Mapped[str] = mapped_column(String(7))
    recalled: Mapped[int] = mapped_column(server_default="0")
    kept: Mapped[int] = mapped_column(server_default="0")
    unused_uses: Mapped[int] = mapped_column(BigInteger, server_default="0")
    unused_value_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
