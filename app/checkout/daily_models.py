"""What else happens at a till, as stored."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String
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
