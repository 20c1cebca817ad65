"""Refunds: giving back a sale, or a part of it."""

from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.checkout.refund import REASONS, refund
from app.checkout.refund_parts import Wanted
from app.checkout.refund_record import Refunded
from pos_api.guard import TILL, require_till, scope, till
from pos_api.sales import MOST_LINES
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.schemas import Strict, fen, pin, text, whole
from web.tendered import RecordedTenderSchema, dump_tenders
from web.used_coupons import CameBackSchema, dump_came_back

blueprint = Blueprint("refunds", __name__, url_prefix="/pos/v1/sales", description="Refunds of sales")
guarded(blueprint, require_till)


class RefundLineSchema(Strict):
    line_no = whole(1, MOST_LINES, required=True)
    quantity = whole(1, 9_999, required=True)


class RefundSchema(Strict):
    error_messages = {  # noqa: RUF012  # as the library declares it
        "line_twice": "A line stands twice.",
        "amount_and_lines": "Not together with lines.",
        "void_is_whole": "A sale is voided as a whole.",
    }

    refund_no = text(40, required=True, metadata={"description": "unique among the store's refunds"})
    staff_no = text(16, required=True, metadata={"description": "whose name stands under it"})
    staff_pin = pin()
    reason = fields.String(
        required=True,
        validate=validate.OneOf(REASONS),
        metadata={"description": "void: the sale should not have been recorded"},
    )
    lines = fields.List(
        fields.Nested(RefundLineSchema()),
        load_default=None,
        validate=validate.Length(1, MOST_LINES),
        metadata={"description": "what comes back; without it, and without an amount: all that is left"},
    )
    amount_fen = fen(
        1, load_default=None, metadata={"description": "of a sale that was recorded without lines"}
    )

    @validates_schema
    def one_meaning(self, data: dict[str, Any], **_: Any) -> None:
        lines = data.get("lines") or []
        if len({line["line_no"] for line in lines}) < len(lines):
            raise ValidationError(self.error_messages["line_twice"], "lines")
        if lines and data.get("amount_fen") is not None:
            raise ValidationError(self.error_messages["amount_and_lines"], "amount_fen")
        if data.get("reason") == "void" and (lines or data.get("amount_fen") is not None):
            raise ValidationError(self.error_messages["void_is_whole"], "reason")


class RefundedLineSchema(Strict):
    line_no = fields.Integer(required=True)
    quantity = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"description": "what goes back with this part"})


class RefundedSchema(Strict):
    id = fields.String(required=True)
    sale_id = fields.String(required=True)
    refund_no = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("done", "pending")))
    approval_id = fields.String(required=True, allow_none=True)
    amount_fen = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"description": "what the goods had earned"})
    points_taken = fields.Integer(required=True, metadata={"description": "out of the member's account"})
    points_owed = fields.Integer(
        required=True, metadata={"description": "were spent already: the next points pay them"}
    )
    points_after = fields.Integer(required=True, allow_none=True)
    lines = fields.List(fields.Nested(RefundedLineSchema()), required=True)
    tenders = fields.List(
        fields.Nested(RecordedTenderSchema()),
        required=True,
        metadata={
            "description": "what goes back in which way: points, principal and bonus are back in the member's account, "
            "the others are for the till to pay out. Empty where nobody told how the sale was paid"
        },
    )
    balance_after_fen = fields.Integer(required=True, allow_none=True)
    coupons = fields.List(
        fields.Nested(CameBackSchema()),
        required=True,
        metadata={
            "description": "once all of the sale is back: what became of the coupons it had used. Else empty"
        },
    )


def _dump(refunded: Refunded) -> dict[str, Any]:
    return {
        "id": refunded.refund_id,
        "sale_id": refunded.sale_id,
        "refund_no": refunded.refund_no,
        "state": refunded.state,
        "approval_id": refunded.approval_id,
        "amount_fen": refunded.amount_fen,
        "points": refunded.points,
        "points_taken": refunded.points_taken,
        "points_owed": refunded.points_owed,
        "points_after": refunded.points_after,
        "lines": [
            {
                "line_no": part.line_no,
                "quantity": part.quantity,
                "amount_fen": part.amount_fen,
                "points": part.points,
            }
            for part in refunded.parts
        ],
        "tenders": dump_tenders(refunded.tenders),
        "balance_after_fen": refunded.balance_after_fen,
        "coupons": dump_came_back(refunded.coupons),
    }


@blueprint.post("/<string:sale_id>/refunds")
@blueprint.arguments(RefundSchema())
@blueprint.response(201, RefundedSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any], sale_id: str) -> Response:
    """Give back lines, an amount, or all that is left; `pending` above what one may do alone."""
    lines = arguments["lines"]
    refunded = refund(
        till=till(arguments["staff_no"], arguments["staff_pin"]),
        sale_id=sale_id,
        wanted=Wanted(
            quantities=None if lines is None else {line["line_no"]: line["quantity"] for line in lines},
            amount_fen=arguments["amount_fen"],
        ),
        refund_no=arguments["refund_no"],
        reason=arguments["reason"],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(_dump(refunded), 201)
