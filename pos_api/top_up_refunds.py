"""Refunds of top-ups that the store took money for: the arithmetic first, then the money."""

from typing import Any

from flask import Response

from app import clock
from app.checkout.top_up_refund import preview, refund
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.schemas import pin, text
from web.top_up_refunds import (
    RefundSumArguments,
    RefundSumSchema,
    TopUpRefundedSchema,
    WantedRefundSchema,
    dump_refunded,
    dump_sum,
    wanted,
)

blueprint = Blueprint(
    "pos_top_up_refunds", __name__, url_prefix="/pos/v1/topups", description="Refunds of top-ups at the till"
)
guarded(blueprint, require_till)


@blueprint.get("/<string:top_up_id>/refund")
@blueprint.arguments(RefundSumArguments(), location="query")
@blueprint.response(200, RefundSumSchema())
@blueprint.doc(security=TILL)
def show(arguments: dict[str, Any], top_up_id: str) -> Response:
    """What would be paid back of a top-up of this store, and why so much. Changes nothing."""
    work = preview(
        top_up_id=top_up_id,
        store_id=till().store_id,
        principal_fen=arguments["principal_fen"],
        now=clock.now(),
    )
    return answer(dump_sum(work))


class TillRefundSchema(WantedRefundSchema):
    refund_no = text(
        40, required=True, metadata={"description": "unique among the store's refunds of top-ups"}
    )
    staff_no = text(16, required=True, metadata={"description": "whose name stands under it"})
    staff_pin = pin()
    ticket = text(
        43,
        load_default=None,
        allow_none=True,
        metadata={"description": "of a scan: the member is here; null: a second person must agree"},
    )


@blueprint.post("/<string:top_up_id>/refunds")
@blueprint.arguments(TillRefundSchema())
@blueprint.response(201, TopUpRefundedSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any], top_up_id: str) -> Response:
    """Pay it back as it was paid in; `pending` above what one may do alone: hand out nothing before."""
    refunded = refund(
        till=till(arguments["staff_no"], arguments["staff_pin"]),
        top_up_id=top_up_id,
        wanted=wanted(arguments),
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(dump_refunded(refunded), 201)
