"""The member's tier: how long it lasts, and what is missing."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.texts import say
from app.tiers.progress import Keeping, NextTier, Progress, progress
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.schemas import Strict
from web.tiers import TierSchema, dump_tier

blueprint = Blueprint("tier", __name__, url_prefix="/api/v1/me", description="The member's tier")
guarded(blueprint, require_member)


class NextTierSchema(Strict):
    tier = fields.Nested(TierSchema(), required=True)
    at_least = fields.Integer(required=True)
    missing = fields.Integer(required=True)
    text = fields.String(required=True)


class KeepTierSchema(Strict):
    at_least = fields.Integer(required=True)
    amount = fields.Integer(required=True, metadata={"description": "what counts towards it so far"})
    missing = fields.Integer(required=True, metadata={"description": "0: the tier will be kept"})
    counts_from = fields.Date(required=True)
    valid_through = fields.Date(required=True, metadata={"description": "last day of the period"})
    until = fields.Date(
        required=True, metadata={"description": "last day on which it can still be earned: grace included"}
    )
    text = fields.String(required=True)


class BenefitSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(("birthday_gift",)))
    points = fields.Integer(required=True)
    phone_needed = fields.Boolean(
        required=True, metadata={"description": "true: not before the member binds a phone number"}
    )
    text = fields.String(required=True, metadata={"description": "says that, too"})


class MyTierSchema(Strict):
    tier = fields.Nested(TierSchema(), required=True)
    valid_through = fields.Date(
        required=True, allow_none=True, metadata={"description": "null: it does not end"}
    )
    basis = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("spend", "visits", "growth")),
        metadata={"description": "what is counted: fen, visits or growth value; null: no plan is set"},
    )
    amount = fields.Integer(
        required=True, metadata={"description": "what counts towards the next tier today"}
    )
    counts_from = fields.Date(required=True, allow_none=True)
    next = fields.Nested(NextTierSchema(), required=True, allow_none=True)
    keep = fields.Nested(KeepTierSchema(), required=True, allow_none=True)
    benefits = fields.List(
        fields.Nested(BenefitSchema()), required=True, metadata={"description": "what the tier gives"}
    )
    text = fields.String(required=True, metadata={"description": "the one line to show; may be empty"})


def _dump_next(found: NextTier) -> dict[str, Any]:
    return {
        "tier": dump_tier(found.tier),
        "at_least": found.at_least,
        "missing": found.missing,
        "text": found.text(language()),
    }


def _dump_keep(keep: Keeping) -> dict[str, Any]:
    return {
        "at_least": keep.at_least,
        "amount": keep.amount,
        "missing": keep.missing,
        "counts_from": keep.counts_from,
        "valid_through": keep.valid_through,
        "until": keep.until,
        "text": keep.text(language()),
    }


def _benefits(found: Progress) -> list[dict[str, Any]]:
    points = found.birthday_points
    if not points:
        return []
    key = "benefit.birthday_gift.phone_needed" if found.phone_needed else "benefit.birthday_gift"
    return [
        {
            "kind": "birthday_gift",
            "points": points,
            "phone_needed": found.phone_needed,
            "text": say(key, language(), points=points),
        }
    ]


@blueprint.get("/tier")
@blueprint.response(200, MyTierSchema())
@blueprint.doc(security=MEMBER)
def show() -> Response:
    """The tier, what is missing to the next one, and what keeps it."""
    found = progress(member_id=me().id, now=clock.now())
    return answer(
        {
            "tier": dump_tier(found.tier),
            "valid_through": None if found.keep is None else found.keep.valid_through,
            "basis": found.basis,
            "amount": found.amount,
            "counts_from": found.counts_from,
            "next": None if found.next is None else _dump_next(found.next),
            "keep": None if found.keep is None else _dump_keep(found.keep),
            "benefits": _benefits(found),
            "text": found.text(language()),
        }
    )
