"""The till: scan, amount, receipt. Each answer is a piece of the page; the rules are those of app/checkout."""

from dataclasses import replace

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from app import clock
from app.checkout.scan import scan
from app.coupons.offered import key_of
from consoles.clerk.coupons import coupons_beside
from consoles.clerk.drafts import draft_sent, new_draft
from consoles.clerk.events import booked_today
from consoles.clerk.forms import key_field, new_key, scan_request
from consoles.clerk.guard import require_clerk, till
from consoles.clerk.pieces import piece, surroundings
from consoles.clerk.refusals import answer_with_screens
from consoles.clerk.rewards import waiting_for
from consoles.pages import as_pages
from web.guards import guarded
from web.parts import parts

blueprint = Blueprint("clerk_till", __name__, url_prefix="/till")
as_pages(blueprint, camera=True)
answer_with_screens(blueprint)
guarded(blueprint, require_clerk)


@blueprint.get("/")
def page() -> str:
    """The whole page, ready for the next customer."""
    return render_template("clerk/till.html", **surroundings(), scan_key=new_key())


@blueprint.get("/ready")
def ready() -> Response:
    """Ready for the next customer, with a new key for the next scan."""
    return piece("clerk/_ready.html")


@blueprint.get("/sale")
def guest_sale() -> Response:
    """A sale without member."""
    return piece("clerk/_sale.html", draft=new_draft(), member=None, notice=None, coupons=())


@blueprint.post("/scans")
def take_code() -> Response:
    """From a code to its member; an amount typed before stays."""
    # Length is the rules' business, but no rule needs more of it than this.
    code = request.form.get("code", "").strip()[:200]
    here = parts()
    scanned = scan(
        till=till(),
        code=code,
        request=scan_request(till(), key_field("scan_key"), code),
        issuer=here.issuer,
        throttle=here.throttle,
        now=clock.now(),
    )
    chosen = () if scanned.coupon is None else (key_of(scanned.coupon.coupon_id),)
    draft = replace(draft_sent(scanned.ticket), chosen=chosen, without=())
    return piece(
        "clerk/_sale.html",
        draft=draft,
        member=scanned,
        notice=None,
        **coupons_beside(scanned.ticket, clock.now()),
        # A coupon's own code does not open the mall.
        waiting=waiting_for(scanned.ticket) if scanned.coupon is None else [],
        handed=None,
        booked=booked_today(scanned.ticket) if scanned.coupon is None else [],
        let_in=None,
    )
