"""The pieces of page that the till answers with."""

from dataclasses import replace

from flask import make_response, render_template
from werkzeug.wrappers import Response

import scan_codes
from app import clock
from app.checkout.buyer import card_of_buyer
from app.checkout.quoted import Quoted
from app.checkout.record import Recorded
from app.checkout.tenders import TOLD
from app.clock import zone
from consoles.clerk.coupon_switches import coupon_switches
from consoles.clerk.drafts import Draft
from consoles.clerk.forms import new_key
from consoles.clerk.guard import clerk, terminal_code, till
from consoles.texts import t
from web.explained import dump_parts
from web.parts import parts
from web.quoted import dump_quoted
from web.used_coupons import dump_used

#: The form in the middle of a sale, whatever it shows: amount, quote, waiting. The member beside it stays.
_FORM = {"HX-Retarget": "#sale-form", "HX-Reswap": "outerHTML"}


def surroundings() -> dict[str, object]:
    here = parts()
    return {
        "brand": here.settings.brand_name,
        "clerk": clerk(),
        "till": till(),
        "terminal_code": terminal_code(),
        "code_prefixes": (here.issuer.prefix, here.issuer.coupons.prefix),
        "code_length": scan_codes.CODE_LENGTH,
    }


def piece(template: str, status: int = 200, **values: object) -> Response:
    """A piece of the page. The header tells the script that it is ours and not some proxy's error page."""
    shown = {"faults": {}, "ways": TOLD, **values}
    response = make_response(render_template(template, **surroundings(), scan_key=new_key(), **shown), status)
    response.headers["X-Fragment"] = "1"
    return response


def amount_form(draft: Draft, faults: dict[str, str] | None = None, status: int = 200) -> Response:
    """A payment code is not shown again."""
    if scan_codes.is_payment_code(draft.amount):
        draft = replace(draft, amount="")
    response = piece("clerk/_sale_form.html", status, draft=draft, faults=faults or {})
    response.headers.update(_FORM)
    return response


def without_ticket(draft: Draft) -> Response:
    """The amount is worth keeping; the customer can show a new code, or go without."""
    draft = replace(draft, ticket="", points=False, balance=False, chosen=(), without=())
    return piece("clerk/_sale.html", 409, draft=draft, member=None, notice=t("sale.scan_over"), coupons=())


def quote_form(draft: Draft, quoted: Quoted) -> Response:
    """What is to be paid, and how: or that the member is asked on the phone, or has declined."""
    until = quoted.expires_at.astimezone(zone(till().time_zone))
    quote = dump_quoted(quoted)
    response = piece(
        "clerk/_quote.html", draft=draft, quote=quote, coupons=coupon_switches(draft, quote), until=until
    )
    response.headers.update(_FORM)
    return response


def quote_over(draft: Draft, word: str) -> Response:
    """The quote cannot be taken any more; `word` says why, and there is one thing to do about it."""
    response = piece("clerk/_quote_over.html", 409, draft=draft, word=word)
    response.headers.update(_FORM)
    return response


def nothing_new() -> Response:
    """The page stays as it is."""
    response = make_response("", 204)
    response.headers["X-Fragment"] = "1"
    return response


def receipt(recorded: Recorded, *, with_member: bool) -> Response:
    points_after, pending, pending_from = recorded.points_after, recorded.pending, recorded.pending_from
    if with_member and points_after is None and (card := card_of_buyer(recorded.sale_id, now=clock.now())):
        points_after, pending, pending_from = card.points, card.pending, card.pending_from
    here = zone(till().time_zone)
    response = piece(
        "clerk/_receipt.html",
        recorded=recorded,
        with_member=with_member,
        points_after=points_after,
        pending=pending,
        pending_from=pending_from and pending_from.astimezone(here),
        earned=dump_parts(recorded.earned),
        coupons=dump_used(recorded.coupons),
        at=recorded.occurred_at.astimezone(here),
    )
    response.headers.update({"HX-Retarget": "#stage", "HX-Reswap": "innerHTML"})
    return response
