"""Top-ups in the mini-program, paid by WeChat Pay."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout import order_top_up
from app.checkout.order_top_up import OrderView, Wish
from app.stored_value.policy import LEGAL_MOST_FEN
from app.stored_value.shown import shown_offers
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.offers import OffersSchema, after, dump_offers
from web.paging import PageArguments, asked
from web.parts import parts
from web.schemas import Strict, whole

blueprint = Blueprint(
    "top_ups", __name__, url_prefix="/api/v1/me/topups", description="Top-ups by WeChat Pay"
)
guarded(blueprint, require_member)

#: Each order asks WeChat Pay once or twice; nobody taps so often.
PER_MEMBER = Limit("top_up_orders", 10, 60)


class MemberOffersSchema(OffersSchema):
    payable = fields.Boolean(required=True, metadata={"description": "whether WeChat Pay is set up"})


@blueprint.get("/offers")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, MemberOffersSchema())
@blueprint.doc(security=MEMBER)
def offers(arguments: dict[str, Any]) -> Response:
    """What is offered now; what this member may not take says so."""
    wanted = asked(arguments)
    shown = shown_offers(now=clock.now(), limit=wanted.limit, after=after(wanted), member_id=me().id)
    return answer(dump_offers(shown) | {"payable": parts().wechat_pay is not None})


class WishSchema(Strict):
    amount_fen = whole(1, LEGAL_MOST_FEN, required=True)
    offer_id = whole(
        1,
        2**53 - 1,
        load_default=None,
        allow_none=True,
        metadata={"description": "the version of the offer that was shown; null: none"},
    )


class PaymentParamsSchema(Strict):
    timeStamp = fields.String(required=True)
    nonceStr = fields.String(required=True)
    package = fields.String(required=True)
    signType = fields.String(required=True)
    paySign = fields.String(required=True)


class PayableSchema(Strict):
    id = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    payment = fields.Nested(
        PaymentParamsSchema(), required=True, metadata={"description": "for wx.requestPayment, as it is"}
    )


@blueprint.post("")
@blueprint.arguments(WishSchema())
@blueprint.response(201, PayableSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Order a top-up. The same key gives the same order, with `payment` signed anew.

    Another open order of the member is closed. It is credited once WeChat Pay says that it was paid.
    """
    now, here = clock.now(), parts()
    here.throttle.hit(PER_MEMBER, me().id)
    payable = order_top_up.order(
        pay=here.wechat_pay,
        app_id=here.settings.wechat_app_id,
        brand=here.settings.brand_name,
        member_id=me().id,
        wish=Wish(**arguments),
        request=keyed(scope()),
        now=now,
    )
    told = {
        "id": payable.top_up_id,
        "expires_at": payable.expires_at,
        "payment": payable.params.as_json(),
    }
    return answer(told, 201)


class OrderSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("created", "credited", "closed")))
    amount_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    points = fields.Integer(required=True)


def _dump(order: OrderView) -> dict[str, Any]:
    return {
        "id": order.top_up_id,
        "state": order.state,
        "amount_fen": order.amount_fen,
        "bonus_fen": order.bonus_fen,
        "points": order.points,
    }


@blueprint.get("/<string:top_up_id>")
@blueprint.response(200, OrderSchema())
@blueprint.doc(security=MEMBER)
def show(top_up_id: str) -> Response:
    """How an order of the member's own stands."""
    return answer(_dump(order_top_up.show(member_id=me().id, top_up_id=top_up_id)))


@blueprint.post("/<string:top_up_id>/close")
@blueprint.response(200, OrderSchema())
@blueprint.doc(security=MEMBER)
def close(top_up_id: str) -> Response:
    """Give an order up, after the payment was put away. One that has been paid is credited instead."""
    now, here = clock.now(), parts()
    here.throttle.hit(PER_MEMBER, me().id)
    closed = order_top_up.close(pay=here.wechat_pay, member_id=me().id, top_up_id=top_up_id, now=now)
    return answer(_dump(closed))
