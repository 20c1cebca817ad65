"""What tills uploaded of sales they had made without network, as stored."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    LargeBinary,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class OfflineUpload(Base):
    """The verdict on one item of a till's queue, append-only and never pruned: it is given again for ever.

    (terminal, sequence) is the referee of "only once". The code that was scanned is not kept.
    """

    __tablename__ = "offline_uploads"
    __table_args__ = (
        UniqueConstraint("terminal_id", "sequence"),
        UniqueConstraint("sale_id"),
        CheckConstraint("verdict IN ('recorded', 'refused')", "verdict"),
        CheckConstraint("(verdict = 'recorded') = (sale_id IS NOT NULL)", "recorded_has_sale"),
        CheckConstraint("(verdict = 'refused') = (reason IS NOT NULL)", "refused_has_reason"),
        CheckConstraint("points >= 0 AND (points = 0 OR sale_id IS NOT NULL)", "refused_earns_nothing"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    terminal_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    sequence: Mapped[int] = mapped_column(BigInteger)
    content_hash: Mapped[bytes] = mapped_column(LargeBinary)
    verdict: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str | None] = mapped_column(String(32))
    sale_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("sales.id"))
    points: Mapped[int] = mapped_column(BigInteger)
    receipt_no: Mapped[str] = mapped_column(String(40))
    amount_fen: Mapped[int] = mapped_column(BigInteger)
    sold_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_at: Mapped[datetime] = mapped_column(UTCDateTime)
    received_on: Mapped[date]


class OfflineDay(Base):
    """What a terminal's uploads have given on a day, by the store's calendar when they came in, and the most then."""

    __tablename__ = "offline_days"
    __table_args__ = (CheckConstraint("points <= most", "within_limit"),)

    terminal_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("terminals.id"), primary_key=True, autoincrement=False
    )
    received_on: Mapped[date] = mapped_column(primary_key=True)
    points: Mapped[int] = mapped_column(BigInteger)
    most: Mapped[int] = mapped_column(BigInteger)
