"""From a scanned code to a ticket."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.checkout.scan import Scanned, scan
from app.checkout.scan_coupon import ScannedCoupon
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.parts import parts
from web.schemas import Strict, text
from web.tiers import TierSchema, dump_tier

blueprint = Blueprint("scans", __name__, url_prefix="/pos/v1", description="Scans")
guarded(blueprint, require_till)


class ScanSchema(Strict):
    # Whatever a scanner may send, control characters included: judging it is the business of scan_codes.
    code = fields.String(required=True)
    staff_no = text(16, load_default=None)


class ScannedMemberSchema(Strict):
    name = fields.String(required=True, metadata={"description": "masked"})
    tier = fields.Nested(TierSchema(), required=True)
    points = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "null of a coupon's code: it opens no account"},
    )
    balance_fen = fields.Integer(required=True, allow_none=True)


class ScannedCouponSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    what = fields.String(required=True, metadata={"description": "what it takes off or gives, for people"})
    uses_left = fields.Integer(required=True)
    valid_until = fields.AwareDateTime(required=True)
    without_sale = fields.Boolean(required=True, metadata={"description": "may be redeemed by itself"})


class ScannedSchema(Strict):
    ticket = fields.String(required=True)
    expires_at = fields.AwareDateTime(required=True)
    member = fields.Nested(ScannedMemberSchema(), required=True)
    coupon = fields.Nested(
        ScannedCouponSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "whose own code it was: the ticket earns, and stands for this coupon alone"},
    )


def _dump_coupon(coupon: ScannedCoupon) -> dict[str, Any]:
    english = language() == "en"
    return {
        "id": coupon.coupon_id,
        "name": coupon.name_en if english else coupon.name_zh,
        "what": coupon.what_en if english else coupon.what_zh,
        "uses_left": coupon.uses_left,
        "valid_until": coupon.valid_until,
        "without_sale": coupon.without_sale,
    }


def _dump(scanned: Scanned) -> dict[str, Any]:
    return {
        "ticket": scanned.ticket,
        "expires_at": scanned.expires_at,
        "member": {
            "name": scanned.name,
            "tier": dump_tier(scanned.tier),
            "points": scanned.points,
            "balance_fen": scanned.balance_fen,
        },
        "coupon": None if scanned.coupon is None else _dump_coupon(scanned.coupon),
    }


@blueprint.post("/scans")
@blueprint.arguments(ScanSchema())
@blueprint.response(201, ScannedSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Take a member's code, or that of one of their coupons.

    The same key gives the same ticket, so a lost answer costs the member no code.
    """
    here = parts()
    scanned = scan(
        till=till(arguments["staff_no"]),
        code=arguments["code"],
        request=keyed(scope()),
        issuer=here.issuer,
        throttle=here.throttle,
        now=clock.now(),
    )
    return answer(_dump(scanned), 201)
