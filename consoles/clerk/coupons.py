"""Coupons on the till's page, after a scan: one is redeemed by itself, one is given to the member."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from app import clock
from app.checkout.grant_coupon import Given, OwnMembership, grant
from app.checkout.grantable import Choice, choices
from app.checkout.held_coupons import HeldCoupon, coupons_at_hand
from app.checkout.redeem_coupon import redeem_coupon
from app.checkout.sale import TicketUsed
from app.checkout.undo_redemption import undo_redemption
from app.coupons.issue import CouponLimitReached
from app.discounts.explain import coupon_text
from app.points.lots import valid_through
from app.texts import error_text
from consoles.clerk.forms import coupon_request, field, give_request, key_field, new_key
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


def coupons_beside(ticket: str, now: datetime) -> dict[str, Any]:
    """What the page shows of coupons beside the sale: what can be redeemed by itself, what the clerk may give."""
    held = coupons_at_hand(till=till(), ticket=ticket, limit=_MOST, after=None, now=now)
    return _shown(ticket, held, now)


def _shown(ticket: str, held: Sequence[HeldCoupon], now: datetime) -> dict[str, Any]:
    found = choices(till=till(), ticket=ticket, limit=_MOST, now=now)
    return {
        "ticket": ticket,
        "coupons": [one for one in held if one.without_sale and not one.reason],
        "choices": found,
        "to_oneself": any(one.refusal == OwnMembership.code for one in found),
        "coupon_key": new_key(),
    }


@blueprint.app_template_filter("why_not_given")
def why_not_given(choice: Choice) -> str:
    """Why the clerk cannot give it to this member now."""
    if choice.refusal == TicketUsed.code:
        return t("give.once")
    if choice.refusal == CouponLimitReached.code:
        return t("give.member_limit")
    return error_text(choice.refusal, language())


@blueprint.post("")
def redeem() -> Response:
    """Redeem one; the sale beside it stays as it is."""
    ticket, coupon_id = field("ticket", 43), field("coupon_id", 26)
    request = coupon_request(till(), key_field("coupon_key"), {"redeem": coupon_id, "ticket": ticket})
    done = redeem_coupon(till=till(), ticket=ticket, coupon_id=coupon_id, request=request, now=clock.now())
    what = done.what_en if language() == "en" else done.what_zh
    return _again(ticket, t("coupon.redeemed", what=what), undo_id=done.redemption_id)


@blueprint.post("/undo")
def undo() -> Response:
    """Give it back at once: a slip of the finger."""
    ticket, redemption_id = field("ticket", 43), field("redemption_id", 26)
    request = coupon_request(till(), key_field("coupon_key"), {"undo": redemption_id})
    here = till().naming(clerk().staff_no)
    undo_redemption(till=here, redemption_id=redemption_id, request=request, now=clock.now())
    return _again(ticket, t("coupon.undone"))


@blueprint.post("/give")
def give() -> Response:
    """Give the member one, and show it as it then is in their wallet; a bill that was worked out can be again."""
    ticket, template_id, quote_id = field("ticket", 43), field("template_id", 26), field("quote_id", 26)
    given = grant(
        till=till(),
        ticket=ticket,
        template_id=template_id,
        request=give_request(till(), key_field("coupon_key"), ticket, template_id),
        now=clock.now(),
    )
    name = given.name_en if language() == "en" else given.name_zh
    return _again(ticket, t("give.done", name=name), given=given, quoted=bool(quote_id))


def _again(ticket: str, word: str, given: Given | None = None, **more: Any) -> Response:
    now = clock.now()
    held = coupons_at_hand(till=till(), ticket=ticket, limit=_MOST, after=None, now=now)
    told = [] if given is None else [_in_wallet(one) for one in held if one.coupon_id == given.coupon_id]
    return piece("clerk/_coupons.html", **_shown(ticket, held, now), coupon_word=word, told=told, **more)


def _in_wallet(held: HeldCoupon) -> dict[str, str]:
    """What it does, through which day, and whether it counts in this bill."""
    name, what = (held.name_en, held.what_en) if language() == "en" else (held.name_zh, held.what_zh)
    return {
        "what": what,
        "through": valid_through(held.valid_until, till().time_zone).isoformat(),
        "bill": coupon_text(held.reason, name, language()) if held.reason else t("give.counts"),
    }
