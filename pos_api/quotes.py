"""Quotes: what a bill comes to for a member, benefit by benefit, before anything is done."""

from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.checkout.bill import Line
from app.checkout.pricing import Wishes
from app.checkout.quote import quote, show_quote
from app.checkout.quoted import Quoted
from app.checkout.till_limits import count_quote
from pos_api.guard import TILL, require_till, till
from pos_api.sales import MOST_LINES, LineSchema
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.parts import parts
from web.quoted import QuotedSchema, dump_quoted
from web.schemas import MOST_FEN, Strict, flag, text, whole

blueprint = Blueprint("quotes", __name__, url_prefix="/pos/v1/quotes", description="Quotes")
guarded(blueprint, require_till)

MOST_CHOSEN = 20
_KEYS = validate.Length(max=MOST_CHOSEN)


class QuoteSchema(Strict):
    error_messages = {  # noqa: RUF012  # as the library declares it
        "too_much": "Too much for one sale.",
    }

    ticket = text(
        43, load_default=None, metadata={"description": "of a scan; without it, a sale without member"}
    )
    lines = fields.List(fields.Nested(LineSchema()), required=True, validate=validate.Length(1, MOST_LINES))
    benefits = fields.List(
        text(64),
        load_default=[],
        validate=_KEYS,
        metadata={"description": "keys of benefits that must be applied, or the quote is refused"},
    )
    without = fields.List(
        text(64), load_default=[], validate=_KEYS, metadata={"description": "keys of benefits that must not"}
    )
    best = flag(
        load_default=True,
        metadata={"description": "of all others the combination that takes off most; false: none of them"},
    )
    points = whole(0, MOST_FEN, load_default=0, metadata={"description": "pay with at most so many points"})
    balance_fen = whole(
        0, MOST_FEN, load_default=0, metadata={"description": "pay with at most so much stored value"}
    )
    staff_no = text(16, load_default=None)

    @validates_schema
    def a_sale_at_most(self, data: dict[str, Any], **_: Any) -> None:
        """As a sale without a quote, whose amount is bounded."""
        if sum(line["quantity"] * line["unit_price_fen"] for line in data.get("lines") or ()) > MOST_FEN:
            raise ValidationError(self.error_messages["too_much"], "lines")


@blueprint.post("")
@blueprint.arguments(QuoteSchema())
@blueprint.response(201, QuotedSchema())
@blueprint.doc(security=TILL)
def create(arguments: dict[str, Any]) -> Response:
    """Work out a bill: every benefit with what it takes off or why it does not, what is to be paid, what is earned.

    Nothing is spent or redeemed; ask as often as the member changes their mind.
    """
    here = till(arguments["staff_no"])
    count_quote(here, parts().throttle)
    quoted: Quoted = quote(
        till=here,
        ticket=arguments["ticket"],
        lines=[Line(**line) for line in arguments["lines"]],
        wishes=Wishes(
            benefits=frozenset(arguments["benefits"]),
            without=frozenset(arguments["without"]),
            best=arguments["best"],
            points=arguments["points"],
            balance_fen=arguments["balance_fen"],
        ),
        now=clock.now(),
    )
    return answer(dump_quoted(quoted), 201)


@blueprint.get("/<string:quote_id>")
@blueprint.response(200, QuotedSchema())
@blueprint.doc(security=TILL)
def show(quote_id: str) -> Response:
    """A quote of this terminal: whether the member has confirmed it on the phone, and the sale it became."""
    return answer(dump_quoted(show_quote(till=till(), quote_id=quote_id)))
