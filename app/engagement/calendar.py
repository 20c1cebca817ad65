"""A member's month of check-ins, and what today gives."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from app.clock import HOME_ZONE, business_date
from app.db import reading
from app.engagement.activity import Activity, is_for, open_now, participant
from app.engagement.definitions import CheckIn
from app.engagement.reward import Reward

_DAY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Checked:
    day: date
    made_up: bool


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """`streak`: days in a row up to today or, until today is one of them, to yesterday.

    `next_day` of `rewards` is what the next check-in counts as.
    """

    activity_id: str
    name_zh: str
    name_en: str
    today: date
    month: date
    days: tuple[Checked, ...]
    checked_in_today: bool
    streak: int
    next_day: int
    rewards: tuple[Reward, ...]
    make_ups_left: int
    make_up_points: int
    make_up_from: date


def calendar(*, member_id: int, month: date | None, now: datetime) -> Calendar | None:
    """The month (None: this one) in the check-in that is open to the member; None if none is.

    Of several the oldest counts. `month` is any day of it. Raises `NotFound`.
    """
    with reading() as connection:
        member = participant(connection, member_id)
        for activity in open_now(connection, "check_in", now):
            if is_for(activity, member, now):
                return _calendar(connection, activity, member_id, month, now)
    return None


_DAYS = text("""
    SELECT day, make_up_nth IS NOT NULL AS made_up FROM check_ins
    WHERE activity_id = :activity_id AND member_id = :member_id AND day >= :first AND day < :behind ORDER BY day""")
_HELD = text("""
    SELECT coalesce(bool_or(day = :today), false) AS today,
        count(*) FILTER (WHERE day = last - CAST(place - 1 AS integer) AND last >= CAST(:today AS date) - 1) AS streak,
        count(*) FILTER (WHERE make_up_month = :month) AS made_up
    FROM (SELECT day, make_up_month, row_number() OVER (ORDER BY day DESC) AS place, max(day) OVER () AS last
        FROM check_ins WHERE activity_id = :activity_id AND member_id = :member_id) x""")


def _calendar(
    connection: Connection, activity: Activity, member_id: int, month: date | None, now: datetime
) -> Calendar:
    assert isinstance(activity.definition, CheckIn)
    what, today = activity.definition, business_date(now, HOME_ZONE)
    first, this_month = (month or today).replace(day=1), today.replace(day=1)
    values: dict[str, Any] = {"activity_id": activity.id, "member_id": member_id}
    span = {"first": first, "behind": (first + 31 * _DAY).replace(day=1)}
    days = connection.execute(_DAYS, values | span).all()
    held = connection.execute(_HELD, values | {"today": today, "month": this_month}).one()
    next_streak = held.streak + 1
    return Calendar(
        activity_id=activity.id,
        name_zh=activity.name_zh,
        name_en=activity.name_en,
        today=today,
        month=first,
        days=tuple(Checked(day=row.day, made_up=row.made_up) for row in days),
        checked_in_today=held.today,
        streak=held.streak,
        next_day=(next_streak - 1) % len(what.days) + 1,
        rewards=what.days,
        make_ups_left=max(0, what.make_ups_a_month - held.made_up),
        make_up_points=what.make_up_points,
        make_up_from=max(this_month, business_date(activity.starts_at, HOME_ZONE)),
    )
