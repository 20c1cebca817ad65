"""Inviting friends."""

from typing import Any, get_args

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.engagement.definitions import Referral
from app.engagement.invites import CODE_LENGTH, PAGE, Friend, FriendState, Invite, friends, invite, own_code
from app.engagement.reward import Reward
from app.texts import say, yuan
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.page_picture import answer_page_picture, documented
from web.paging import PageArguments, asked, page, page_of
from web.parts import parts
from web.schemas import Strict

blueprint = Blueprint("invite", __name__, url_prefix="/api/v1/me/invite", description="Inviting friends")
guarded(blueprint, require_member)

#: A phone keeps the picture; WeChat draws so many for all members together.
PICTURES = Limit("invite_pictures", 10, 3600)


class InviteRewardSchema(Strict):
    points = fields.Integer(required=True)
    coupons = fields.Integer(required=True)
    chances = fields.Integer(required=True)
    text = fields.String(required=True, metadata={"description": "for people; empty: nothing"})


class InviteSchema(Strict):
    activity_id = fields.String(required=True)
    name = fields.String(required=True)
    rule = fields.String(required=True, metadata={"description": "for people"})
    code = fields.String(required=True, validate=validate.Length(equal=CODE_LENGTH))
    scene = fields.String(
        required=True,
        validate=validate.Length(1, 32),
        metadata={"description": "what a mini-program code carries"},
    )
    path = fields.String(required=True, metadata={"description": "of the mini-program, to share"})
    inviter = fields.Nested(InviteRewardSchema(), required=True)
    newcomer = fields.Nested(InviteRewardSchema(), required=True)
    at_least_fen = fields.Integer(required=True, metadata={"description": "of the purchase that counts"})
    window_days = fields.Integer(required=True, metadata={"description": "from joining to that purchase"})
    ends_at = fields.AwareDateTime(required=True, allow_none=True)
    invited = fields.Integer(required=True)
    pending = fields.Integer(required=True, metadata={"description": "who still may buy"})
    qualified = fields.Integer(required=True, metadata={"description": "who brought a reward that stands"})
    places_left = fields.Integer(required=True, metadata={"description": "rewards to be had still"})
    points_earned = fields.Integer(required=True)
    coupons_earned = fields.Integer(required=True)


def _dump_reward(reward: Reward, shown: Invite) -> dict[str, Any]:
    english = language() == "en"
    given = []
    if reward.points:
        given.append(say("referral.gives.points", language(), n=reward.points))
    if reward.coupons:
        name = shown.coupons[reward.coupon_template][english]
        given.append(say("referral.gives.coupons", language(), n=reward.coupons, name=name))
    if reward.chances:
        given.append(say("referral.gives.chances", language(), n=reward.chances))
    return {
        "points": reward.points,
        "coupons": reward.coupons,
        "chances": reward.chances,
        "text": (", " if english else "、").join(given),
    }


def _rule(terms: Referral) -> str:
    words = language()
    if terms.inviter.is_nothing or terms.newcomer.is_nothing:
        gets = "newcomer" if terms.inviter.is_nothing else "inviter"
    else:
        gets = "both"
    return say(
        "referral.rule",
        words,
        days=terms.window_days,
        least=yuan(terms.at_least_fen).removesuffix(".00"),
        phone=say("referral.rule.phone", words) if terms.phone_needed else "",
        gets=say(f"referral.rule.{gets}", words),
    )


def _dump(shown: Invite) -> dict[str, Any]:
    terms = shown.terms
    return {
        "activity_id": shown.activity_id,
        "name": shown.name_en if language() == "en" else shown.name_zh,
        "rule": _rule(terms),
        "code": shown.code,
        "scene": shown.scene,
        "path": f"/{PAGE}?invite={shown.code}",
        "inviter": _dump_reward(terms.inviter, shown),
        "newcomer": _dump_reward(terms.newcomer, shown),
        "at_least_fen": terms.at_least_fen,
        "window_days": terms.window_days,
        "ends_at": shown.ends_at,
        "invited": shown.invited,
        "pending": shown.pending,
        "qualified": shown.rewarded,
        "places_left": shown.places_left,
        "points_earned": shown.points_earned,
        "coupons_earned": shown.coupons_earned,
    }


@blueprint.get("")
@blueprint.response(200, InviteSchema())
@blueprint.doc(security=MEMBER)
def show() -> Response:
    """The member's own invite, and what it has brought. 404 while there is no referral to take part in."""
    return answer(_dump(invite(member_id=me().id, now=clock.now())))


@blueprint.get("/picture")
@blueprint.doc(
    security=MEMBER,
    responses=documented("the mini-program code of the member's invite"),
)
def picture() -> Response:
    """The mini-program code that opens the member's invite. WeChat draws it: keep it."""
    parts().throttle.hit(PICTURES, me().id)
    return answer_page_picture(PAGE, own_code(member_id=me().id, now=clock.now()))


class FriendSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "masked; empty if they told none"})
    state = fields.String(required=True, validate=validate.OneOf(get_args(FriendState)))
    state_text = fields.String(required=True, metadata={"description": "for people"})
    joined_at = fields.AwareDateTime(required=True)
    buy_until = fields.AwareDateTime(required=True, metadata={"description": "a purchase before it counts"})
    points = fields.Integer(required=True, metadata={"description": "what the caller got for them and kept"})
    coupons = fields.Integer(required=True)


def _dump_friend(friend: Friend) -> dict[str, Any]:
    return {
        "id": friend.id,
        "name": friend.name,
        "state": friend.state,
        "state_text": say(f"referral.state.{friend.state}", language()),
        "joined_at": friend.joined_at,
        "buy_until": friend.buy_until,
        "points": friend.points,
        "coupons": friend.coupons,
    }


@blueprint.get("/friends")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(FriendSchema))
@blueprint.doc(security=MEMBER)
def list_friends(arguments: dict[str, Any]) -> Response:
    """Whom the member brought, newest first."""
    wanted = asked(arguments)
    found = friends(member_id=me().id, limit=wanted.limit + 1, before=wanted.after, now=clock.now())
    return answer(page(found, wanted, lambda friend: friend.id, _dump_friend))
