"""Coupons at the till without a sale: what the member holds, redeeming one by itself, giving it back."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.checkout.held_coupons import HeldCoupon, coupons_at_hand
from app.checkout.redeem_coupon import Redemption, redeem_coupon, show_redemption
from app.checkout.undo_redemption import Undone, undo_redemption
from app.discounts.explain import coupon_text
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict, text
from web.used_coupons import CameBackSchema, dump_back

blueprint = Blueprint("coupon_redemptions", __name__, url_prefix="/pos/v1", description="Coupons at the till")
guarded(blueprint, require_till)

_TICKET = {"description": "of a scan of the member's code, or of the coupon's own"}


class HeldArguments(PageArguments):
    ticket = text(43, required=True, metadata=_TICKET)
    staff_no = text(16, load_default=None)


class HeldCouponSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    what = fields.String(required=True, metadata={"description": "what it takes off or gives, for people"})
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)
    uses_left = fields.Integer(required=True)
    without_sale = fields.Boolean(
        required=True, metadata={"description": "may be redeemed by itself; each may with a sale"}
    )
    usable = fields.Boolean(required=True, metadata={"description": "here and now, if the goods fit"})
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "why not; docs/discounts.md lists them"}
    )
    text = fields.String(required=True, allow_none=True, metadata={"description": "the reason, for people"})


class RedeemSchema(Strict):
    ticket = text(43, required=True, metadata=_TICKET)
    coupon_id = text(26, required=True)
    staff_no = text(16, load_default=None)


class RedemptionSchema(Strict):
    id = fields.String(required=True)
    coupon_id = fields.String(required=True)
    name = fields.String(required=True)
    what = fields.String(required=True, metadata={"description": "what is handed over for it"})
    gift_sku = fields.String(required=True, metadata={"description": "of a gift, if it has one"})
    uses_left = fields.Integer(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    business_date = fields.Date(required=True)
    sale_id = fields.String(
        required=True, allow_none=True, metadata={"description": "null: redeemed by itself"}
    )
    undone_at = fields.AwareDateTime(required=True, allow_none=True)


class UndoSchema(Strict):
    staff_no = text(16, required=True, metadata={"description": "whose name stands under it"})


class UndoneSchema(Strict):
    id = fields.String(required=True)
    coupon = fields.Nested(CameBackSchema(), required=True)
    undone_at = fields.AwareDateTime(required=True)


def _dump_held(coupon: HeldCoupon) -> dict[str, Any]:
    english = language() == "en"
    name = coupon.name_en if english else coupon.name_zh
    return {
        "id": coupon.coupon_id,
        "name": name,
        "what": coupon.what_en if english else coupon.what_zh,
        "valid_from": coupon.valid_from,
        "valid_until": coupon.valid_until,
        "uses_left": coupon.uses_left,
        "without_sale": coupon.without_sale,
        "usable": not coupon.reason,
        "reason": coupon.reason or None,
        "text": coupon_text(coupon.reason, name, language()) if coupon.reason else None,
    }


def _dump(redemption: Redemption) -> dict[str, Any]:
    english = language() == "en"
    return {
        "id": redemption.redemption_id,
        "coupon_id": redemption.coupon_id,
        "name": redemption.name_en if english else redemption.name_zh,
        "what": redemption.what_en if english else redemption.what_zh,
        "gift_sku": redemption.gift_sku,
        "uses_left": redemption.uses_left,
        "occurred_at": redemption.occurred_at,
        "business_date": redemption.business_date,
        "sale_id": redemption.of_sale,
        "undone_at": redemption.undone_at,
    }


def _dump_undone(undone: Undone) -> dict[str, Any]:
    return {
        "id": undone.redemption_id,
        "coupon": dump_back(undone.coupon),
        "undone_at": undone.undone_at,
    }


@blueprint.get("/coupons")
@blueprint.arguments(HeldArguments(), location="query")
@blueprint.response(200, page_of(HeldCouponSchema))
@blueprint.doc(security=TILL)
def held(arguments: dict[str, Any]) -> Response:
    """The coupons of the ticket's member that have not ended, the newest first, and why one cannot be used here."""
    wanted = asked(arguments)
    found = coupons_at_hand(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        limit=wanted.limit + 1,
        after=wanted.after,
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda one: one.coupon_id, _dump_held))


@blueprint.post("/coupon-redemptions")
@blueprint.arguments(RedeemSchema())
@blueprint.response(201, RedemptionSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Redeem a coupon by itself, within five minutes of the scan. The ticket stays good for a sale.

    The same key gives the same answer and uses nothing twice.
    """
    redemption = redeem_coupon(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        coupon_id=arguments["coupon_id"],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(_dump(redemption), 201)


@blueprint.get("/coupon-redemptions/<string:redemption_id>")
@blueprint.response(200, RedemptionSchema())
@blueprint.doc(security=TILL)
def show(redemption_id: str) -> Response:
    """A use of a coupon in this till's store, with a sale or by itself."""
    return answer(_dump(show_redemption(till=till(), redemption_id=redemption_id)))


@blueprint.post("/coupon-redemptions/<string:redemption_id>/undo")
@blueprint.arguments(UndoSchema())
@blueprint.response(200, UndoneSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def undo(arguments: dict[str, Any], redemption_id: str) -> Response:
    """Give the use back, by whoever may refund and within the same days; of one with a sale, refund the sale."""
    undone = undo_redemption(
        till=till(arguments["staff_no"]),
        redemption_id=redemption_id,
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(_dump_undone(undone))
