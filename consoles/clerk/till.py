"""The till: scan, amount, receipt. Each answer is a piece of the page; the rules are those of app/checkout."""

from dataclasses import dataclass, replace

from flask import Blueprint, make_response, render_template, request
from werkzeug.wrappers import Response

import scan_codes
from app import clock
from app.checkout.bill import Bill
from app.checkout.buyer import card_of_buyer
from app.checkout.record import Recorded
from app.checkout.sale import (
    ReceiptNumberUsed,
    TicketExpired,
    TicketUnknown,
    TicketUsed,
    record_sale,
)
from app.checkout.scan import scan
from app.clock import zone
from consoles.clerk.forms import (
    LONGEST_RECEIPT_NO,
    AmountRefused,
    fen_of,
    field,
    key_field,
    new_key,
    sale_request,
    scan_request,
    suggested_receipt_no,
)
from consoles.clerk.guard import clerk, require_clerk, terminal_code, till
from consoles.clerk.refusals import answer_with_screens
from consoles.pages import as_pages
from consoles.texts import t
from web.explained import dump_parts
from web.guards import guarded
from web.parts import parts

blueprint = Blueprint("clerk_till", __name__, url_prefix="/till")
as_pages(blueprint, camera=True)
answer_with_screens(blueprint)
guarded(blueprint, require_clerk)


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A sale being typed in. `key` stays the same until it is recorded, whatever else changes."""

    key: str
    receipt_no: str
    amount: str = ""
    ticket: str = ""


@blueprint.get("/")
def page() -> str:
    """The whole page, ready for the next customer."""
    return render_template("clerk/till.html", **_surroundings(), scan_key=new_key())


@blueprint.get("/ready")
def ready() -> Response:
    """Ready for the next customer, with a new key for the next scan."""
    return _piece("clerk/_ready.html")


@blueprint.get("/sale")
def guest_sale() -> Response:
    """A sale without member."""
    return _piece("clerk/_sale.html", draft=_new_draft(), member=None, notice=None)


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
    return _piece("clerk/_sale.html", draft=_draft(scanned.ticket), member=scanned, notice=None)


@blueprint.post("/sales")
def sell() -> Response:
    """Record the sale and show the receipt; what was typed wrongly is said beside its field."""
    draft = _draft(field("ticket", 43))
    faults, amount_fen = _check(draft)
    if faults or amount_fen is None:
        return _form_again(draft, faults)
    arguments = {"ticket": draft.ticket, "receipt_no": draft.receipt_no, "amount_fen": amount_fen}
    try:
        recorded = record_sale(
            till=till(),
            ticket=draft.ticket or None,
            bill=Bill(receipt_no=draft.receipt_no, amount_fen=amount_fen, lines=()),
            request=sale_request(till(), draft.key, arguments),
            now=clock.now(),
        )
    except ReceiptNumberUsed:
        return _form_again(draft, {"receipt_no": t("sale.receipt_no.used")}, 409)
    except (TicketExpired, TicketUnknown, TicketUsed):
        # The amount is worth keeping; the customer can show a new code, or go without.
        return _without_ticket(draft)
    return _receipt(recorded, with_member=bool(draft.ticket))


def _surroundings() -> dict[str, object]:
    here = parts()
    return {
        "brand": here.settings.brand_name,
        "clerk": clerk(),
        "till": till(),
        "terminal_code": terminal_code(),
        "code_prefix": here.issuer.prefix,
        "code_length": scan_codes.CODE_LENGTH,
    }


def _new_draft() -> Draft:
    number = suggested_receipt_no(terminal_code(), till().time_zone, clock.now())
    return Draft(key=new_key(), receipt_no=number)


def _draft(ticket: str) -> Draft:
    """The draft the page sent along, or a new one. Raises `FieldRefused`."""
    if not request.form.get("sale_key"):
        return replace(_new_draft(), ticket=ticket)
    return Draft(
        key=key_field("sale_key"),
        receipt_no=field("receipt_no", LONGEST_RECEIPT_NO),
        amount=field("amount", 40),
        ticket=ticket,
    )


def _check(draft: Draft) -> tuple[dict[str, str], int | None]:
    """Field → what is wrong with it, and the amount if it is one."""
    faults: dict[str, str] = {}
    amount_fen = None
    try:
        amount_fen = fen_of(draft.amount)
    except AmountRefused:
        faults["amount"] = t("sale.amount.refused" if draft.amount else "sale.amount.missing")
    if amount_fen == 0:
        # The API takes it: a register may have a reason. Here it is a slip of the finger that costs the member a code.
        faults["amount"] = t("sale.amount.zero")
    if scan_codes.is_payment_code(draft.amount):
        faults["amount"] = t("refused.payment_code.advice")
    if not draft.receipt_no:
        faults["receipt_no"] = t("sale.receipt_no.missing")
    return faults, amount_fen


def _form_again(draft: Draft, faults: dict[str, str], status: int = 422) -> Response:
    """Only the form is replaced: the member beside it stays on the screen. A payment code is not shown again."""
    if scan_codes.is_payment_code(draft.amount):
        draft = replace(draft, amount="")
    response = _piece("clerk/_sale_form.html", status, draft=draft, faults=faults)
    response.headers.update({"HX-Retarget": "#sale-form", "HX-Reswap": "outerHTML"})
    return response


def _without_ticket(draft: Draft) -> Response:
    draft = replace(draft, ticket="")
    return _piece("clerk/_sale.html", 409, draft=draft, member=None, notice=t("sale.scan_over"))


def _receipt(recorded: Recorded, *, with_member: bool) -> Response:
    points_after, pending, pending_from = recorded.points_after, recorded.pending, recorded.pending_from
    if with_member and points_after is None and (card := card_of_buyer(recorded.sale_id, now=clock.now())):
        points_after, pending, pending_from = card.points, card.pending, card.pending_from
    here = zone(till().time_zone)
    return _piece(
        "clerk/_receipt.html",
        recorded=recorded,
        with_member=with_member,
        points_after=points_after,
        pending=pending,
        pending_from=pending_from and pending_from.astimezone(here),
        earned=dump_parts(recorded.earned),
        at=recorded.occurred_at.astimezone(here),
    )


def _piece(template: str, status: int = 200, **values: object) -> Response:
    """A piece of the page. The header tells the script that it is ours and not some proxy's error page."""
    body = render_template(template, **_surroundings(), scan_key=new_key(), **{"faults": {}, **values})
    response = make_response(body, status)
    response.headers["X-Fragment"] = "1"
    return response
