"""Top-ups that a clerk takes money for."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout.top_up import METHODS, TakenIn, ToppedUp, top_up
from app.stored_value.policy import LEGAL_MOST_FEN
from app.stored_value.shown import shown_offers
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.explained import PartSchema, dump_parts
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.offers import OffersSchema, after, dump_offers
from web.paging import PageArguments, asked
from web.schemas import Strict, pin, receipt_number, text, whole

blueprint = Blueprint("pos_top_ups", __name__, url_prefix="/pos/v1/topups", description="Top-ups at the till")
guarded(blueprint, require_till)


@blueprint.get("/offers")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, OffersSchema())
@blueprint.doc(security=TILL)
def offers(arguments: dict[str, Any]) -> Response:
    """What is offered now, for everybody; whether this member may take it is known once it is tried."""
    wanted = asked(arguments)
    return answer(dump_offers(shown_offers(now=clock.now(), limit=wanted.limit, after=after(wanted))))


class TopUpSchema(Strict):
    ticket = text(43, required=True, metadata={"description": "of a scan; good for one top-up"})
    amount_fen = whole(1, LEGAL_MOST_FEN, required=True, metadata={"description": "what the member paid"})
    method = fields.String(required=True, validate=validate.OneOf(METHODS))
    receipt_no = receipt_number(required=True, metadata={"description": "unique among the store's top-ups"})
    offer_id = whole(
        1,
        2**53 - 1,
        load_default=None,
        allow_none=True,
        metadata={"description": "the version of the offer that was shown; null: none"},
    )
    staff_no = text(16, load_default=None)
    staff_pin = pin()


class ToppedUpSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("credited", "waiting")))
    approval_id = fields.String(
        required=True, allow_none=True, metadata={"description": "what a second person must agree to"}
    )
    amount_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    points = fields.Integer(required=True)
    principal_after_fen = fields.Integer(required=True)
    bonus_after_fen = fields.Integer(required=True)
    bonus_to_come_fen = fields.Integer(
        required=True, metadata={"description": "bonus that is released in later months"}
    )
    points_earned = fields.Integer(
        required=True, metadata={"description": "by rules that apply to top-ups, besides `points`"}
    )
    coupons = fields.Integer(
        required=True, metadata={"description": "how many came with it; look at the member's coupons"}
    )
    earned = fields.List(
        fields.Nested(PartSchema()), required=True, metadata={"description": "why so much, rule by rule"}
    )


def _dump(topped_up: ToppedUp) -> dict[str, Any]:
    return {
        "id": topped_up.top_up_id,
        "state": topped_up.state,
        "approval_id": topped_up.approval_id,
        "amount_fen": topped_up.amount_fen,
        "bonus_fen": topped_up.bonus_fen,
        "points": topped_up.points,
        "principal_after_fen": topped_up.principal_after_fen,
        "bonus_after_fen": topped_up.bonus_after_fen,
        "bonus_to_come_fen": topped_up.bonus_to_come_fen,
        "points_earned": topped_up.points_earned,
        "coupons": topped_up.coupons,
        "earned": dump_parts(topped_up.earned),
    }


@blueprint.post("")
@blueprint.arguments(TopUpSchema())
@blueprint.response(201, ToppedUpSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Credit what the clerk took in. `waiting`: so much is credited once a second person has agreed."""
    taken = TakenIn(
        amount_fen=arguments["amount_fen"],
        method=arguments["method"],
        receipt_no=arguments["receipt_no"],
        offer_id=arguments["offer_id"],
    )
    topped_up = top_up(
        till=till(arguments["staff_no"], arguments["staff_pin"]),
        ticket=arguments["ticket"],
        taken=taken,
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(_dump(topped_up), 201)
