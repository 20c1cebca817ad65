"""The rewards mall, as stored. What was paid stands in the ledger."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class RewardItem(Base):
    """Something to be had for points. `version` is the newest of its versions, and the one in force."""

    __tablename__ = "reward_items"
    __table_args__ = (
        CheckConstraint("state IN ('live', 'stopped')", "state"),
        CheckConstraint("version > 0", "version_positive"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    version: Mapped[int]
    state: Mapped[str] = mapped_column(String(7))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class RewardVersion(Base):
    """What an item was at a time (reward.py); append-only, so that exchanges can point at it."""

    __tablename__ = "reward_versions"

    item_id: Mapped[str] = mapped_column(String(26), ForeignKey("reward_items.id"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    reward: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class RewardStock(Base):
    """How many of an item there are in a store, and how many are taken; no `stock`: as many as are wanted.

    Without a store it is for what is given at once. A store that has it no more is not `offered`: its row stays, for
    what comes back.
    """

    __tablename__ = "reward_stock"
    __table_args__ = (
        UniqueConstraint(
            "item_id", "store_id", name="uq_reward_stock_place", postgresql_nulls_not_distinct=True
        ),
        CheckConstraint("taken >= 0 AND (stock IS NULL OR taken <= stock)", "never_over"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(26), ForeignKey("reward_items.id"))
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    stock: Mapped[int | None] = mapped_column(BigInteger)
    taken: Mapped[int] = mapped_column(BigInteger, server_default="0")
    offered: Mapped[bool] = mapped_column(Boolean, server_default="true")


class RewardOrder(Base):
    """An exchange, the member's `nth` of that item.

        goods               ready → handed_over | cancelled
        given at once       given → cancelled
        by WeChat Pay       pending → ready or given, or cancelled: points and stock are held until it is paid

    So of two by one member at once one fails, and limits may be counted before. `points`, `principal_fen` and
    `bonus_fen` are what was paid, and what went back when it is cancelled; `wechat_fen` is what WeChat Pay takes
    (payment_models.py). Goods wait in `store_id` until `collect_by`.
    """

    __tablename__ = "reward_orders"
    __table_args__ = (
        UniqueConstraint("item_id", "member_id", "nth"),
        ForeignKeyConstraint(
            ["item_id", "item_version"],
            ["reward_versions.item_id", "reward_versions.version"],
            name="fk_reward_orders_item_version",
        ),
        CheckConstraint("state IN ('pending', 'ready', 'handed_over', 'given', 'cancelled')", "state"),
        CheckConstraint(
            "wechat_fen >= 0 AND (wechat_fen = 0 OR principal_fen + bonus_fen = 0)", "one_way_to_pay"
        ),
        CheckConstraint("state <> 'pending' OR wechat_fen > 0", "pending_is_to_be_paid"),
        CheckConstraint("nth > 0", "nth_positive"),
        CheckConstraint("points > 0 AND least(principal_fen, bonus_fen) >= 0", "price"),
        CheckConstraint("(store_id IS NULL) = (collect_by IS NULL)", "goods_wait_in_a_store"),
        CheckConstraint(
            "CASE WHEN state = 'given' THEN store_id IS NULL WHEN state IN ('pending', 'cancelled') THEN true"
            " ELSE store_id IS NOT NULL END",
            "state_fits",
        ),
        CheckConstraint(
            "num_nonnulls(handed_over_at, handed_over_by, terminal_id)"
            " = CASE state WHEN 'handed_over' THEN 3 ELSE 0 END",
            "handed_over",
        ),
        CheckConstraint(
            "num_nonnulls(cancelled_at, cancelled_for) = CASE state WHEN 'cancelled' THEN 2 ELSE 0 END",
            "cancelled",
        ),
        CheckConstraint(
            "cancelled_for IN ('member', 'staff', 'expired', 'unpaid', 'failed')", "cancelled_for"
        ),
        CheckConstraint(
            "(cancelled_by IS NOT NULL) = (cancelled_for IS NOT DISTINCT FROM 'staff')", "cancelled_by"
        ),
        Index("ix_reward_orders_member_id", "member_id", "id"),
        Index("ix_reward_orders_store_id", "store_id", "id"),
        Index(
            "uq_reward_orders_one_pending",
            "member_id",
            unique=True,
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_reward_orders_ready", "collect_by", postgresql_where=text("state = 'ready'")),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    item_id: Mapped[str] = mapped_column(String(26), ForeignKey("reward_items.id"))
    item_version: Mapped[int]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    nth: Mapped[int]
    state: Mapped[str] = mapped_column(String(11))
    points: Mapped[int] = mapped_column(BigInteger)
    principal_fen: Mapped[int] = mapped_column(BigInteger)
    bonus_fen: Mapped[int] = mapped_column(BigInteger)
    wechat_fen: Mapped[int] = mapped_column(BigInteger, server_default="0")
    policy_version: Mapped[int]
    store_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("stores.id"))
    collect_by: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ordered_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ordered_on: Mapped[date]
    handed_over_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    handed_over_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    terminal_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("terminals.id"))
    cancelled_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    cancelled_for: Mapped[str | None] = mapped_column(String(7))
    cancelled_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
