"""The books, as stored. Nothing here is written but by the database function behind `post()`.

    account ─< entry >─ transaction      every transaction sums to zero; a member's entry carries the running balance
       └──< lot ─< allocation >─ entry   a credit opens a lot; a debit says which lots it was taken from

The house's side of a transaction is an entry without account, `seq` and `balance_after`: what the house owes or took
in is the sum of such entries, never a row that every till would have to wait for.
"""

from datetime import date, datetime

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
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class Account(Base):
    __tablename__ = "ledger_accounts"
    __table_args__ = (
        UniqueConstraint("member_id", "unit"),
        CheckConstraint("balance >= 0", "balance_not_negative"),
        CheckConstraint("unit IN ('points', 'points_owed', 'principal_fen', 'bonus_fen')", "unit"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    unit: Mapped[str] = mapped_column(String(16))
    balance: Mapped[int] = mapped_column(BigInteger, server_default="0")
    last_seq: Mapped[int] = mapped_column(BigInteger, server_default="0")


class LedgerTransaction(Base):
    """Why value moved. The cause is unique: one event has its effect once, for ever."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        UniqueConstraint(
            "kind", "source_type", "source_id", "source_line", name="uq_ledger_transactions_cause"
        ),
        Index(
            "ix_ledger_transactions_reverses_id",
            "reverses_id",
            postgresql_where=text("reverses_id IS NOT NULL"),
        ),
        Index(
            "ix_ledger_transactions_to_settle",
            "business_date",
            postgresql_where=text("kind IN ('spend', 'restore')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    kind: Mapped[str] = mapped_column(String(24))
    source_type: Mapped[str] = mapped_column(String(24))
    source_id: Mapped[str] = mapped_column(String(40))
    source_line: Mapped[int] = mapped_column(server_default="0")
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    terminal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    rule_id: Mapped[int | None] = mapped_column(BigInteger)
    note: Mapped[str | None] = mapped_column(String(200))
    reverses_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("ledger_transactions.id"))
    occurred_at: Mapped[datetime] = mapped_column(UTCDateTime)
    business_date: Mapped[date]


class Entry(Base):
    """One side of a movement: a member's (account, seq, balance_after) or the house's (house)."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        UniqueConstraint("account_id", "seq"),
        Index("ix_ledger_entries_transaction_id", "transaction_id"),
        CheckConstraint("amount <> 0", "amount_not_zero"),
        CheckConstraint("num_nonnulls(account_id, seq, balance_after) IN (0, 3)", "member_side_whole"),
        CheckConstraint("(account_id IS NULL) = (house IS NOT NULL)", "one_side"),
        CheckConstraint("balance_after >= 0", "balance_after_not_negative"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_transactions.id"))
    unit: Mapped[str] = mapped_column(String(16))
    amount: Mapped[int] = mapped_column(BigInteger)
    account_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("ledger_accounts.id"))
    seq: Mapped[int | None] = mapped_column(BigInteger)
    balance_after: Mapped[int | None] = mapped_column(BigInteger)
    house: Mapped[str | None] = mapped_column(String(24))


class Lot(Base):
    """Value that came in together: when it may be spent, when it ends, which store it came from."""

    __tablename__ = "ledger_lots"
    __table_args__ = (
        UniqueConstraint("entry_id"),
        CheckConstraint("remaining >= 0 AND remaining <= amount", "remaining_within"),
        CheckConstraint("amount > 0", "amount_positive"),
        Index(
            "ix_ledger_lots_open",
            "account_id",
            "expires_at",
            "id",
            postgresql_where=text("remaining > 0"),
        ),
        Index("ix_ledger_lots_ending", "expires_at", postgresql_where=text("remaining > 0")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    account_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_accounts.id"))
    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_entries.id"))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    amount: Mapped[int] = mapped_column(BigInteger)
    remaining: Mapped[int] = mapped_column(BigInteger)
    available_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Allocation(Base):
    """How much of a debit came out of which lot (negative: put back into it)."""

    __tablename__ = "ledger_allocations"
    __table_args__ = (CheckConstraint("amount <> 0", "amount_not_zero"),)

    entry_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("ledger_entries.id"), primary_key=True)
    lot_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("ledger_lots.id"), primary_key=True, index=True
    )
    amount: Mapped[int] = mapped_column(BigInteger)
