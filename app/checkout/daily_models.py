"""What else happens at a till, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class PhoneFind(Base):
    """A clerk looked a number up; append-only. `member_id` None: nobody has it. The number itself is not kept."""

    __tablename__ = "phone_finds"
    __table_args__ = (
        Index("ix_phone_finds_staff_id_at", "staff_id", "at"),
        Index("ix_phone_finds_terminal_id_at", "terminal_id", "at"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class SaleCredit(Base):
    """A sale without member that got one afterwards, or will once a second person agrees (`waiting`).

    `amount_fen` is what of it had not been refunded; the two limits are those that held.
    """

    __tablename__ = "sale_credits"
    __table_args__ = (
        UniqueConstraint("ticket_id"),
        UniqueConstraint("approval_id"),
        Index("uq_sale_credits_once", "sale_id", unique=True, postgresql_where=text("state = 'credited'")),
        Index("ix_sale_credits_staff_id_created_at", "staff_id", "created_at"),
        Index("ix_sale_credits_terminal_id_credited_at", "terminal_id", "credited_at"),
        CheckConstraint("state IN ('waiting', 'credited')", "state"),
        CheckConstraint("(state = 'credited') = (credited_at IS NOT NULL)", "credited_at"),
        CheckConstraint("least(amount_fen, points) >= 0", "not_negative"),
        CheckConstraint(
            "approval_id IS NOT NULL OR (state = 'credited' AND amount_fen <= alone_fen)", "second_person"
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    sale_id: Mapped[str] = mapped_column(String(26), ForeignKey("sales.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    ticket_id: Mapped[str] = mapped_column(String(43))
    state: Mapped[str] = mapped_column(String(8))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[int] = mapped_column(BigInteger, server_default="0")
    alone_fen: Mapped[int] = mapped_column(BigInteger)
    alone_a_day: Mapped[int]
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    credited_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Shift(Base):
    """A drawer between two counts. Once closed nothing of it changes; `totals` are app/checkout/totals.py's.

    Of sales those with ids in `[from_id, until_id)` belong to it: ids hold the time at which a sale was recorded.
    """

    __tablename__ = "shifts"
    __table_args__ = (
        Index("uq_shifts_one_open", "terminal_id", unique=True, postgresql_where=text("closed_at IS NULL")),
        Index("ix_shifts_terminal_id_from_id", "terminal_id", "from_id"),
        Index("ix_shifts_store_id_business_date", "store_id", "business_date"),
        CheckConstraint("least(opening_fen, counted_fen) >= 0", "not_negative"),
        CheckConstraint(
            "num_nonnulls(closed_at, closed_by, until_id, counted_fen, expected_fen, totals) IN (0, 6)",
            "closed_whole",
        ),
        CheckConstraint("closed_at >= opened_at", "closed_after"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    store_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    business_date: Mapped[date]
    opened_by: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    opening_fen: Mapped[int] = mapped_column(BigInteger)
    from_id: Mapped[str] = mapped_column(String(26))
    closed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    closed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    until_id: Mapped[str | None] = mapped_column(String(26))
    counted_fen: Mapped[int | None] = mapped_column(BigInteger)
    expected_fen: Mapped[int | None] = mapped_column(BigInteger)
    totals: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
