"""Surveys as members see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

from app.db import reading
from app.engagement.activity import Activity, is_for, one, open_now, participant
from app.engagement.definitions import Survey
from app.engagement.reward import Reward
from app.engagement.survey_forms import Form, newest
from app.errors import NotFound


@dataclass(frozen=True, kw_only=True)
class ShownSurvey:
    """`for_me`: whether this member may answer now, or has. `reward_left`: whether its budget is enough for one."""

    id: str
    name_zh: str
    name_en: str
    ends_at: datetime | None
    form: Form
    reward: Reward
    reward_left: bool
    for_me: bool
    answered: bool


def surveys(*, member_id: int, limit: int, after: str | None, now: datetime) -> list[ShownSurvey]:
    """Those that are on, oldest first. Raises `NotFound`."""
    with reading() as connection:
        found = open_now(connection, "survey", now, after=after or "", limit=limit)
        return _shown(connection, found, member_id, now)


def one_survey(*, activity_id: str, member_id: int, now: datetime) -> ShownSurvey:
    """One that is on, or that the member has answered. Raises `NotFound`."""
    with reading() as connection:
        found = one(connection, activity_id)
        shown = _shown(connection, [found], member_id, now) if isinstance(found.definition, Survey) else []
    if not shown or not (shown[0].answered or shown[0].for_me):
        raise NotFound
    return shown[0]


_MINE = text("""
    SELECT activity_id FROM survey_participants WHERE member_id = :member_id AND activity_id = ANY(:ids)""")


def _shown(
    connection: Connection, found: Sequence[Activity], member_id: int, now: datetime
) -> list[ShownSurvey]:
    ids = [activity.id for activity in found]
    forms = newest(connection, ids)
    mine = set(connection.execute(_MINE, {"member_id": member_id, "ids": ids}).scalars())
    member = participant(connection, member_id)
    return [
        ShownSurvey(
            id=activity.id,
            name_zh=activity.name_zh,
            name_en=activity.name_en,
            ends_at=activity.ends_at,
            form=forms[activity.id],
            reward=activity.definition.reward,
            reward_left=_left(activity, activity.definition.reward),
            for_me=activity.is_open(now) and is_for(activity, member, now),
            answered=activity.id in mine,
        )
        for activity in found
        if activity.id in forms and isinstance(activity.definition, Survey)
    ]


def _left(activity: Activity, reward: Reward) -> bool:
    return _fits(reward.points, activity.points_given, activity.points_most) and _fits(
        reward.coupons, activity.coupons_given, activity.coupons_most
    )


def _fits(wanted: int, given: int, most: int | None) -> bool:
    return most is None or given + wanted <= most
