"""From an amount to its receipt: what is due, how it is paid, the member's word on the phone where it is needed."""

from collections.abc import Callable, Collection
from functools import wraps

from flask import Blueprint
from werkzeug.wrappers import Response

from app import clock
from app.checkout.bill import Line
from app.checkout.pricing import Wishes
from app.checkout.quote import quote, show_quote
from app.checkout.quoted import Quoted
from app.checkout.record import Recorded
from app.checkout.sale import ReceiptNumberUsed, TicketExpired, TicketUnknown, TicketUsed
from app.checkout.sale_by_quote import (
    QuoteExpired,
    QuoteNotConfirmed,
    QuoteOutdated,
    QuoteUnknown,
    commit_quote,
)
from app.checkout.tenders import Kind
from app.checkout.till_limits import count_quote
from app.discounts.benefit import BenefitNotApplicable
from app.errors import NotFound
from app.idempotency import Request, given
from consoles.clerk.drafts import Draft, draft_sent, faults_of, paid_by, tender
from consoles.clerk.forms import field, sale_request
from consoles.clerk.guard import require_clerk, till
from consoles.clerk.pieces import amount_form, nothing_new, quote_form, quote_over, receipt, without_ticket
from consoles.clerk.refusals import answer_with_screens
from consoles.pages import as_pages
from consoles.texts import t
from web.guards import guarded
from web.parts import parts
from web.schemas import MOST_FEN

blueprint = Blueprint("clerk_sales", __name__, url_prefix="/till/sales")
as_pages(blueprint)
answer_with_screens(blueprint)
guarded(blueprint, require_clerk)


def _kept_on_the_page(view: Callable[[Draft], Response]) -> Callable[[], Response]:
    """What can be put right on the page is said there, and what was typed stays."""

    @wraps(view)
    def shown() -> Response:
        draft = draft_sent()
        try:
            return view(draft)
        except ReceiptNumberUsed:
            return amount_form(draft, {"receipt_no": t("sale.receipt_no.used")}, 409)
        except (TicketExpired, TicketUnknown, TicketUsed):
            return without_ticket(draft)
        except (QuoteExpired, QuoteUnknown):
            return quote_over(draft, t("quote.expired"))
        except QuoteOutdated as outdated:
            return quote_over(draft, t(f"quote.outdated.{outdated.data['what']}"))

    return shown


@blueprint.post("")
@_kept_on_the_page
def sell(draft: Draft) -> Response:
    """One tap from the amount to the receipt where the amount is what is to be paid; else show what is."""
    faults, amount_fen = faults_of(draft)
    if faults or amount_fen is None:
        return amount_form(draft, faults, 422)
    paid = paid_by()
    asked = _asked(draft, amount_fen, paid)
    try:
        quoted = _quote(draft, amount_fen)
    except (TicketExpired, TicketUsed):
        # By a former try of this very form, perhaps, whose answer was lost.
        if (former := given(asked, Recorded)) is None:
            raise
        return receipt(former, with_member=True)
    # A coupon is not used up unseen, even one that takes nothing off.
    if paid is None or quoted.priced.payable_fen != amount_fen or quoted.priced.coupons:
        return quote_form(draft, quoted)
    return receipt(_commit(draft, quoted, paid, asked), with_member=bool(draft.ticket))


@blueprint.post("/quote")
@_kept_on_the_page
def ask(draft: Draft) -> Response:
    """What is due now: the member spends points or balance, or does not, or the former quote has ended."""
    faults, amount_fen = faults_of(draft)
    if faults or amount_fen is None:
        return amount_form(draft, faults, 422)
    try:
        return quote_form(draft, _quote(draft, amount_fen))
    except (TicketExpired, TicketUsed):
        given(_asked(draft, amount_fen, None), Recorded)  # says so, if this sale stands in the books
        raise


@blueprint.post("/amount")
@_kept_on_the_page
def change_amount(draft: Draft) -> Response:
    """Back to the amount, to put it right."""
    return amount_form(draft)


@blueprint.post("/take")
@_kept_on_the_page
def take(draft: Draft) -> Response:
    """Record the sale as it was quoted."""
    quote_id, paid = field("quote_id", 26), paid_by()
    try:
        recorded = _take(draft, quote_id, paid)
    except QuoteNotConfirmed:
        return quote_form(draft, _shown(quote_id))
    return receipt(recorded, with_member=bool(draft.ticket))


@blueprint.post("/word")
@_kept_on_the_page
def look(draft: Draft) -> Response:
    """Whether the member has answered on the phone. Nothing left to pay: then the sale is recorded at once."""
    quoted = _shown(field("quote_id", 26))
    if quoted.sale_id is None and quoted.confirmation == "pending":
        if quoted.expires_at <= clock.now():
            raise QuoteExpired
        return nothing_new()
    if quoted.confirmation == "confirmed" and not quoted.priced.payable_fen:
        return receipt(_take(draft, quoted.quote_id, None), with_member=True)
    return quote_form(draft, quoted)


def _quote(draft: Draft, amount_fen: int) -> Quoted:
    """With the coupons that were switched on; if not all of them can be, with the last one, or without."""
    count_quote(till(), parts().throttle)
    for chosen in dict.fromkeys((draft.chosen, draft.chosen[-1:])):
        try:
            return _quote_with(chosen, draft, amount_fen)
        except BenefitNotApplicable:
            continue
    return _quote_with((), draft, amount_fen)


def _quote_with(chosen: Collection[str], draft: Draft, amount_fen: int) -> Quoted:
    return quote(
        till=till(),
        ticket=draft.ticket or None,
        lines=[Line(sku="", name="", quantity=1, unit_price_fen=amount_fen)],
        wishes=Wishes(
            benefits=frozenset(chosen),
            without=frozenset(draft.without),
            points=MOST_FEN if draft.points else 0,
            balance_fen=MOST_FEN if draft.balance else 0,
        ),
        now=clock.now(),
    )


def _asked(draft: Draft, amount_fen: int, paid: Kind | None) -> Request:
    arguments = {
        "ticket": draft.ticket,
        "receipt_no": draft.receipt_no,
        "amount_fen": amount_fen,
        "paid_by": paid,
    }
    return sale_request(till(), draft.key, arguments)


def _take(draft: Draft, quote_id: str, paid: Kind | None) -> Recorded:
    arguments = {"quote_id": quote_id, "receipt_no": draft.receipt_no, "paid_by": paid}
    return _commit(draft, _shown(quote_id), paid, sale_request(till(), draft.key, arguments))


def _shown(quote_id: str) -> Quoted:
    try:
        return show_quote(till=till(), quote_id=quote_id)
    except NotFound as unknown:
        raise QuoteUnknown from unknown


def _commit(draft: Draft, quoted: Quoted, paid: Kind | None, request: Request) -> Recorded:
    return commit_quote(
        till=till(),
        quote_id=quoted.quote_id,
        receipt_no=draft.receipt_no,
        tenders=tender(paid, quoted.priced.payable_fen),
        request=request,
        now=clock.now(),
    )
