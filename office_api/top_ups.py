"""Top-ups in the back office: finding one, and paying back what WeChat Pay took in."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout import refund_wechat_top_up
from app.checkout.top_up_refund import preview
from app.staff.roles import REFUND
from app.stored_value.listing import of_member
from office_api.guard import STAFF, me, my_stores, need, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, page, page_of
from web.parts import parts
from web.schemas import Strict
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
    "office_top_ups", __name__, url_prefix="/office/v1", description="Top-ups, and paying them back"
)
guarded(blueprint, require_staff)


class TopUpViewSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(
        required=True, validate=validate.OneOf(("created", "waiting", "credited", "closed"))
    )
    method = fields.String(required=True, validate=validate.OneOf(("cash", "card", "wechat_pay")))
    store = fields.String(
        required=True, allow_none=True, metadata={"description": "null: in the mini-program"}
    )
    receipt_no = fields.String(required=True, allow_none=True)
    amount_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"description": "of the offer"})
    points_earned = fields.Integer(required=True, metadata={"description": "by rules of earning"})
    refunded_fen = fields.Integer(
        required=True, metadata={"description": "principal that went back, or is on its way"}
    )
    refunding = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "the refund that WeChat Pay was asked for and has not paid yet"},
    )
    trouble = fields.String(
        required=True, allow_none=True, metadata={"description": "what stands against that refund"}
    )
    created_at = fields.AwareDateTime(required=True)
    credited_at = fields.AwareDateTime(required=True, allow_none=True)


@blueprint.get("/members/<string:member_no>/topups")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(TopUpViewSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any], member_no: str) -> Response:
    """A member's top-ups in the stores where the caller may refund, newest first."""
    stores, found = my_stores(REFUND), asked(arguments)
    top_ups = of_member(member_no=member_no, stores=stores, limit=found.limit + 1, before=found.after)
    return answer(page(top_ups, found, lambda one: one.id, asdict))


@blueprint.get("/topups/<string:top_up_id>/refund")
@blueprint.arguments(RefundSumArguments(), location="query")
@blueprint.response(200, RefundSumSchema())
@blueprint.doc(security=STAFF)
def show(arguments: dict[str, Any], top_up_id: str) -> Response:
    """What would be paid back of a top-up by WeChat Pay, and why so much. Changes nothing."""
    need(REFUND, None)
    work = preview(
        top_up_id=top_up_id, store_id=None, principal_fen=arguments["principal_fen"], now=clock.now()
    )
    return answer(dump_sum(work))


@blueprint.post("/topups/<string:top_up_id>/refunds")
@blueprint.arguments(WantedRefundSchema())
@blueprint.response(201, TopUpRefundedSchema())
@blueprint.doc(security=STAFF, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any], top_up_id: str) -> Response:
    """Pay back a top-up by WeChat Pay. `asked`: it has been asked, and is asked again until it says how it ended."""
    need(REFUND, None)
    refunded = refund_wechat_top_up.ask(
        pay=parts().wechat_pay,
        top_up_id=top_up_id,
        wanted=wanted(arguments),
        staff_id=me().id,
        request=keyed(f"staff:{me().id}"),
        now=clock.now(),
    )
    return answer(dump_refunded(refunded), 201)
