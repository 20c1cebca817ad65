"""Passing a coupon on to a friend."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.coupons.transfer import offer, take, withdraw
from miniprogram_api.coupons import ClaimedSchema
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.parts import parts
from web.schemas import Strict, text

blueprint = Blueprint("coupon_offers", __name__, url_prefix="/api/v1", description="Passing a coupon on")
guarded(blueprint, require_member)


class OfferedSchema(Strict):
    secret = fields.String(
        required=True, metadata={"description": "for the link; told once, only its hash is kept"}
    )
    expires_at = fields.AwareDateTime(required=True)


@blueprint.post("/coupons/<string:coupon_id>/offer")
@blueprint.response(200, OfferedSchema())
@blueprint.doc(security=MEMBER)
def offering(coupon_id: str) -> Response:
    """Make a link for the coupon, good for 24 hours and one friend. Another call makes another, and ends this one."""
    made = offer(member_id=me().id, coupon_id=coupon_id, throttle=parts().throttle, now=clock.now())
    return answer({"secret": made.secret, "expires_at": made.expires_at})


@blueprint.delete("/coupons/<string:coupon_id>/offer")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def taking_back(coupon_id: str) -> Response:
    """End the coupon's link; having none is no fault."""
    withdraw(member_id=me().id, coupon_id=coupon_id)
    return nothing()


class TakeSchema(Strict):
    secret = text(64, required=True)


@blueprint.post("/coupon-offers/take")
@blueprint.arguments(TakeSchema())
@blueprint.response(201, ClaimedSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def taking(arguments: dict[str, Any]) -> Response:
    """Take over the coupon behind a link.

    410 `coupon_offer_over` if it was taken, used, withdrawn, or its time is over; 409 `coupon_offer_own`.
    """
    taken = take(
        member_id=me().id,
        secret=arguments["secret"],
        request=keyed(scope()),
        throttle=parts().throttle,
        now=clock.now(),
    )
    return answer(
        {
            "id": taken.coupon_id,
            "name": taken.name_en if language() == "en" else taken.name_zh,
            "valid_from": taken.valid_from,
            "valid_until": taken.valid_until,
        },
        201,
    )
