"""Threads of feedback and their messages, as stored."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, SmallInteger, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class FeedbackThread(Base):
    """Something a member wrote about. `open` waits for us, `answered` for the member, `closed` for nobody; `erased`
    when the member took consent back.

    `chat_at`: when the member last wrote in it to customer service in WeChat, and `chat_left`: how many answers WeChat
    still takes since; NULL: they never did. A member has one such thread.

    `messages` is how many there are, `read_no` up to which the member has read; `answered_at` our first answer.
    """

    __tablename__ = "feedback_threads"
    __table_args__ = (
        CheckConstraint("category IN ('product', 'service', 'store', 'app', 'other')", "category"),
        CheckConstraint("state IN ('open', 'answered', 'closed', 'erased')", "state"),
        CheckConstraint("version > 0", "version_positive"),
        CheckConstraint("read_no BETWEEN 0 AND messages", "read_within"),
        CheckConstraint("(chat_at IS NULL) = (chat_left IS NULL)", "chat_whole"),
        CheckConstraint("chat_left >= 0", "chat_left_not_negative"),
        Index(
            "uq_feedback_threads_chat",
            "member_id",
            unique=True,
            postgresql_where=text("chat_at IS NOT NULL AND state <> 'erased'"),
        ),
        Index("ix_feedback_threads_member_id_id", "member_id", "id"),
        Index("ix_feedback_threads_state_id", "state", "id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    category: Mapped[str] = mapped_column(String(7))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    sale_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("sales.id"))
    state: Mapped[str] = mapped_column(String(8))
    version: Mapped[int]
    messages: Mapped[int]
    read_no: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    last_at: Mapped[datetime] = mapped_column(UTCDateTime)
    chat_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    chat_left: Mapped[int | None] = mapped_column(SmallInteger)


class FeedbackMessage(Base):
    """Append-only, but that its words can be erased. Numbered from 1 within its thread."""

    __tablename__ = "feedback_messages"
    __table_args__ = (
        CheckConstraint("message_no > 0", "message_no_positive"),
        CheckConstraint("author IN ('member', 'staff')", "author"),
        CheckConstraint("(author = 'staff') = (staff_id IS NOT NULL)", "staff_named"),
        CheckConstraint("length(body) BETWEEN 1 AND 1000", "body_bounded"),
    )

    thread_id: Mapped[str] = mapped_column(String(26), ForeignKey("feedback_threads.id"), primary_key=True)
    message_no: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author: Mapped[str] = mapped_column(String(6))
    staff_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    body: Mapped[str | None] = mapped_column(String(1000))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
