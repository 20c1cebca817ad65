"""Sales: recording one, looking at one again."""

from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.checkout.bill import Bill, Line
from app.checkout.record import Recorded
from app.checkout.sale import record_sale
from app.checkout.sale_by_quote import commit_quote
from app.checkout.sales import SaleView, find_sale, show_sale
from app.checkout.tenders import TOLD, Tender
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.explained import PartSchema, dump_parts
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.pending import PendingSchema, dump_pending
from web.schemas import Strict, fen, receipt_number, text, whole
from web.tendered import RecordedTenderSchema, dump_tenders
from web.used_coupons import ShownCouponSchema, UsedCouponSchema, dump_shown, dump_used

blueprint = Blueprint("sales", __name__, url_prefix="/pos/v1/sales", description="Sales")
guarded(blueprint, require_till)

MOST_LINES = 200


class LineSchema(Strict):
    sku = text(64, required=True)
    name = text(120, required=True)
    quantity = whole(1, 9_999, required=True)
    unit_price_fen = fen(required=True)
    category = text(40, load_default="", metadata={"description": "for rules that ask for it"})


class TenderSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(TOLD))
    amount_fen = fen(1, required=True)


class SaleSchema(Strict):
    """By quote, what was quoted; else at the prices of its lines, without discounts and without spending anything."""

    error_messages = {  # noqa: RUF012  # as the library declares it
        "with_quote": "Not together with a quote: it says so already.",
    }

    quote_id = text(
        26,
        load_default=None,
        metadata={"description": "of POST /pos/v1/quotes: ticket, lines and amount are its"},
    )
    ticket = text(
        43, load_default=None, metadata={"description": "of a scan; without it, a sale without member"}
    )
    receipt_no = receipt_number(required=True, metadata={"description": "unique in the store"})
    amount_fen = fen(load_default=None, metadata={"description": "required without a quote"})
    tenders = fields.List(
        fields.Nested(TenderSchema()),
        load_default=[],
        validate=validate.Length(max=10),
        metadata={
            "description": "what the till took in; comes to what is to be paid. Without it: nobody told"
        },
    )
    lines = fields.List(
        fields.Nested(LineSchema()),
        load_default=[],
        validate=validate.Length(max=MOST_LINES),
        metadata={"description": "sum to amount_fen; without lines the amount counts as one"},
    )
    staff_no = text(16, load_default=None)

    @validates_schema
    def one_meaning(self, data: dict[str, Any], **_: Any) -> None:
        if data.get("quote_id") is None:
            if data.get("amount_fen") is None:
                raise ValidationError(fields.Field.default_error_messages["required"], "amount_fen")
            return
        for name in ("ticket", "amount_fen", "lines"):
            if data.get(name):
                raise ValidationError(self.error_messages["with_quote"], name)


class RecordedSchema(Strict):
    id = fields.String(required=True)
    receipt_no = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    points_earned = fields.Integer(required=True)
    points_after = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "what the member may spend after this sale; null when nothing was earned"},
    )
    pending = fields.Nested(
        PendingSchema(),
        required=True,
        allow_none=True,
        metadata={
            "description": "points that may not be spent yet, not in `points_after`; null when nothing was earned"
        },
    )
    business_date = fields.Date(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    available_at = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "from when the points of this sale may be spent; null: at once"},
    )
    earned = fields.List(
        fields.Nested(PartSchema()), required=True, metadata={"description": "which rule gave what"}
    )
    discount_fen = fields.Integer(
        required=True, metadata={"description": "less than the prices come to; 0 without a quote"}
    )
    tenders = fields.List(fields.Nested(RecordedTenderSchema()), required=True)
    balance_after_fen = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "stored value that may be spent after this sale; null when none was spent"},
    )
    coupons = fields.List(
        fields.Nested(UsedCouponSchema()), required=True, metadata={"description": "that it has used"}
    )


def _dump_recorded(recorded: Recorded) -> dict[str, Any]:
    return {
        "id": recorded.sale_id,
        "receipt_no": recorded.receipt_no,
        "amount_fen": recorded.amount_fen,
        "points_earned": recorded.points_earned,
        "points_after": recorded.points_after,
        "pending": None
        if recorded.points_after is None
        else dump_pending(recorded.pending, recorded.pending_from),
        "business_date": recorded.business_date,
        "occurred_at": recorded.occurred_at,
        "available_at": recorded.available_at,
        "earned": dump_parts(recorded.earned),
        "discount_fen": recorded.discount_fen,
        "tenders": dump_tenders(recorded.tenders),
        "balance_after_fen": recorded.balance_after_fen,
        "coupons": dump_used(recorded.coupons),
    }


@blueprint.post("")
@blueprint.arguments(SaleSchema())
@blueprint.response(201, RecordedSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Record a sale; with a ticket the member earns, with a quote all that it says happens.

    The same key gives the same answer and no second effect.
    """
    tenders = [Tender(**tender) for tender in arguments["tenders"]]
    return answer(_dump_recorded(_record(arguments, tenders)), 201)


def _record(arguments: dict[str, Any], tenders: list[Tender]) -> Recorded:
    if arguments["quote_id"] is not None:
        return commit_quote(
            till=till(arguments["staff_no"]),
            quote_id=arguments["quote_id"],
            receipt_no=arguments["receipt_no"],
            tenders=tenders,
            request=keyed(scope()),
            now=clock.now(),
        )
    bill = Bill(
        receipt_no=arguments["receipt_no"],
        amount_fen=arguments["amount_fen"],
        lines=[Line(**line) for line in arguments["lines"]],
    )
    return record_sale(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        bill=bill,
        request=keyed(scope()),
        now=clock.now(),
        tenders=tenders,
    )


class ShownLineSchema(Strict):
    sku = fields.String(
        required=True, metadata={"description": "empty, as the name: the sale was recorded without lines"}
    )
    name = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price_fen = fields.Integer(required=True)
    category = fields.String()


class ShownSaleSchema(Strict):
    id = fields.String(required=True)
    store = fields.String(required=True)
    receipt_no = fields.String(required=True)
    amount_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True, metadata={"description": "all refunds together"})
    points_earned = fields.Integer(required=True)
    business_date = fields.Date(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    has_member = fields.Boolean(
        required=True, metadata={"description": "whose it is is not told; false: may still be credited"}
    )
    lines = fields.List(fields.Nested(ShownLineSchema()), required=True)
    earned = fields.List(fields.Nested(PartSchema()), required=True)
    discount_fen = fields.Integer(required=True, metadata={"description": "less than the lines come to"})
    tenders = fields.List(
        fields.Nested(RecordedTenderSchema()), required=True, metadata={"description": "empty: nobody told"}
    )
    coupons = fields.List(fields.Nested(ShownCouponSchema()), required=True)


def _dump_sale(sale: SaleView) -> dict[str, Any]:
    return {
        "id": sale.id,
        "store": sale.store,
        "receipt_no": sale.receipt_no,
        "amount_fen": sale.amount_fen,
        "refunded_fen": sale.refunded_fen,
        "points_earned": sale.points_earned,
        "business_date": sale.business_date,
        "occurred_at": sale.occurred_at,
        "has_member": sale.has_member,
        "lines": [_dump_line(line) for line in sale.lines],
        "earned": dump_parts(sale.earned),
        "discount_fen": sale.discount_fen,
        "tenders": dump_tenders(sale.tenders),
        "coupons": dump_shown(sale.coupons),
    }


def _dump_line(line: Line) -> dict[str, Any]:
    """As the till sent it: a line without category has none."""
    told = {
        "sku": line.sku,
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_fen": line.unit_price_fen,
    }
    return told | {"category": line.category} if line.category else told


class ReceiptArguments(Strict):
    receipt_no = receipt_number(required=True)


@blueprint.get("")
@blueprint.arguments(ReceiptArguments(), location="query")
@blueprint.response(200, ShownSaleSchema())
@blueprint.doc(security=TILL)
def find(arguments: dict[str, Any]) -> Response:
    """The sale of this till's store with that receipt number."""
    return answer(_dump_sale(find_sale(till=till(), receipt_no=arguments["receipt_no"])))


@blueprint.get("/<string:sale_id>")
@blueprint.response(200, ShownSaleSchema())
@blueprint.doc(security=TILL)
def show(sale_id: str) -> Response:
    """A sale of this till's store."""
    return answer(_dump_sale(show_sale(till=till(), sale_id=sale_id)))
