"""Confirming on the phone that a till spends much of one's stored value and points."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout.confirm import Asked, confirm, follow, waiting_for
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.schemas import Strict, flag

blueprint = Blueprint(
    "confirmations", __name__, url_prefix="/api/v1/me/confirmations", description="Confirming a spending"
)
guarded(blueprint, require_member)


class ConfirmationSchema(Strict):
    id = fields.String(required=True)
    store = fields.String(required=True)
    amount_fen = fields.Integer(required=True, metadata={"description": "of the purchase"})
    stored_value_fen = fields.Integer(
        required=True, metadata={"description": "so much of the stored value is to pay for it"}
    )
    points = fields.Integer(required=True, metadata={"description": "so many points are to pay for it"})
    points_fen = fields.Integer(required=True, metadata={"description": "what these points pay"})
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class ConfirmationsSchema(Strict):
    items = fields.List(fields.Nested(ConfirmationSchema()), required=True)


def _dump(asked: Asked) -> dict[str, Any]:
    return {
        "id": asked.quote_id,
        "store": asked.store,
        "amount_fen": asked.amount_fen,
        "stored_value_fen": asked.stored_value_fen,
        "points": asked.points,
        "points_fen": asked.points_fen,
        "created_at": asked.created_at,
        "expires_at": asked.expires_at,
    }


@blueprint.get("")
@blueprint.response(200, ConfirmationsSchema())
@blueprint.doc(security=MEMBER)
def waiting() -> Response:
    """What waits for the member's word, newest first, 20 at most."""
    return answer({"items": [_dump(one) for one in waiting_for(member_id=me().id, now=clock.now())]})


class WordSchema(Strict):
    agree = flag(required=True)


class DecidedSchema(Strict):
    confirmation = fields.String(required=True, validate=validate.OneOf(("confirmed", "declined")))


@blueprint.post("/<string:quote_id>")
@blueprint.arguments(WordSchema())
@blueprint.response(200, DecidedSchema())
@blueprint.doc(security=MEMBER)
def decide(arguments: dict[str, Any], quote_id: str) -> Response:
    """Agree or decline. The same word again changes nothing; another one is refused."""
    decided = confirm(member_id=me().id, quote_id=quote_id, agree=arguments["agree"], now=clock.now())
    return answer({"confirmation": decided})


class FollowedSchema(Strict):
    confirmation = fields.String(required=True, validate=validate.OneOf(("pending", "confirmed", "declined")))
    state = fields.String(
        required=True,
        validate=validate.OneOf(("waiting", "paid", "ended")),
        metadata={"description": "`paid`: the sale was made; `ended`: it will not be, and nothing is spent"},
    )
    expires_at = fields.AwareDateTime(required=True)


@blueprint.get("/<string:quote_id>")
@blueprint.response(200, FollowedSchema())
@blueprint.doc(security=MEMBER)
def show(quote_id: str) -> Response:
    """What came of it: ask again, less and less often, while `state` is `waiting`."""
    found = follow(member_id=me().id, quote_id=quote_id, now=clock.now())
    return answer({"confirmation": found.confirmation, "state": found.state, "expires_at": found.expires_at})
