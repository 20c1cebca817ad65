"""Offers for top-ups, and top-ups, as stored. What came of them stands in the ledger."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class OfferVersion(Base):
    """A version of an offer; append-only. Of the versions of an `offer_no` that have begun the highest holds.

    It counts while `effective_until` has not come; a version that ends when it begins ends the offer. The bonus comes
    in `bonus_parts`, the first at once, the others a month apart; each lasts `bonus_days` (None: for ever).
    """

    __tablename__ = "top_up_offers"
    __table_args__ = (
        UniqueConstraint("offer_no", "version"),
        UniqueConstraint("approval_id"),
        CheckConstraint("pay_fen > 0", "pay_positive"),
        CheckConstraint("bonus_fen >= 0 AND points >= 0", "gift_not_negative"),
        CheckConstraint("bonus_fen + points + coupon_count > 0", "gives_something"),
        CheckConstraint("coupon_count >= 0 AND (coupon_template_id IS NULL) = (coupon_count = 0)", "coupons"),
        CheckConstraint("bonus_parts BETWEEN 1 AND greatest(bonus_fen, 1)", "parts_hold_something"),
        CheckConstraint("effective_until >= effective_from", "ends_after_it_begins"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    offer_no: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    pay_fen: Mapped[int] = mapped_column(BigInteger)
    bonus_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    first_only: Mapped[bool]
    most_per_member: Mapped[int | None]
    bonus_parts: Mapped[int]
    bonus_days: Mapped[int | None]
    points_days: Mapped[int | None]
    effective_from: Mapped[datetime] = mapped_column(UTCDateTime)
    effective_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    coupon_template_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("coupon_templates.id"))
    coupon_count: Mapped[int] = mapped_column(server_default="0")


class TopUp(Base):
    """Money a member pays in, and what they get for it, fixed when it is ordered.

        at a till          waiting (for a second person) → credited | closed, or credited at once
        by WeChat Pay      created → credited | closed; closed → credited, should money come all the same

    That it was paid and that it stands in the books is one transaction, so there is no state between the two. Its id is
    the number WeChat Pay knows it by. `asked_at` is when we last asked there. `points` are those of the offer;
    `points_earned` came by rules, `earned` says by which, `rule_id` is the leading one.
    """

    __tablename__ = "top_ups"
    __table_args__ = (
        UniqueConstraint("ticket_id"),
        UniqueConstraint("store_id", "receipt_no"),
        UniqueConstraint("approval_id"),
        UniqueConstraint("transaction_id"),
        CheckConstraint("method IN ('cash', 'card', 'wechat_pay')", "method"),
        CheckConstraint("state IN ('created', 'waiting', 'credited', 'closed')", "state"),
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint("bonus_fen >= 0 AND points >= 0", "gift_not_negative"),
        CheckConstraint("offer_id IS NOT NULL OR bonus_fen + points = 0", "no_gift_without_offer"),
        CheckConstraint("(state = 'credited') = (credited_at IS NOT NULL)", "credited_at"),
        CheckConstraint("state <> 'waiting' OR approval_id IS NOT NULL", "waiting_has_approval"),
        CheckConstraint(
            "method = 'wechat_pay' OR num_nonnulls(store_id, terminal_id, ticket_id, receipt_no) = 4",
            "at_a_till",
        ),
        CheckConstraint(
            "(method = 'wechat_pay') = (expires_at IS NOT NULL)"
            " AND state <> CASE method WHEN 'wechat_pay' THEN 'waiting' ELSE 'created' END",
            "by_wechat_pay",
        ),
        CheckConstraint(
            "(transaction_id IS NULL) = (paid_at IS NULL)"
            " AND (method <> 'wechat_pay' OR (state = 'credited') = (paid_at IS NOT NULL))",
            "paid",
        ),
        Index("ix_top_ups_member_id", "member_id", "id"),
        Index(
            "ix_top_ups_terminal_id_credited_at",
            "terminal_id",
            "credited_at",
            postgresql_where=text("terminal_id IS NOT NULL"),
        ),
        Index("uq_top_ups_one_open", "member_id", unique=True, postgresql_where=text("state = 'created'")),
        CheckConstraint(
            "points_earned >= 0 AND (state = 'credited' OR points_earned = 0)", "earned_once_credited"
        ),
        Index("ix_top_ups_waiting", "approval_id", postgresql_where=text("state = 'waiting'")),
        Index("ix_top_ups_open", "created_at", postgresql_where=text("state = 'created'")),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    method: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(8))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    bonus_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger)
    offer_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("top_up_offers.id"))
    policy_version: Mapped[int]
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    ticket_id: Mapped[str | None] = mapped_column(String(43))
    receipt_no: Mapped[str | None] = mapped_column(String(40))
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    transaction_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    credited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    points_earned: Mapped[int] = mapped_column(BigInteger, server_default="0")
    rule_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("earn_rules.id"))
    earned: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
