"""Shifts and totals, as tills and the back office are told them."""

from typing import Any

import msgspec
from marshmallow import fields

from app.checkout.shifts import ShiftView
from app.checkout.totals import Totals
from web.schemas import Strict


class SumSchema(Strict):
    kind = fields.String(required=True)
    count = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True)


class TotalsSchema(Strict):
    sales = fields.Integer(required=True)
    sales_fen = fields.Integer(required=True)
    without_member = fields.Integer(required=True)
    tenders = fields.List(
        fields.Nested(SumSchema()),
        required=True,
        metadata={"description": "sales by how they were paid; unknown: was not said"},
    )
    refunds = fields.Integer(required=True, metadata={"description": "voids among them"})
    refunds_fen = fields.Integer(required=True)
    refund_tenders = fields.List(fields.Nested(SumSchema()), required=True)
    voids = fields.Integer(required=True)
    voids_fen = fields.Integer(required=True)
    top_ups = fields.List(
        fields.Nested(SumSchema()), required=True, metadata={"description": "credited, by method"}
    )
    top_up_refunds = fields.List(
        fields.Nested(SumSchema()), required=True, metadata={"description": "paid back, by method"}
    )
    retro_credits = fields.Integer(required=True, metadata={"description": "receipts credited afterwards"})
    retro_credits_fen = fields.Integer(required=True)
    uploads = fields.Integer(
        required=True, metadata={"description": "sales made without network that arrived; not among `sales`"}
    )
    uploads_fen = fields.Integer(required=True)
    phone_finds = fields.Integer(required=True, metadata={"description": "numbers looked up"})
    phone_finds_of_nobody = fields.Integer(required=True)


class ShiftSchema(Strict):
    id = fields.String(required=True)
    store = fields.String(required=True, metadata={"description": "code"})
    terminal = fields.String(required=True, metadata={"description": "code"})
    business_date = fields.Date(required=True, metadata={"description": "on which it was opened"})
    opened_by = fields.String(required=True, metadata={"description": "staff number"})
    opened_at = fields.AwareDateTime(required=True)
    opening_fen = fields.Integer(required=True)
    closed_by = fields.String(required=True, allow_none=True)
    closed_at = fields.AwareDateTime(required=True, allow_none=True)
    counted_fen = fields.Integer(required=True, allow_none=True)
    expected_fen = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "the opening cash, and what was said to be cash since"},
    )
    difference_fen = fields.Integer(
        required=True, allow_none=True, metadata={"description": "counted beyond what was expected"}
    )
    left_open = fields.Boolean(required=True, metadata={"description": "of a day before, and still open"})
    totals = fields.Nested(
        TotalsSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "as they stood when it was closed; null in lists while it is open"},
    )


def dump_totals(totals: Totals) -> dict[str, Any]:
    dumped: dict[str, Any] = msgspec.to_builtins(totals)
    return dumped


def dump_shift(shift: ShiftView) -> dict[str, Any]:
    return {
        "id": shift.id,
        "store": shift.store,
        "terminal": shift.terminal,
        "business_date": shift.business_date,
        "opened_by": shift.opened_by,
        "opened_at": shift.opened_at,
        "opening_fen": shift.opening_fen,
        "closed_by": shift.closed_by,
        "closed_at": shift.closed_at,
        "counted_fen": shift.counted_fen,
        "expected_fen": shift.expected_fen,
        "difference_fen": shift.difference_fen,
        "left_open": shift.left_open,
        "totals": None if shift.totals is None else dump_totals(shift.totals),
    }
