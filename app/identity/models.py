"""Identities, sessions and the memory of login codes, as stored."""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Identity,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime

#: `provider` of the identities that WeChat gives to the users of a mini-program.
WECHAT_MINI = "wechat_mini"
TELEGRAM = "telegram"
#: All that there can be (app/identity/platforms).
PROVIDERS = (WECHAT_MINI, TELEGRAM)


class MemberIdentity(Base):
    """A member as a chat app knows them. `subject` never leaves the server."""

    __tablename__ = "member_identities"
    __table_args__ = (
        UniqueConstraint("provider", "app_id", "subject"),
        Index("ix_member_identities_member_id", "member_id"),
        Index(
            "ix_member_identities_union_subject",
            "union_subject",
            postgresql_where=text("union_subject IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    provider: Mapped[str] = mapped_column(String(32))
    app_id: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(String(128))
    union_subject: Mapped[str | None] = mapped_column(String(128))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class OfficialFollower(Base):
    """Who follows the brand's official account, as its events say, and which member that is, by unionid.

    `cipher` holds the openid, sealed; NULL: follows no more, and only the index is kept, so that an old event that
    comes late undoes nothing. `told_at` is WeChat's time of the last event. `ask_at`: when to ask WeChat for the
    unionid; NULL: there is nothing to ask.
    """

    __tablename__ = "official_followers"
    __table_args__ = (
        CheckConstraint(
            "cipher IS NOT NULL OR (union_index IS NULL AND member_id IS NULL AND ask_at IS NULL)",
            "gone_whole",
        ),
        Index("ix_official_followers_member_id", "member_id", postgresql_where=text("member_id IS NOT NULL")),
        Index(
            "ix_official_followers_union_index",
            "union_index",
            postgresql_where=text("union_index IS NOT NULL"),
        ),
        Index("ix_official_followers_ask_at", "ask_at", postgresql_where=text("ask_at IS NOT NULL")),
    )

    openid_index: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    app_id: Mapped[str] = mapped_column(String(64))
    cipher: Mapped[bytes | None] = mapped_column(LargeBinary)
    union_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    member_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("members.id"))
    told_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ask_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class MemberSession(Base):
    """A signed-in phone; only the token's hash is kept."""

    __tablename__ = "member_sessions"
    __table_args__ = (
        Index("ix_member_sessions_member_id", "member_id"),
        Index("ix_member_sessions_expires_at", "expires_at"),
    )

    token_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LoginCode(Base):
    """What became of a login code, kept for minutes: a chat app honours a code once, a phone may have to ask twice.

    `claimed` while the chat app is being asked, `known` once it answered. `key_hash` is the idempotency key that
    completed the login; only that key may have its answer again. Phone codes are kept here too: their `key_hash` is the
    key of the request that asked, and `phone_cipher` holds what they told, sealed, until it is bound.
    """

    __tablename__ = "login_codes"
    __table_args__ = (
        CheckConstraint("state IN ('claimed', 'known')", "state"),
        Index("ix_login_codes_claimed_at", "claimed_at"),
    )

    code_hash: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    state: Mapped[str] = mapped_column(String(8))
    claimed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    provider: Mapped[str] = mapped_column(String(32))
    app_id: Mapped[str | None] = mapped_column(String(64))
    subject: Mapped[str | None] = mapped_column(String(128))
    union_subject: Mapped[str | None] = mapped_column(String(128))
    key_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    session_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_member: Mapped[bool] = mapped_column(server_default="false")
    phone_cipher: Mapped[bytes | None] = mapped_column(LargeBinary)
