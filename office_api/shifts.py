"""Shifts of the stores: who had the drawer, and what was in it."""

from typing import Any

from flask import Response

from app import clock
from app.checkout.shifts import listing
from app.staff.roles import SEE_SHIFTS
from office_api.guard import STAFF, my_stores, require_staff, store_named
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Day, text
from web.shifts import ShiftSchema, dump_shift

blueprint = Blueprint("office_shifts", __name__, url_prefix="/office/v1/shifts", description="Shifts")
guarded(blueprint, require_staff)


class ShiftsArguments(PageArguments):
    store = text(32, load_default=None, metadata={"description": "code; all of one's stores without it"})
    business_date = Day(load_default=None, metadata={"description": "on which they were opened"})


@blueprint.get("")
@blueprint.arguments(ShiftsArguments(), location="query")
@blueprint.response(200, page_of(ShiftSchema))
@blueprint.doc(security=STAFF)
def list_shifts(arguments: dict[str, Any]) -> Response:
    """Shifts of the caller's stores, newest first."""
    wanted, store = asked(arguments), arguments["store"]
    stores = my_stores(SEE_SHIFTS) if store is None else frozenset({store_named(SEE_SHIFTS, store)})
    found = listing(
        stores=stores,
        day=arguments["business_date"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda shift: shift.id, dump_shift))
