"""Who brought whom, who brought the most, and how many came; for whoever has the right in all of its stores."""

import re
from dataclasses import asdict
from functools import partial
from typing import Any, get_args

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.engagement import referral_listing
from app.engagement.referral_join import Reason
from app.engagement.referral_listing import Leader, ReferralView, State
from app.texts import say
from office_api.activities import all_mine
from office_api.guard import STAFF, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.paging import Page, PageArguments, asked, matched, page, page_of
from web.schemas import Strict

blueprint = Blueprint(
    "referrals",
    __name__,
    url_prefix="/office/v1/activities/<string:activity_id>/referrals",
    description="Who brought whom",
)
guarded(blueprint, require_staff)


class ReferralPersonSchema(Strict):
    member_no = fields.String(required=True, metadata={"description": "masked"})
    name = fields.String(required=True, metadata={"description": "masked"})


class ReferralSchema(Strict):
    id = fields.String(required=True)
    inviter = fields.Nested(ReferralPersonSchema(), required=True)
    newcomer = fields.Nested(ReferralPersonSchema(), required=True)
    joined_at = fields.AwareDateTime(required=True)
    buy_until = fields.AwareDateTime(required=True)
    state = fields.String(required=True, validate=validate.OneOf(get_args(State)))
    lapsed = fields.Boolean(required=True, metadata={"description": "pending, and too late"})
    reason = fields.String(required=True, allow_none=True, validate=validate.OneOf(get_args(Reason)))
    reason_text = fields.String(required=True, allow_none=True, metadata={"description": "for people"})
    sale_id = fields.String(required=True, allow_none=True, metadata={"description": "what counted"})
    rewarded_at = fields.AwareDateTime(required=True, allow_none=True)
    taken_back_at = fields.AwareDateTime(required=True, allow_none=True)


class ReferralArguments(PageArguments):
    state = fields.String(load_default=None, allow_none=False, validate=validate.OneOf(get_args(State)))


def _dump(one: ReferralView) -> dict[str, Any]:
    return {
        "id": one.id,
        "inviter": {"member_no": one.inviter_no, "name": one.inviter_name},
        "newcomer": {"member_no": one.newcomer_no, "name": one.newcomer_name},
        "joined_at": one.joined_at,
        "buy_until": one.buy_until,
        "state": one.state,
        "lapsed": one.lapsed,
        "reason": one.reason,
        "reason_text": one.reason and say(f"referral.reason.{one.reason}", language()),
        "sale_id": one.sale_id,
        "rewarded_at": one.rewarded_at,
        "taken_back_at": one.taken_back_at,
    }


@blueprint.get("")
@blueprint.arguments(ReferralArguments(), location="query")
@blueprint.response(200, page_of(ReferralSchema))
@blueprint.doc(security=STAFF)
def list_referrals(arguments: dict[str, Any], activity_id: str) -> Response:
    """Newest first; with `state=blocked` those that bring nothing, and why."""
    wanted = asked(arguments)
    found = referral_listing.referrals(
        activity_id=all_mine(activity_id).id,
        state=arguments["state"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda one: one.id, _dump))


class LeaderSchema(ReferralPersonSchema):
    rewarded = fields.Integer(required=True, metadata={"description": "members they brought"})
    points = fields.Integer(required=True, metadata={"description": "what they were given for it"})
    coupons = fields.Integer(required=True)


class LeaderArguments(PageArguments):
    begins = fields.AwareDateTime(
        data_key="from", load_default=None, allow_none=False, metadata={"description": "rewarded since"}
    )
    until = fields.AwareDateTime(load_default=None, allow_none=False)


_PLACE = re.compile(r"([0-9]{1,9})-(.+)")


def _behind(wanted: Page) -> tuple[int, str] | None:
    """Raises `BadCursor`."""
    found = matched(wanted, _PLACE)
    return found and (int(found[1]), found[2])


def _dump_leader(one: Leader) -> dict[str, Any]:
    told = asdict(one)
    del told["place"]
    return told


@blueprint.get("/leaders")
@blueprint.arguments(LeaderArguments(), location="query")
@blueprint.response(200, page_of(LeaderSchema))
@blueprint.doc(security=STAFF)
def leaders(arguments: dict[str, Any], activity_id: str) -> Response:
    """Who brought the most members, by rewards that were given in the period and stand."""
    wanted = asked(arguments)
    found = referral_listing.leaders(
        activity_id=all_mine(activity_id).id,
        begins=arguments["begins"],
        until=arguments["until"],
        limit=wanted.limit + 1,
        behind=_behind(wanted),
    )
    return answer(page(found, wanted, lambda one: one.place, _dump_leader))


class ReferralReasonSchema(Strict):
    reason = fields.String(required=True, validate=validate.OneOf(get_args(Reason)))
    reason_text = fields.String(required=True, metadata={"description": "for people"})
    count = fields.Integer(required=True)


class ReferralFiguresSchema(Strict):
    inviters = fields.Integer(required=True)
    invited = fields.Integer(required=True)
    pending = fields.Integer(required=True, metadata={"description": "who still may buy"})
    lapsed = fields.Integer(required=True, metadata={"description": "who bought nothing in time"})
    rewarded = fields.Integer(required=True)
    taken_back = fields.Integer(required=True)
    blocked = fields.Integer(required=True)
    reasons = fields.List(
        fields.Nested(ReferralReasonSchema()), required=True, metadata={"description": "of `blocked`"}
    )
    sales_fen = fields.Integer(required=True, metadata={"description": "the purchases that counted"})


@blueprint.get("/figures")
@blueprint.response(200, ReferralFiguresSchema())
@blueprint.doc(security=STAFF)
def figures(activity_id: str) -> Response:
    """How many came, and what became of them; what it cost stands in the activity's report."""
    found = referral_listing.figures(activity_id=all_mine(activity_id).id, now=clock.now())
    word = partial(say, language=language())
    reasons = [
        {"reason": reason, "reason_text": word(f"referral.reason.{reason}"), "count": n}
        for reason, n in found.reasons.items()
    ]
    return answer(asdict(found) | {"reasons": reasons})
