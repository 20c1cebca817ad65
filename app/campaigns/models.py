"""Campaigns and their members, as stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime

STATES = ("draft", "in_review", "scheduled", "running", "paused", "stopped", "done", "discarded")
CHANNELS = ("inbox", "wechat_subscribe", "official_account", "sms", "email")


class Campaign(Base):
    """What is told to whom, when and how.

        draft → in_review (a second person) → scheduled → running ⇄ paused → done, or stopped

    What is scheduled can be taken back: a draft again. A draft that nobody needs is discarded for good. It stays, since
    requests, rules of segments and the audit log name campaigns.

    `versions` are those of the segments as they were put before the second person. `rounds` counts how often it was
    resumed: what was called back is planned anew under another key. `to_call_back`: messages that wait are to be
    cancelled. `ended_for` says why it stopped. `gift` is what those who are told are given (gift.py); `spent`, in
    thousandths of a fen, is what messages and gifts may cost at most that were planned.
    """

    __tablename__ = "campaigns"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", "state"),
        CheckConstraint(f"channel IN {CHANNELS}", "channel"),
        CheckConstraint("version > 0", "version_positive"),
        CheckConstraint("drip_hours BETWEEN 0 AND 168", "drip_hours"),
        CheckConstraint("hold_out_bp BETWEEN 0 AND 5000", "hold_out_bp"),
        CheckConstraint("attribution_days BETWEEN 1 AND 90", "attribution_days"),
        CheckConstraint("state IN ('draft', 'discarded') OR approval_id IS NOT NULL", "second_person"),
        CheckConstraint("state <> 'scheduled' OR starts_at IS NOT NULL", "scheduled_has_time"),
        CheckConstraint("budget_fen > 0", "budget_positive"),
        CheckConstraint("spent BETWEEN 0 AND coalesce(budget_fen * 1000, spent)", "never_over"),
        Index(
            "ix_campaigns_at_work",
            "id",
            postgresql_where=text("state IN ('scheduled', 'running') OR to_call_back"),
        ),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(9), server_default="draft")
    version: Mapped[int]
    audience_id: Mapped[str] = mapped_column(String(26), ForeignKey("segments.id"))
    excluded_ids: Mapped[list[str]] = mapped_column(JSONB)
    versions: Mapped[dict[str, int] | None] = mapped_column(JSONB(none_as_null=True))
    channel: Mapped[str] = mapped_column(String(16))
    else_inbox: Mapped[bool]
    content: Mapped[dict[str, Any]] = mapped_column(JSONB)
    starts_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    drip_hours: Mapped[int]
    hold_out_bp: Mapped[int]
    attribution_days: Mapped[int]
    gift: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    budget_fen: Mapped[int | None] = mapped_column(BigInteger)
    spent: Mapped[int] = mapped_column(BigInteger, server_default="0")
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    rounds: Mapped[int] = mapped_column(server_default="0")
    to_call_back: Mapped[bool] = mapped_column(server_default="false")
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    began_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_for: Mapped[str | None] = mapped_column(String(40))


class CampaignMember(Base):
    """One of those who were meant when it began; the primary key lets nobody be told twice.

    `waiting` until `due_after` has come and somebody has planned it. Held out and `planned` means: could have been told
    at `told_at`, and was not. `given`: has the gift, and keeps it if the message is called back. `message_cost` and
    `gift_cost` are what was taken off the budget, in thousandths of a fen. `clicked_at`: came into the mini-program by
    a tap on the message. Without foreign keys to members and messages, which are never deleted: a million rows
    are written by one statement.
    """

    __tablename__ = "campaign_members"
    __table_args__ = (
        CheckConstraint("arm IN ('told', 'held_out')", "arm"),
        CheckConstraint("state IN ('waiting', 'planned', 'refused')", "state"),
        CheckConstraint("(state = 'refused') = (refused IS NOT NULL)", "refused_has_reason"),
        CheckConstraint("(state = 'planned') = (told_at IS NOT NULL)", "planned_has_time"),
        CheckConstraint(
            "(message_id IS NOT NULL) = (arm = 'told' AND state = 'planned')", "message_is_of_who_is_told"
        ),
        CheckConstraint("arm = 'told' OR NOT given AND clicked_at IS NULL", "held_out_gets_nothing"),
        CheckConstraint("least(message_cost, gift_cost) >= 0", "costs_not_negative"),
        CheckConstraint("given OR gift_cost = 0", "gift_cost_of_who_has_it"),
        Index(
            "ix_campaign_members_waiting",
            "campaign_id",
            "due_after",
            "member_id",
            postgresql_where=text("state = 'waiting'"),
        ),
    )

    campaign_id: Mapped[str] = mapped_column(String(26), ForeignKey("campaigns.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    arm: Mapped[str] = mapped_column(String(8))
    state: Mapped[str] = mapped_column(String(7))
    refused: Mapped[str | None] = mapped_column(String(10))
    message_id: Mapped[str | None] = mapped_column(String(26))
    due_after: Mapped[datetime] = mapped_column(UTCDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    given: Mapped[bool] = mapped_column(server_default="false")
    message_cost: Mapped[int] = mapped_column(BigInteger, server_default="0")
    gift_cost: Mapped[int] = mapped_column(BigInteger, server_default="0")
    clicked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
