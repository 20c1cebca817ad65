"""Statements of settlement, as stored. They read the ledger and move nothing in it.

    settlement ─< closing ─< line        what it said each time it was closed; append-only
        │            └──── reopening     why that closing did not stand
        └──< settled transaction         what it has counted: each transaction of the ledger once, by its key

A party that is NULL is headquarters: value from the mini-program, gifts of the brand.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class Settlement(Base):
    """A period of business dates, `[from_date, until_date)`. One draft at a time; no day stands in two of them."""

    __tablename__ = "settlements"
    __table_args__ = (
        CheckConstraint("state IN ('draft', 'closed')", "state"),
        CheckConstraint("from_date < until_date", "ends_after_it_begins"),
        ExcludeConstraint(
            (text("daterange(from_date, until_date)"), "&&"), name="ex_settlements_no_day_twice", using="gist"
        ),
        Index("uq_settlements_one_draft", "state", unique=True, postgresql_where=text("state = 'draft'")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    from_date: Mapped[date]
    until_date: Mapped[date]
    state: Mapped[str] = mapped_column(String(6), server_default="draft")
    version: Mapped[int] = mapped_column(server_default="1")
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Closing(Base):
    """What a closing went by; `owed_fen` is all its lines together, without their signs."""

    __tablename__ = "settlement_closings"
    __table_args__ = (
        UniqueConstraint("approval_id"),
        CheckConstraint("owed_fen >= 0", "owed_not_negative"),
        CheckConstraint(
            "alone_fen IS NULL OR owed_fen <= alone_fen OR approval_id IS NOT NULL", "second_person"
        ),
    )

    settlement_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("settlements.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    from_date: Mapped[date]
    until_date: Mapped[date]
    policy_version: Mapped[int]
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    alone_fen: Mapped[int | None] = mapped_column(BigInteger)
    owed_fen: Mapped[int] = mapped_column(BigInteger)
    closed_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    closed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))


class ClosedLine(Base):
    """`debtor_id` took the money or gave the points, `creditor_id` let them be spent.

    `quantity` is in `unit`, below zero where more was given back than spent; `late_quantity` of it happened before the
    period.
    """

    __tablename__ = "settlement_lines"
    __table_args__ = (
        UniqueConstraint(
            "settlement_id",
            "version",
            "debtor_id",
            "creditor_id",
            "unit",
            name="uq_settlement_lines_pair",
            postgresql_nulls_not_distinct=True,
        ),
        ForeignKeyConstraint(
            ["settlement_id", "version"], ["settlement_closings.settlement_id", "settlement_closings.version"]
        ),
        CheckConstraint("debtor_id IS DISTINCT FROM creditor_id", "two_parties"),
        CheckConstraint("unit IN ('points', 'principal_fen', 'bonus_fen')", "unit"),
        CheckConstraint("quantity <> 0", "quantity_not_zero"),
        CheckConstraint("amount_fen = 0 OR sign(amount_fen) = sign(quantity)", "one_sign"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    settlement_id: Mapped[int] = mapped_column(BigInteger)
    version: Mapped[int]
    debtor_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    creditor_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    unit: Mapped[str] = mapped_column(String(16))
    quantity: Mapped[int] = mapped_column(BigInteger)
    late_quantity: Mapped[int] = mapped_column(BigInteger)
    amount_fen: Mapped[int] = mapped_column(BigInteger)


class Reopening(Base):
    """Why the closing of that version did not stand."""

    __tablename__ = "settlement_reopenings"
    __table_args__ = (
        ForeignKeyConstraint(
            ["settlement_id", "version"], ["settlement_closings.settlement_id", "settlement_closings.version"]
        ),
    )

    settlement_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(String(200))
    reopened_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    reopened_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SettledTransaction(Base):
    """The key lets a transaction be counted once; what committed too late for one statement waits for the next."""

    __tablename__ = "settled_transactions"

    transaction_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ledger_transactions.id"), primary_key=True
    )
    settlement_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("settlements.id"), index=True)
