"""Checking in: once a day by the chain's calendar, a reward for each day in a row, and missed days made up."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import idempotency
from app.clock import HOME_ZONE, business_date
from app.db import into, transaction
from app.engagement import chances
from app.engagement.activity import Activity, ActivityUsedUp, opened
from app.engagement.change import stop_used_up
from app.engagement.definitions import CheckIn
from app.engagement.grant import grant_at_least
from app.engagement.models import CheckInRow
from app.errors import Conflict, Invalid
from app.ids import new_id
from app.ledger.post import POINTS, Cause, Posting, post

_DAY = timedelta(days=1)


class AlreadyCheckedIn(Conflict):
    """That day counts already."""

    code = "already_checked_in"


class CannotMakeUp(Invalid):
    """Only days of this month that were missed while the activity was on. Data: `reason`."""

    code = "cannot_make_up"


class MakeUpsUsedUp(Conflict):
    """Data: `limit`, in a calendar month."""

    code = "make_ups_used_up"


@dataclass(frozen=True, kw_only=True)
class CheckedIn:
    """`streak`: days in a row up to `day`. Of what the day gives, coupons that are not to be had are left out."""

    day: date
    streak: int
    cycle_day: int
    points: int
    coupons: int
    chances: int
    cost_points: int = 0


def check_in(*, member_id: int, activity_id: str, request: idempotency.Request, now: datetime) -> CheckedIn:
    """Be there today. Raises `NotFound`, `ActivityNotOpen`, `AlreadyCheckedIn`, `ActivityUsedUp`, `KeyReused`."""
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, CheckedIn)
            if former is not None:
                return former
            activity, definition, _ = opened(session, activity_id, CheckIn, member_id, now)
            chances.take_place(session, activity_id, member_id)
            done = _check_in(session, activity, definition, member_id, now)
            idempotency.remember(session, request, done, now)
            return done
    except ActivityUsedUp:
        with transaction() as session:
            stop_used_up(session, activity_id, now=now)
        raise


def make_up(
    *, member_id: int, activity_id: str, day: date, request: idempotency.Request, now: datetime
) -> CheckedIn:
    """Make up a missed day of this month: it counts in the row from now on, and gives nothing itself.

    Raises `NotFound`, `ActivityNotOpen`, `CannotMakeUp`, `AlreadyCheckedIn`, `MakeUpsUsedUp`, `NotEnough`, `KeyReused`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, CheckedIn)
        if former is not None:
            return former
        activity, definition, _ = opened(session, activity_id, CheckIn, member_id, now)
        chances.take_place(session, activity_id, member_id)
        _check_day(activity, day, business_date(now, HOME_ZONE))
        done = _make_up(session, activity, definition, member_id, day, now)
        idempotency.remember(session, request, done, now)
        return done


# Days in a row before that day, by the place of each among the days before.
_ROW = text("""
    SELECT count(*) FROM (SELECT day, row_number() OVER (ORDER BY day DESC) AS place FROM check_ins
        WHERE activity_id = :activity_id AND member_id = :member_id AND day < :day) before
    WHERE day = CAST(:day AS date) - CAST(place AS integer)""")
_THERE = text("""
    SELECT 1 FROM check_ins WHERE activity_id = :activity_id AND member_id = :member_id AND day = :day""")
_MADE_UP = text("""
    SELECT count(*) FROM check_ins
    WHERE activity_id = :activity_id AND member_id = :member_id AND make_up_month = :month""")


def _check_in(
    session: Session, activity: Activity, definition: CheckIn, member_id: int, now: datetime
) -> CheckedIn:
    day = business_date(now, HOME_ZONE)
    row = _place(session, activity, definition, member_id, day)
    reward = definition.days[row["cycle_day"] - 1]
    source = f"day:{day.isoformat()}"
    granted = grant_at_least(session, activity, reward, member_id=member_id, source=source, now=now)
    session.execute(
        into(CheckInRow),
        {
            **row,
            "grant_id": granted.grant_id,
            "at": now,
        },
    )
    return CheckedIn(
        day=day,
        streak=row["streak"],
        cycle_day=row["cycle_day"],
        points=granted.points,
        coupons=len(granted.coupon_ids),
        chances=granted.chances,
    )


def _make_up(
    session: Session, activity: Activity, definition: CheckIn, member_id: int, day: date, now: datetime
) -> CheckedIn:
    row = _place(session, activity, definition, member_id, day)
    month = day.replace(day=1)
    values = {"activity_id": activity.id, "member_id": member_id, "month": month}
    before = session.execute(_MADE_UP, values).scalar_one()
    if before >= definition.make_ups_a_month:
        raise MakeUpsUsedUp(limit=definition.make_ups_a_month)
    if definition.make_up_points:
        _pay(session, definition.make_up_points, member_id, now)
    session.execute(
        into(CheckInRow),
        {
            **row,
            "make_up_month": month,
            "make_up_nth": before + 1,
            "make_up_most": definition.make_ups_a_month,
            "cost_points": definition.make_up_points,
            "at": now,
        },
    )
    return CheckedIn(
        day=day,
        streak=row["streak"],
        cycle_day=row["cycle_day"],
        points=0,
        coupons=0,
        chances=0,
        cost_points=definition.make_up_points,
    )


def _place(
    session: Session, activity: Activity, definition: CheckIn, member_id: int, day: date
) -> dict[str, Any]:
    """Where the day stands in the row. The member's place in the activity is locked. Raises `AlreadyCheckedIn`."""
    values = {"activity_id": activity.id, "member_id": member_id, "day": day}
    if session.execute(_THERE, values).one_or_none() is not None:
        raise AlreadyCheckedIn
    streak = session.execute(_ROW, values).scalar_one() + 1
    return values | {"streak": streak, "cycle_day": (streak - 1) % len(definition.days) + 1}


def _check_day(activity: Activity, day: date, today: date) -> None:
    if day >= today:
        raise CannotMakeUp(reason="day: it is not over")
    if day < today.replace(day=1):
        raise CannotMakeUp(reason="day: not of this month")
    if day < business_date(activity.starts_at, HOME_ZONE):
        raise CannotMakeUp(reason="day: before the activity began")


def _pay(session: Session, points: int, member_id: int, now: datetime) -> None:
    cause = Cause(
        kind="make_up",
        source_type="make_up",
        source_id=new_id(now),
        occurred_at=now,
        business_date=business_date(now, HOME_ZONE),
    )
    post(session, cause, [Posting(member_id=member_id, unit=POINTS, amount=-points, house="points_played")])
