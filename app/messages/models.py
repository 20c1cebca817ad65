"""Messages, their attempts, the inbox and the credits of consent, as stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, SmallInteger, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime

#: When a member may be asked for a template.
MOMENTS = ("after_sale", "joined", "coupons", "rewards", "any")
#: The ways to a member; each but the inbox leads through a provider.
WECHAT, OFFICIAL, SMS, EMAIL, INBOX = "wechat_subscribe", "official_account", "sms", "email", "inbox"
#: Customer service in WeChat: answers only, to who wrote there.
SERVICE = "wechat_service"


class Message(Base):
    """One thing to tell one member. Its parameters are frozen when it is planned."""

    __tablename__ = "messages"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'leased', 'sent', 'failed', 'unknown', 'cancelled')", "state"),
        CheckConstraint(
            "channel IN ('wechat_subscribe', 'official_account', 'wechat_service', 'sms', 'email', 'inbox')",
            "channel",
        ),
        CheckConstraint("category IN ('service', 'marketing')", "category"),
        CheckConstraint("(state = 'leased') = (leased_until IS NOT NULL)", "lease_whole"),
        Index("ix_messages_due", "channel", "due_at", postgresql_where=text("state = 'pending'")),
        Index("ix_messages_leased", "leased_until", postgresql_where=text("state = 'leased'")),
        Index("ix_messages_member_id", "member_id"),
        # For the caps of marketing: how many a member was told, or will be, around a time.
        Index(
            "ix_messages_marketing", "member_id", "due_at", postgresql_where=text("category = 'marketing'")
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    kind: Mapped[str] = mapped_column(String(32))
    category: Mapped[str] = mapped_column(String(9))
    channel: Mapped[str] = mapped_column(String(16))
    template_id: Mapped[str | None] = mapped_column(String(64))
    dedupe_key: Mapped[str] = mapped_column(String(80), unique=True)
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(9), server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    leased_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    reason: Mapped[str | None] = mapped_column(String(40))


class MessageAttempt(Base):
    """Written before the provider is called, completed after: a crash in between leaves a trace."""

    __tablename__ = "message_attempts"

    message_id: Mapped[str] = mapped_column(String(26), ForeignKey("messages.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    outcome: Mapped[str | None] = mapped_column(String(8))
    provider_code: Mapped[str | None] = mapped_column(String(40))


class ChannelPace(Base):
    """How much of a channel's rate is used up, over all workers; written with each lease (app/messages/pace.py)."""

    __tablename__ = "channel_paces"

    channel: Mapped[str] = mapped_column(String(16), primary_key=True)
    spent_until: Mapped[datetime] = mapped_column(UTCDateTime)


class Outbox(Base):
    """The one row about all that goes to providers: `batches` were leased, and whether it is held.

    `name` is what the number is kept under outside of the database (app/messages/epoch.py).
    """

    __tablename__ = "outbox"
    __table_args__ = (
        CheckConstraint("id = 1", "one"),
        CheckConstraint("held_for IN ('restored', 'operator')", "held_for"),
        CheckConstraint("(held_at IS NULL) = (held_for IS NULL)", "held_whole"),
    )

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(32))
    batches: Mapped[int] = mapped_column(BigInteger, server_default="0")
    held_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    held_for: Mapped[str | None] = mapped_column(String(8))


class InboxItem(Base):
    """A message in the member's own list inside the mini-program."""

    __tablename__ = "inbox_items"
    __table_args__ = (Index("ix_inbox_items_member_id", "member_id", "id"),)

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    message_id: Mapped[str] = mapped_column(String(26), ForeignKey("messages.id"), unique=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    kind: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class SubscriptionCredit(Base):
    """How many more messages of a template the member has agreed to."""

    __tablename__ = "subscription_credits"
    __table_args__ = (CheckConstraint("credits >= 0", "credits_not_negative"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    credits: Mapped[int] = mapped_column(server_default="0")


class SubscriptionChange(Base):
    """Append-only: every grant and every use of one, and what told us of it.

    Without a foreign key to the member, which the credits beside it have: a campaign writes 200,000 rows in a minute.
    """

    __tablename__ = "subscription_changes"
    __table_args__ = (Index("ix_subscription_changes_member_id", "member_id", "template_id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger)
    template_id: Mapped[str] = mapped_column(String(64))
    change: Mapped[int]
    cause: Mapped[str] = mapped_column(String(24))
    source: Mapped[str] = mapped_column(String(120), unique=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class SubscribeTemplate(Base):
    """A template of WeChat's as the brand uses it; the receipt's is a setting and has no row.

    `fields` are WeChat's keys in order, each with what it is called in the template. `enough`: with so many credits
    the member is not asked for more.
    """

    __tablename__ = "subscribe_templates"
    __table_args__ = (
        CheckConstraint("category IN ('service', 'marketing')", "category"),
        CheckConstraint(f"asked_when IN {MOMENTS}", "asked_when"),
        CheckConstraint("enough BETWEEN 1 AND 20", "enough"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(60))
    category: Mapped[str] = mapped_column(String(9))
    long_term: Mapped[bool]
    fields: Mapped[list[dict[str, str]]] = mapped_column(JSONB)
    page: Mapped[str] = mapped_column(String(200))
    asked_when: Mapped[str] = mapped_column(String(12))
    enough: Mapped[int]
    active: Mapped[bool] = mapped_column(server_default="true")
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class SubscriptionAnswer(Base):
    """How the member last answered when asked for a template: a hint when to ask again, no credit."""

    __tablename__ = "subscription_answers"

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    template_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    accepted: Mapped[bool]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
