"""Members and what they agreed to, as stored."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime

#: How marketing reaches people; the inbox is not among them, because nobody is disturbed by it.
MARKETING_CHANNELS = ("wechat_subscribe", "official_account", "sms", "email")
#: Refused like a channel: that what is recommended is picked by what the member bought.
PERSONALISED = "personalised"


class Member(Base):
    """`id` is what the member code carries (under a keyed permutation); `member_no` is what people read out.

    `withdrawn` is set and cleared with the rows of `consents`: tills, phones and workers look at the status anyway.
    """

    __tablename__ = "members"
    __table_args__ = (
        CheckConstraint("status IN ('active', 'withdrawn', 'frozen', 'closed')", "status"),
        CheckConstraint("language IN ('zh', 'en')", "language"),
        CheckConstraint("id < 1000000000", "id_fits_code"),
        CheckConstraint("(phone_cipher IS NULL) = (phone_index IS NULL)", "phone_whole"),
        CheckConstraint("birthday IS NOT NULL OR birthday_set_at IS NULL", "birthday_known"),
        Index("ix_members_birthday", "birthday", postgresql_where=text("birthday IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    public_id: Mapped[str] = mapped_column(String(26), unique=True)
    member_no: Mapped[str] = mapped_column(String(12), unique=True)
    name: Mapped[str] = mapped_column(String(32), server_default="")
    language: Mapped[str] = mapped_column(String(2), server_default="zh")
    tier_id: Mapped[int] = mapped_column(SmallInteger, ForeignKey("tiers.id"), server_default="1")
    birthday: Mapped[date | None]
    #: Since when the birthday stands there; whoever writes one without the other gives no right to a gift.
    birthday_set_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    marketing_opt_out: Mapped[bool] = mapped_column(server_default="false")
    phone_cipher: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_index: Mapped[bytes | None] = mapped_column(LargeBinary, unique=True)
    home_store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    status: Mapped[str] = mapped_column(String(9), server_default="active")
    codes_valid_from_step: Mapped[int] = mapped_column(BigInteger, server_default="0")
    joined_at: Mapped[datetime] = mapped_column(UTCDateTime)


class Consent(Base):
    """Append-only: what a member agreed to or withdrew, which version of the text, where, when (PIPL Art. 14, 15)."""

    __tablename__ = "consents"
    __table_args__ = (CheckConstraint("action IN ('given', 'withdrawn')", "action"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(32))
    policy_version: Mapped[str] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(9))
    source: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class MarketingOptOut(Base):
    """A channel by which the member wants no marketing, or `personalised`; to want none at all stands in `Member`."""

    __tablename__ = "marketing_opt_outs"
    __table_args__ = (CheckConstraint(f"channel IN {(*MARKETING_CHANNELS, PERSONALISED)}", "channel"),)

    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    channel: Mapped[str] = mapped_column(String(16), primary_key=True)


class MarketingChoice(Base):
    """Append-only: what a member chose about marketing, by whom it reached us, when; `channel` may also be `all` or
    `personalised`."""

    __tablename__ = "marketing_choices"
    __table_args__ = (
        CheckConstraint(f"channel IN {('all', *MARKETING_CHANNELS, PERSONALISED)}", "channel"),
        CheckConstraint("source IN ('member', 'staff', 'sms_keyword', 'link')", "source"),
        CheckConstraint("(source = 'staff') = (staff_id IS NOT NULL)", "staff_named"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), index=True)
    channel: Mapped[str] = mapped_column(String(16))
    opted_out: Mapped[bool]
    source: Mapped[str] = mapped_column(String(12))
    #: No foreign key: staff stands beside members, not below them.
    staff_id: Mapped[int | None] = mapped_column(BigInteger)
    at: Mapped[datetime] = mapped_column(UTCDateTime)
