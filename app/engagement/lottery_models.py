"""Rounds of a lottery, their prizes' stock, and what was drawn, as stored."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class LotteryRound(Base):
    """`[starts_at, ends_at)` of a lottery, by `terms` that do not change any more (a `Lottery`).

    `commitment` is the SHA-256 of the seed, known before the first draw; `seed` is told when the round is over.
    """

    __tablename__ = "lottery_rounds"
    __table_args__ = (
        UniqueConstraint("activity_id", "round_no"),
        CheckConstraint("round_no BETWEEN 1 AND most_rounds", "rounds_within"),
        CheckConstraint("starts_at > committed_at", "committed_before_it_starts"),
        CheckConstraint("ends_at > starts_at", "ends_after_it_starts"),
        CheckConstraint("commitment ~ '^[0-9a-f]{64}$'", "commitment"),
        CheckConstraint("seed IS NULL OR encode(sha256(seed), 'hex') = commitment", "seed_is_the_one"),
        CheckConstraint("(seed IS NULL) = (revealed_at IS NULL)", "revealed"),
        CheckConstraint("revealed_at >= ends_at", "revealed_afterwards"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"))
    activity_version: Mapped[int]
    round_no: Mapped[int]
    most_rounds: Mapped[int]
    terms: Mapped[dict[str, Any]] = mapped_column(JSONB)
    commitment: Mapped[str] = mapped_column(String(64))
    committed_at: Mapped[datetime] = mapped_column(UTCDateTime)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime] = mapped_column(UTCDateTime)
    seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    revealed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class LotterySeed(Base):
    """A round's seed, sealed (app/engagement/lottery_seed.py): apart, so that nobody reads it with the round."""

    __tablename__ = "lottery_seeds"

    round_id: Mapped[str] = mapped_column(String(26), ForeignKey("lottery_rounds.id"), primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class LotteryStock(Base):
    """How many there are of a round's prize, and how many were won; none: as many as are drawn."""

    __tablename__ = "lottery_stock"
    __table_args__ = (CheckConstraint("won BETWEEN 0 AND stock", "never_over"),)

    round_id: Mapped[str] = mapped_column(String(26), ForeignKey("lottery_rounds.id"), primary_key=True)
    prize_no: Mapped[int] = mapped_column(primary_key=True)
    stock: Mapped[int]
    won: Mapped[int] = mapped_column(server_default="0")


class LotteryDraw(Base):
    """One draw; append-only. It is the member's `draw_no`th of the round and `nth_of_day` of the day.

    `player` stands for the member where others can see it. `number` gave the prize `drawn`; `given` is another one
    only with a reason in `instead`. Of a prize with stock, `win_no` counts from 1.
    """

    __tablename__ = "lottery_draws"
    __table_args__ = (
        UniqueConstraint("round_id", "member_id", "draw_no"),
        UniqueConstraint("round_id", "member_id", "drawn_on", "nth_of_day"),
        UniqueConstraint("round_id", "given", "win_no"),
        CheckConstraint("draw_no > 0", "draw_no_positive"),
        CheckConstraint("nth_of_day BETWEEN 1 AND most_a_day", "draws_within"),
        CheckConstraint("number >= 0 AND least(drawn, given) > 0", "drawn"),
        CheckConstraint("instead IN ('used_up', 'not_issued')", "instead"),
        CheckConstraint("given = drawn OR instead IS NOT NULL", "another_for_a_reason"),
        CheckConstraint("instead IS NULL OR win_no IS NULL", "instead_has_no_stock"),
        CheckConstraint("cost_points >= 0", "cost_not_negative"),
        Index("ix_lottery_draws_member_id_id", "member_id", "id"),
        Index("ix_lottery_draws_round_id_id", "round_id", "id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    round_id: Mapped[str] = mapped_column(String(26), ForeignKey("lottery_rounds.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    draw_no: Mapped[int]
    player: Mapped[str] = mapped_column(String(32))
    client_seed: Mapped[str] = mapped_column(String(32))
    number: Mapped[int] = mapped_column(BigInteger)
    drawn: Mapped[int]
    given: Mapped[int]
    instead: Mapped[str | None] = mapped_column(String(10))
    win_no: Mapped[int | None]
    cost_points: Mapped[int] = mapped_column(BigInteger)
    grant_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("activity_grants.id"))
    drawn_at: Mapped[datetime] = mapped_column(UTCDateTime)
    drawn_on: Mapped[date]
    nth_of_day: Mapped[int]
    most_a_day: Mapped[int]
