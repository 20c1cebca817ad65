"""Who has booked a session: to look at, and to give up for a member."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.engagement.events import bookings, cancel
from app.engagement.events.bookings import STATES, Booking
from app.staff.roles import MANAGE_ACTIVITIES, REFUND
from office_api.guard import STAFF, me, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.events import StaffEventBookingSchema, dump_for_staff
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict, text

blueprint = Blueprint(
    "event_bookings", __name__, url_prefix="/office/v1/event-bookings", description="Seats of events"
)
guarded(blueprint, require_staff)


class BookingsArguments(PageArguments):
    session_id = text(26, required=True)
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


class OfficeEventBookingSchema(StaffEventBookingSchema):
    member_no = fields.String(required=True, metadata={"description": "masked"})


def _dump(booking: Booking) -> dict[str, Any]:
    return dump_for_staff(booking) | {"member_no": booking.member_no}


@blueprint.get("")
@blueprint.arguments(BookingsArguments(), location="query")
@blueprint.response(200, page_of(OfficeEventBookingSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """Bookings of a session in one of the stores where the caller makes events, or may refund; the newest first."""
    wanted = asked(arguments)
    found = bookings.of_session(
        session_id=arguments["session_id"],
        stores=my_stores(REFUND, MANAGE_ACTIVITIES),
        state=arguments["state"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda one: one.booking_id, _dump))


class BookingCancelSchema(Strict):
    note = text(200, required=True, metadata={"description": "why, for the audit log; no personal data"})


@blueprint.post("/<string:booking_id>/cancel")
@blueprint.arguments(BookingCancelSchema())
@blueprint.response(200, OfficeEventBookingSchema())
@blueprint.doc(security=STAFF, parameters=[IDEMPOTENCY_KEY])
def give_up(arguments: dict[str, Any], booking_id: str) -> Response:
    """Give a booking up for the member, however late: everything they paid goes back."""
    undone = cancel.by_staff(
        booking_id=booking_id,
        stores=my_stores(REFUND),
        staff_id=me().id,
        note=arguments["note"],
        request=keyed(f"staff:{me().id}"),
        now=clock.now(),
    )
    return answer(_dump(undone))
