"""Refunds of top-ups, as stored. What they moved stands in the ledger."""

from datetime import date, datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class TopUpRefund(Base):
    """A part of a top-up, or all that is left of it, that goes back.

        at a till          done at once
        by WeChat Pay      asked → done | failed

    With the row the value is out of the member's account; `failed` puts it back. `amount_fen` is the money, what is
    given back of the principal less what was deducted for bonus that had been spent. Its id is the number WeChat Pay
    knows it by. `tried_at` is when we last asked there, `accepted` that WeChat Pay knows it, `trouble` what stands
    against it, `paid_at` when WeChat Pay says it was paid.
    """

    __tablename__ = "top_up_refunds"
    __table_args__ = (
        UniqueConstraint("store_id", "refund_no"),
        UniqueConstraint("approval_id"),
        CheckConstraint("method IN ('cash', 'card', 'wechat_pay')", "method"),
        CheckConstraint("state IN ('asked', 'done', 'failed')", "state"),
        CheckConstraint(
            "amount_fen > 0 AND amount_fen = principal_fen - deducted_fen AND least(deducted_fen, bonus_fen) >= 0"
            " AND deducted_fen <= bonus_charged_fen",
            "sums",
        ),
        CheckConstraint("(state = 'asked') = (ended_at IS NULL)", "ended"),
        CheckConstraint(
            "CASE method WHEN 'wechat_pay' THEN num_nonnulls(store_id, terminal_id, refund_no) = 0"
            " ELSE num_nonnulls(store_id, terminal_id, refund_no) = 3 AND state = 'done' END",
            "where",
        ),
        CheckConstraint("method <> 'wechat_pay' OR state <> 'done' OR paid_at IS NOT NULL", "paid"),
        CheckConstraint("amount_fen <= alone_fen OR approval_id IS NOT NULL", "second_person"),
        Index("ix_top_up_refunds_top_up_id", "top_up_id"),
        Index(
            "uq_top_up_refunds_one_asked", "top_up_id", unique=True, postgresql_where=text("state = 'asked'")
        ),
        Index("ix_top_up_refunds_asked", "asked_at", postgresql_where=text("state = 'asked'")),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    top_up_id: Mapped[str] = mapped_column(String(26), ForeignKey("top_ups.id"))
    method: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(6))
    principal_fen: Mapped[int] = mapped_column(BigInteger)
    deducted_fen: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    bonus_fen: Mapped[int] = mapped_column(BigInteger)
    bonus_charged_fen: Mapped[int] = mapped_column(BigInteger)
    cooling_off: Mapped[bool]
    policy_version: Mapped[int]
    reason: Mapped[str] = mapped_column(String(16))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    refund_no: Mapped[str | None] = mapped_column(String(40))
    alone_fen: Mapped[int] = mapped_column(BigInteger)
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    business_date: Mapped[date]
    tried_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    accepted: Mapped[bool]
    trouble: Mapped[str | None] = mapped_column(String(32))
    paid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class TopUpRefundPoints(Base):
    """What a refund took back of the points that one entry had given for the top-up. Append-only."""

    __tablename__ = "top_up_refund_points"
    __table_args__ = (
        CheckConstraint(
            "points > 0 AND points = points_taken + points_owed + points_lapsed"
            " AND least(points_taken, points_owed, points_lapsed) >= 0",
            "whole",
        ),
    )

    refund_id: Mapped[str] = mapped_column(String(26), ForeignKey("top_up_refunds.id"), primary_key=True)
    entry_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ledger_entries.id"), primary_key=True, autoincrement=False
    )
    points: Mapped[int] = mapped_column(BigInteger)
    points_taken: Mapped[int] = mapped_column(BigInteger)
    points_owed: Mapped[int] = mapped_column(BigInteger)
    points_lapsed: Mapped[int] = mapped_column(BigInteger)
