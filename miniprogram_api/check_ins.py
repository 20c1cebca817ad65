"""Checking in."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.engagement import check_in as story
from app.engagement.calendar import Calendar, calendar
from app.engagement.check_in import CheckedIn
from app.engagement.reward import Reward
from app.errors import NotFound
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.schemas import Day, Strict, text

blueprint = Blueprint("check_ins", __name__, url_prefix="/api/v1/check-ins", description="Checking in")
guarded(blueprint, require_member)


class GivenSchema(Strict):
    points = fields.Integer(required=True)
    coupons = fields.Integer(required=True)
    chances = fields.Integer(required=True)


class CheckedDaySchema(Strict):
    day = fields.Date(required=True)
    made_up = fields.Boolean(required=True)


class CalendarSchema(Strict):
    activity_id = fields.String(required=True)
    name = fields.String(required=True)
    today = fields.Date(required=True, metadata={"description": "by the chain's calendar"})
    month = fields.Date(required=True, metadata={"description": "its first day"})
    days = fields.List(fields.Nested(CheckedDaySchema()), required=True)
    checked_in_today = fields.Boolean(required=True)
    streak = fields.Integer(required=True, metadata={"description": "days in a row"})
    next_day = fields.Integer(required=True, metadata={"description": "which of `rewards` is next, from 1"})
    rewards = fields.List(fields.Nested(GivenSchema()), required=True)
    make_ups_left = fields.Integer(required=True, metadata={"description": "this month"})
    make_up_points = fields.Integer(required=True, metadata={"description": "what one costs"})
    make_up_from = fields.Date(required=True, metadata={"description": "the first day that can be made up"})


class CalendarArguments(Strict):
    month = Day(load_default=None, allow_none=False, metadata={"description": "any day of it; default today"})


def _dump_reward(reward: Reward) -> dict[str, Any]:
    return {"points": reward.points, "coupons": reward.coupons, "chances": reward.chances}


def _dump_calendar(shown: Calendar) -> dict[str, Any]:
    return {
        "activity_id": shown.activity_id,
        "name": shown.name_en if language() == "en" else shown.name_zh,
        "today": shown.today,
        "month": shown.month,
        "days": [{"day": one.day, "made_up": one.made_up} for one in shown.days],
        "checked_in_today": shown.checked_in_today,
        "streak": shown.streak,
        "next_day": shown.next_day,
        "rewards": [_dump_reward(reward) for reward in shown.rewards],
        "make_ups_left": shown.make_ups_left,
        "make_up_points": shown.make_up_points,
        "make_up_from": shown.make_up_from,
    }


@blueprint.get("")
@blueprint.arguments(CalendarArguments(), location="query")
@blueprint.response(200, CalendarSchema())
@blueprint.doc(security=MEMBER)
def show(arguments: dict[str, Any]) -> Response:
    """A month of the member's check-ins, and what comes next. 404 while there is none for this member."""
    shown = calendar(member_id=me().id, month=arguments["month"], now=clock.now())
    if shown is None:
        raise NotFound
    return answer(_dump_calendar(shown))


class CheckInWishSchema(Strict):
    activity_id = text(26, required=True)


class CheckedInSchema(Strict):
    day = fields.Date(required=True)
    streak = fields.Integer(required=True, metadata={"description": "days in a row up to it"})
    cycle_day = fields.Integer(required=True, metadata={"description": "which of `rewards` it counted as"})
    points = fields.Integer(required=True)
    coupons = fields.Integer(required=True)
    chances = fields.Integer(required=True)
    cost_points = fields.Integer(required=True)


def _dump(done: CheckedIn) -> dict[str, Any]:
    return asdict(done)


@blueprint.post("")
@blueprint.arguments(CheckInWishSchema())
@blueprint.response(201, CheckedInSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def check_in(arguments: dict[str, Any]) -> Response:
    """Check in today. 409 `already_checked_in` the second time."""
    done = story.check_in(member_id=me().id, **arguments, request=keyed(scope()), now=clock.now())
    return answer(_dump(done), 201)


class MakeUpSchema(CheckInWishSchema):
    day = Day(required=True, metadata={"description": "a missed day of this month"})


@blueprint.post("/make-up")
@blueprint.arguments(MakeUpSchema())
@blueprint.response(201, CheckedInSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def make_up(arguments: dict[str, Any]) -> Response:
    """Make up a missed day. It gives nothing itself; the days in a row count it from now on."""
    done = story.make_up(member_id=me().id, **arguments, request=keyed(scope()), now=clock.now())
    return answer(_dump(done), 201)
