"""A sale without member gets its member afterwards."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout.retro_credit import credit_sale
from app.checkout.retro_credit_record import Credited
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.explained import PartSchema, dump_parts
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.schemas import Strict, pin, text

blueprint = Blueprint(
    "retro_credits", __name__, url_prefix="/pos/v1/sales", description="Sales credited afterwards"
)
guarded(blueprint, require_till)


class CreditSchema(Strict):
    ticket = text(43, required=True, metadata={"description": "of a scan of the member's code"})
    staff_no = text(16, required=True, metadata={"description": "whose name stands under it"})
    staff_pin = pin()


class CreditedSchema(Strict):
    id = fields.String(required=True)
    sale_id = fields.String(required=True)
    receipt_no = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("done", "pending")))
    approval_id = fields.String(required=True, allow_none=True)
    amount_fen = fields.Integer(required=True, metadata={"description": "what of the sale was not refunded"})
    points_earned = fields.Integer(required=True)
    points_after = fields.Integer(required=True, allow_none=True)
    available_at = fields.AwareDateTime(required=True, allow_none=True)
    earned = fields.List(fields.Nested(PartSchema()), required=True)


def _dump(credited: Credited) -> dict[str, Any]:
    return {
        "id": credited.credit_id,
        "sale_id": credited.sale_id,
        "receipt_no": credited.receipt_no,
        "state": credited.state,
        "approval_id": credited.approval_id,
        "amount_fen": credited.amount_fen,
        "points_earned": credited.points_earned,
        "points_after": credited.points_after,
        "available_at": credited.available_at,
        "earned": dump_parts(credited.earned),
    }


@blueprint.post("/<string:sale_id>/member")
@blueprint.arguments(CreditSchema())
@blueprint.response(201, CreditedSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any], sale_id: str) -> Response:
    """Credit a sale to the member who forgot the code; `pending` above what one clerk may do alone."""
    credited = credit_sale(
        till=till(arguments["staff_no"], arguments["staff_pin"]),
        sale_id=sale_id,
        ticket=arguments["ticket"],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(_dump(credited), 201)
