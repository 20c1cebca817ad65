"""Shifts of a till, and what went through it."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.checkout.shifts import DayTotals, close_shift, current_shift, day_totals, open_shift
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.schemas import Day, Strict, fen, text
from web.shifts import ShiftSchema, TotalsSchema, dump_shift, dump_totals

blueprint = Blueprint("shifts", __name__, url_prefix="/pos/v1", description="Shifts and totals")
guarded(blueprint, require_till)


class OpenShiftSchema(Strict):
    opening_fen = fen(required=True, metadata={"description": "the cash in the drawer"})
    staff_no = text(16, required=True)


class CloseShiftSchema(Strict):
    counted_fen = fen(required=True, metadata={"description": "the cash in the drawer, counted"})
    staff_no = text(16, required=True)


class DayArguments(Strict):
    business_date = Day(load_default=None, metadata={"description": "today by the store's calendar"})


class DayTotalsSchema(Strict):
    terminal = fields.String(required=True)
    business_date = fields.Date(required=True)
    totals = fields.Nested(TotalsSchema(), required=True)
    shifts = fields.List(fields.Nested(ShiftSchema()), required=True)


def _dump_day(day: DayTotals) -> dict[str, Any]:
    return {
        "terminal": day.terminal,
        "business_date": day.business_date,
        "totals": dump_totals(day.totals),
        "shifts": [dump_shift(shift) for shift in day.shifts],
    }


@blueprint.post("/shifts")
@blueprint.arguments(OpenShiftSchema())
@blueprint.response(201, ShiftSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def open_one(arguments: dict[str, Any]) -> Response:
    """Open a shift at this till; one at a time."""
    shift = open_shift(
        till=till(arguments["staff_no"]),
        opening_fen=arguments["opening_fen"],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(dump_shift(shift), 201)


@blueprint.get("/shifts/current")
@blueprint.response(200, ShiftSchema())
@blueprint.doc(security=TILL)
def current() -> Response:
    """The open shift of this till with its totals so far; 404 when there is none."""
    return answer(dump_shift(current_shift(till=till(), now=clock.now())))


@blueprint.post("/shifts/<string:shift_id>/close")
@blueprint.arguments(CloseShiftSchema())
@blueprint.response(200, ShiftSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def close_one(arguments: dict[str, Any], shift_id: str) -> Response:
    """Close a shift of this store with what was counted. Closing it again changes nothing."""
    shift = close_shift(
        till=till(arguments["staff_no"]),
        shift_id=shift_id,
        counted_fen=arguments["counted_fen"],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(dump_shift(shift))


@blueprint.get("/totals")
@blueprint.arguments(DayArguments(), location="query")
@blueprint.response(200, DayTotalsSchema())
@blueprint.doc(security=TILL)
def of_day(arguments: dict[str, Any]) -> Response:
    """All that went through this till on a business day, and the shifts that were opened on it."""
    return answer(_dump_day(day_totals(till=till(), day=arguments["business_date"], now=clock.now())))
