"""Activities and who took part, as stored."""

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
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base, UTCDateTime


class ActivityRow(Base):
    """What is on, within `[starts_at, ends_at)` while it is live.

    draft → live ⇄ stopped; a change makes a stopped one a draft again. `definition`: app/engagement/definitions.py.
    """

    __tablename__ = "activities"
    __table_args__ = (
        CheckConstraint(
            "kind IN ('check_in', 'lottery', 'welcome', 'first_order', 'profile', 'referral', 'survey', 'promotion')",
            "kind",
        ),
        CheckConstraint("state IN ('draft', 'live', 'stopped')", "state"),
        CheckConstraint("version > 0", "version_positive"),
        CheckConstraint("ends_at > starts_at", "ends_after_it_starts"),
        Index("ix_activities_live", "kind", postgresql_where=text("state = 'live'")),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    kind: Mapped[str] = mapped_column(String(12))
    state: Mapped[str] = mapped_column(String(7))
    version: Mapped[int]
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    starts_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    created_by: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("staff.id"))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


class ActivityRule(Base):
    """A rule that was made when a promotion was put on (app/engagement/promotion.py); append-only.

    `book` is the name of the rule book in which `rule_no` stands: `earn_rule` or `discount_rule`.
    """

    __tablename__ = "activity_rules"
    __table_args__ = (CheckConstraint("book IN ('earn_rule', 'discount_rule')", "book"),)

    book: Mapped[str] = mapped_column(String(16), primary_key=True)
    rule_no: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"), index=True)


class ActivityBudget(Base):
    """How much an activity may give at most, and has given; none: as much as is asked for.

    Apart from the activity, so that whoever is given something waits for nobody who only looks.
    """

    __tablename__ = "activity_budgets"
    __table_args__ = (
        CheckConstraint("unit IN ('points', 'coupons')", "unit"),
        CheckConstraint("given BETWEEN 0 AND most", "never_over"),
    )

    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(String(7), primary_key=True)
    most: Mapped[int] = mapped_column(BigInteger)
    given: Mapped[int] = mapped_column(BigInteger, server_default="0")


class ActivityMember(Base):
    """Somebody who takes part: what they do in an activity they do one after the other, by this row's lock.

    Of a lottery it says how many chances the member was given and has used.
    """

    __tablename__ = "activity_members"
    __table_args__ = (CheckConstraint("chances_used BETWEEN 0 AND chances_given", "never_over"),)

    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    chances_given: Mapped[int] = mapped_column(server_default="0")
    chances_used: Mapped[int] = mapped_column(server_default="0")


class ActivityGrant(Base):
    """What an activity gave a member, for `source`: not twice. With it go ledger entries, coupons and chances.

    `taken_back_at`: what it was for was undone; `coupons_kept` and `chances_kept` had been used by then.
    """

    __tablename__ = "activity_grants"
    __table_args__ = (
        UniqueConstraint("activity_id", "member_id", "source"),
        CheckConstraint("least(points, coupons, chances) >= 0", "not_negative"),
        CheckConstraint("points + coupons + chances > 0", "something"),
        CheckConstraint("(coupons > 0) = (template_id IS NOT NULL)", "coupons_of_template"),
        CheckConstraint("(chances > 0) = (lottery_id IS NOT NULL)", "chances_of_lottery"),
        CheckConstraint("num_nonnulls(taken_back_at, coupons_kept, chances_kept) IN (0, 3)", "taken_back"),
        Index("ix_activity_grants_member_id", "member_id"),
    )

    id: Mapped[str] = mapped_column(String(26), primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"))
    activity_version: Mapped[int]
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    source: Mapped[str] = mapped_column(String(40))
    points: Mapped[int] = mapped_column(BigInteger)
    template_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("coupon_templates.id"))
    coupons: Mapped[int]
    lottery_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("activities.id"))
    chances: Mapped[int]
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    taken_back_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    coupons_kept: Mapped[int | None]
    chances_kept: Mapped[int | None]


class ChanceChange(Base):
    """Why a member has chances in a lottery: given by a grant, used by a draw, taken back; append-only."""

    __tablename__ = "chance_changes"
    __table_args__ = (
        UniqueConstraint("kind", "source_id"),
        CheckConstraint("kind IN ('granted', 'used', 'taken_back')", "kind"),
        CheckConstraint("(kind = 'granted') = (change > 0) AND change <> 0", "direction"),
        CheckConstraint("kind <> 'used' OR change = -1", "one_for_a_draw"),
        Index("ix_chance_changes_lottery_id_member_id", "lottery_id", "member_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    lottery_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    kind: Mapped[str] = mapped_column(String(10))
    change: Mapped[int]
    source_id: Mapped[str] = mapped_column(String(26))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class CheckInRow(Base):
    """A day on which a member was there, or one that was made up for `cost_points`; append-only.

    `streak`: days in a row up to it, `cycle_day` which of the definition's days it counted as.
    """

    __tablename__ = "check_ins"
    __table_args__ = (
        UniqueConstraint("activity_id", "member_id", "make_up_month", "make_up_nth"),
        CheckConstraint("least(streak, cycle_day) > 0", "counted"),
        CheckConstraint("num_nonnulls(make_up_month, make_up_nth, make_up_most) IN (0, 3)", "make_up_whole"),
        CheckConstraint("make_up_nth BETWEEN 1 AND make_up_most", "make_ups_within"),
        CheckConstraint("make_up_month = date_trunc('month', CAST(day AS timestamp))", "make_up_month"),
        CheckConstraint(
            "cost_points >= 0 AND (make_up_nth IS NOT NULL OR cost_points = 0)", "only_make_ups_cost"
        ),
        CheckConstraint(
            "CASE WHEN make_up_nth IS NULL THEN day = CAST(at AT TIME ZONE 'Asia/Shanghai' AS date)"
            " ELSE day < CAST(at AT TIME ZONE 'Asia/Shanghai' AS date) AND grant_id IS NULL END",
            "on_its_day",
        ),
    )

    activity_id: Mapped[str] = mapped_column(String(26), ForeignKey("activities.id"), primary_key=True)
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    streak: Mapped[int]
    cycle_day: Mapped[int]
    make_up_month: Mapped[date | None]
    make_up_nth: Mapped[int | None]
    make_up_most: Mapped[int | None]
    cost_points: Mapped[int] = mapped_column(BigInteger, server_default="0")
    grant_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("activity_grants.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class GiftDue(Base):
    """Something happened for which activities may give: it is looked at apart, and is gone then."""

    __tablename__ = "gifts_due"
    __table_args__ = (
        UniqueConstraint("occasion", "subject"),
        CheckConstraint("occasion IN ('joined', 'profile', 'sale', 'refund', 'phone')", "occasion"),
        Index("ix_gifts_due_next_at", "next_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    occasion: Mapped[str] = mapped_column(String(7))
    subject: Mapped[str] = mapped_column(String(40))
    member_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("members.id"))
    at: Mapped[datetime] = mapped_column(UTCDateTime)
    failures: Mapped[int] = mapped_column(server_default="0")
    next_at: Mapped[datetime] = mapped_column(UTCDateTime)
