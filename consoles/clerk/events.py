"""Events at the door: what the member at the till has booked here today, let in with one tap."""

from flask import Blueprint
from werkzeug.wrappers import Response

from app import clock
from app.checkout import event_check_in
from app.engagement.events.bookings import Booking
from app.engagement.events.when import when
from consoles.clerk.forms import check_in_request, field, key_field
from consoles.clerk.guard import require_clerk, till
from consoles.clerk.pieces import piece
from consoles.clerk.refusals import answer_with_screens
from consoles.pages import as_pages
from web.guards import guarded
from web.language import language

blueprint = Blueprint("clerk_events", __name__, url_prefix="/till/events")
as_pages(blueprint)
answer_with_screens(blueprint)
guarded(blueprint, require_clerk)

#: Nobody is at more events at once.
_SHOWN = 20


@blueprint.app_template_filter("session_when")
def session_when(booking: Booking) -> str:
    """When it is, by the clock of the store."""
    return when(booking.starts_at, booking.ends_at, booking.time_zone, language())


def booked_today(ticket: str) -> list[Booking]:
    """What the member of the ticket may be let in to here."""
    return event_check_in.of_today(till=till(), ticket=ticket, limit=_SHOWN, before=None, now=clock.now())


@blueprint.post("/check-in")
def check_in() -> Response:
    """They are let in to one of them; the others are shown anew."""
    ticket, booking_id = field("ticket", 43), field("booking_id", 26)
    done = event_check_in.check_in_member(
        till=till(),
        ticket=ticket,
        booking_id=booking_id,
        request=check_in_request(till(), key_field("check_in_key"), booking_id),
        now=clock.now(),
    )
    return piece("clerk/_bookings.html", booked=booked_today(ticket), ticket=ticket, let_in=done)
