"""What WeChat Pay takes for an exchange, and pays back, as stored."""

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class RewardPayment(Base):
    """The money part of an exchange: its order's id is the number WeChat Pay knows it by, and its refund's number.

        created → paid → refunding → refunded, or closed; closed → refunding, should money come all the same

    What is to go back is asked for until WeChat Pay has paid it; `trouble` is why it has not yet. `asked_at` is when we
    last asked there, for the payment or for the refund.
    """

    __tablename__ = "reward_payments"
    __table_args__ = (
        UniqueConstraint("transaction_id"),
        CheckConstraint("state IN ('created', 'paid', 'closed', 'refunding', 'refunded')", "state"),
        CheckConstraint("amount_fen > 0", "amount_positive"),
        CheckConstraint(
            "num_nonnulls(transaction_id, paid_at)"
            " = CASE WHEN state IN ('created', 'closed') THEN 0 ELSE 2 END",
            "paid",
        ),
        CheckConstraint(
            "(refund_asked_at IS NOT NULL) = (state IN ('refunding', 'refunded'))"
            " AND (refunded_at IS NOT NULL) = (state = 'refunded')",
            "refunded",
        ),
        Index("ix_reward_payments_open", "created_at", postgresql_where=text("state = 'created'")),
        Index(
            "ix_reward_payments_refunding", "refund_asked_at", postgresql_where=text("state = 'refunding'")
        ),
    )

    order_id: Mapped[str] = mapped_column(String(26), ForeignKey("reward_orders.id"), primary_key=True)
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(9))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    transaction_id: Mapped[str | None] = mapped_column(String(64))
    paid_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    refund_asked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    accepted: Mapped[bool] = mapped_column(Boolean, server_default="false")
    refunded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    trouble: Mapped[str | None] = mapped_column(String(64))
