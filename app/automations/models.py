"""Automations and what became of each occasion, as stored."""

from datetime import date, datetime
from typing import Any

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
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime

STATES = ("draft", "in_review", "on", "off", "archived")
ONCE = ("ever", "occasion", "days")


class Automation(Base):
    """What is done, for whom, when what happens.

        draft → in_review (a second person) → on ⇄ off → draft (changed), or archived

    `kind` is that of `trigger` (app/automations/triggers.py). `segment_version` is the rule of the segment that was
    agreed to. A member has it done `once` ever, within `once_days`, or for each occasion; all together it is done
    `max_runs` times, of which `acted` are used up. What happens by the calendar has been looked for until
    `scanned_through`, a day of the chain's; what happened before `on_since` does not count.
    `hold_out_bp` of ten thousand members are held out (hold_out.py), which is so since the version `hold_out_since`.
    `to_call_back`: it was switched off, and messages of it that wait are to be cancelled; once it is on again, those of
    former versions.
    """

    __tablename__ = "automations"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", "state"),
        CheckConstraint("version > 0", "version_positive"),
        CheckConstraint(f"once IN {ONCE}", "once"),
        CheckConstraint(
            "CASE once WHEN 'days' THEN once_days IS NOT NULL AND once_days BETWEEN 1 AND 3660"
            " ELSE once_days IS NULL END",
            "once_days",
        ),
        CheckConstraint("delay_minutes BETWEEN 0 AND 43200", "delay_minutes"),
        CheckConstraint("acted BETWEEN 0 AND coalesce(max_runs, 2147483647)", "never_over"),
        CheckConstraint(
            "max_runs IS NOT NULL OR NOT (actions ? 'points' OR actions ? 'coupon')", "value_is_bounded"
        ),
        CheckConstraint("attribution_days BETWEEN 1 AND 90", "attribution_days"),
        CheckConstraint("hold_out_bp BETWEEN 0 AND 5000", "hold_out_bp"),
        CheckConstraint("state IN ('draft', 'archived') OR approval_id IS NOT NULL", "second_person"),
        CheckConstraint(
            "state <> 'on' OR (on_since IS NOT NULL AND scanned_through IS NOT NULL)", "on_since"
        ),
        Index("ix_automations_on", "kind", "no", postgresql_where=text("state = 'on'")),
        Index("ix_automations_to_call_back", "no", postgresql_where=text("to_call_back")),
    )

    no: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    state: Mapped[str] = mapped_column(String(9), server_default="draft")
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(16))
    trigger: Mapped[dict[str, Any]] = mapped_column(JSONB)
    segment_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("segments.id"))
    segment_version: Mapped[int | None]
    actions: Mapped[dict[str, Any]] = mapped_column(JSONB)
    once: Mapped[str] = mapped_column(String(8))
    once_days: Mapped[int | None]
    delay_minutes: Mapped[int]
    max_runs: Mapped[int | None]
    acted: Mapped[int] = mapped_column(server_default="0")
    attribution_days: Mapped[int]
    hold_out_bp: Mapped[int] = mapped_column(server_default="0")
    hold_out_since: Mapped[int] = mapped_column(server_default="1")
    approval_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("approval_requests.id"))
    on_since: Mapped[datetime | None] = mapped_column(UTCDateTime)
    scanned_through: Mapped[date | None]
    to_call_back: Mapped[bool] = mapped_column(server_default="false")
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class AutomationRun(Base):
    """An occasion of a member's: what is to be done for it at `due_at`, or what became of it.

    The unique key has an occasion act once, the other one a member within `[at, until)` of one version (asking.py looks
    at what former ones did); `until` None where only the occasion counts. What was refused leaves its place to the next
    occasion, unless it is that the member was held out. `untold` and `unissued` say why a part is missing of what was
    done. Without a foreign key to the member, as members of campaigns.
    """

    __tablename__ = "automation_runs"
    __table_args__ = (
        UniqueConstraint("automation_no", "member_id", "occasion"),
        # Of ranges, which GiST compares without an extension; of one number each they overlap when they are equal.
        ExcludeConstraint(
            (text("int8range(automation_no, automation_no, '[]')"), "&&"),
            (text("int4range(version, version, '[]')"), "&&"),
            (text("int8range(member_id, member_id, '[]')"), "&&"),
            (text("tstzrange(at, until)"), "&&"),
            where=text("until IS NOT NULL AND (state <> 'refused' OR refused = 'held_out')"),
            name="ex_automation_runs_once",
            using="gist",
        ),
        CheckConstraint("state IN ('waiting', 'acted', 'refused')", "state"),
        CheckConstraint("(state = 'refused') = (refused IS NOT NULL)", "refused_has_reason"),
        CheckConstraint("(state = 'waiting') = (decided_at IS NULL)", "decided"),
        CheckConstraint(
            "least(coupons, points) >= 0 AND (state = 'acted' OR (message_id IS NULL AND untold IS NULL"
            " AND unissued IS NULL AND coupons + points = 0))",
            "gave",
        ),
        Index(
            "ix_automation_runs_due",
            "automation_no",
            "due_at",
            "id",
            postgresql_where=text("state = 'waiting'"),
        ),
        Index("ix_automation_runs_waiting", "member_id", postgresql_where=text("state = 'waiting'")),
        Index(
            "ix_automation_runs_refused",
            "decided_at",
            postgresql_where=text("state = 'refused' AND refused NOT IN ('had_before', 'held_out')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    automation_no: Mapped[int] = mapped_column(BigInteger, ForeignKey("automations.no"))
    version: Mapped[int]
    member_id: Mapped[int] = mapped_column(BigInteger)
    occasion: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    due_at: Mapped[datetime] = mapped_column(UTCDateTime)
    state: Mapped[str] = mapped_column(String(7), server_default="waiting")
    refused: Mapped[str | None] = mapped_column(String(24))
    message_id: Mapped[str | None] = mapped_column(String(26))
    untold: Mapped[str | None] = mapped_column(String(24))
    coupons: Mapped[int] = mapped_column(server_default="0")
    unissued: Mapped[str | None] = mapped_column(String(24))
    points: Mapped[int] = mapped_column(BigInteger, server_default="0")
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class AutomationClick(Base):
    """Whoever was told came into the mini-program by a tap on the run's message. What was decided of a run never
    changes, so it stands beside it."""

    __tablename__ = "automation_clicks"

    run_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("automation_runs.id"), primary_key=True, autoincrement=False
    )
    clicked_at: Mapped[datetime] = mapped_column(UTCDateTime)
