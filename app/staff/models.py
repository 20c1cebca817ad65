"""Staff, their roles and their sessions, as stored."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class Staff(Base):
    """`password_expires_at` is set while the password is a temporary one that somebody else knows.

    `disabled_rank` is that of the highest who disabled the person (`accounts.Boss.rank`). `pin_hash` is of the PIN with
    which the person proves at a register who they are (app/staff/pins.py); None: they have set none.
    """

    __tablename__ = "staff"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'disabled')", "status"),
        CheckConstraint("(status = 'disabled') = (disabled_rank IS NOT NULL)", "disabled_rank"),
        CheckConstraint("login = lower(login)", "login_lower"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    staff_no: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    password_hash: Mapped[str] = mapped_column(String(200))
    password_expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    pin_hash: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(2), server_default="zh")
    status: Mapped[str] = mapped_column(String(8), server_default="active")
    disabled_rank: Mapped[int | None] = mapped_column(SmallInteger)
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class StaffRole(Base):
    """A role, in one store or (no store) in all of them."""

    __tablename__ = "staff_roles"
    __table_args__ = (
        UniqueConstraint("staff_id", "role", "store_id", postgresql_nulls_not_distinct=True),
        CheckConstraint("role IN ('clerk', 'marketer', 'manager', 'admin')", "role"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    role: Mapped[str] = mapped_column(String(8))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))


class StaffSession(Base):
    """A signed-in browser or integration. `terminal_id` is set for a till."""

    __tablename__ = "staff_sessions"
    __table_args__ = (
        Index("ix_staff_sessions_staff_id", "staff_id"),
        Index("ix_staff_sessions_expires_at", "expires_at"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    staff_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("staff.id"))
    terminal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
