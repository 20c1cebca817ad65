"""A coupon is redeemed by itself on the till's page, after a scan."""

from datetime import datetime

from flask import Blueprint
from werkzeug.wrappers import Response

from app import clock
from app.checkout.held_coupons import HeldCoupon, coupons_at_hand
from app.checkout.redeem_coupon import redeem_coupon
from app.checkout.undo_redemption import undo_redemption
from consoles.clerk.forms import coupon_request, field, key_field, new_key
from consoles.clerk.guard import clerk, require_clerk, till
from consoles.clerk.pieces import piece
from consoles.clerk.refusals import answer_with_screens
from consoles.pages import as_pages
from consoles.texts import t
from web.guards import guarded
from web.language import language

blueprint = Blueprint("clerk_coupons", __name__, url_prefix="/till/coupons")
as_pages(blueprint)
answer_with_screens(blueprint)
guarded(blueprint, require_clerk)

#: As many as fit on a screen that somebody reads while another waits.
_MOST = 50


def redeemable(ticket: str, now: datetime) -> list[HeldCoupon]:
    """What of the member's can be redeemed by itself, here and now."""
    found = coupons_at_hand(till=till(), ticket=ticket, limit=_MOST, after=None, now=now)
    return [one for one in found if one.without_sale and not one.reason]


@blueprint.post("")
def redeem() -> Response:
    """Redeem one; the sale beside it stays as it is."""
    ticket, coupon_id = field("ticket", 43), field("coupon_id", 26)
    request = coupon_request(till(), key_field("coupon_key"), {"redeem": coupon_id, "ticket": ticket})
    done = redeem_coupon(till=till(), ticket=ticket, coupon_id=coupon_id, request=request, now=clock.now())
    what = done.what_en if language() == "en" else done.what_zh
    return _again(ticket, t("coupon.redeemed", what=what), undo=done.redemption_id)


@blueprint.post("/undo")
def undo() -> Response:
    """Give it back at once: a slip of the finger."""
    ticket, redemption_id = field("ticket", 43), field("redemption_id", 26)
    request = coupon_request(till(), key_field("coupon_key"), {"undo": redemption_id})
    here = till().naming(clerk().staff_no)
    undo_redemption(till=here, redemption_id=redemption_id, request=request, now=clock.now())
    return _again(ticket, t("coupon.undone"))


def _again(ticket: str, word: str, undo: str = "") -> Response:
    coupons = redeemable(ticket, clock.now())
    return piece(
        "clerk/_coupons.html",
        ticket=ticket,
        coupons=coupons,
        coupon_key=new_key(),
        coupon_word=word,
        undo_id=undo,
    )
