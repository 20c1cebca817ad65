"""Events in this store today: found by the member's scanned code, and checked in."""

from typing import Any

from flask import Response

from app import clock
from app.checkout import event_check_in
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.events import StaffEventBookingSchema, dump_for_staff
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict, text

blueprint = Blueprint("pos_events", __name__, url_prefix="/pos/v1/bookings", description="Seats of events")
guarded(blueprint, require_till)


class TodayArguments(PageArguments):
    ticket = text(43, required=True, metadata={"description": "of a scan of the member's code"})
    staff_no = text(16, load_default=None)


@blueprint.get("")
@blueprint.arguments(TodayArguments(), location="query")
@blueprint.response(200, page_of(StaffEventBookingSchema))
@blueprint.doc(security=TILL)
def of_today(arguments: dict[str, Any]) -> Response:
    """What the member has booked in this store today."""
    wanted = asked(arguments)
    found = event_check_in.of_today(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda one: one.booking_id, dump_for_staff))


class EventCheckInSchema(Strict):
    ticket = text(43, required=True, metadata={"description": "of a scan of the member's code"})
    staff_no = text(16, required=True, metadata={"description": "who lets them in"})


@blueprint.post("/<string:booking_id>/check-in")
@blueprint.arguments(EventCheckInSchema())
@blueprint.response(201, StaffEventBookingSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def check_in(arguments: dict[str, Any], booking_id: str) -> Response:
    """They are here: once, on the day of the event, until it ends."""
    done = event_check_in.check_in_member(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        booking_id=booking_id,
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(dump_for_staff(done), 201)
