"""Rewards that wait for the member who is at the till: shown beside the sale, handed over with one tap."""

from flask import Blueprint
from werkzeug.wrappers import Response

from app import clock
from app.checkout import pick_up
from app.engagement.rewards.orders import Order
from consoles.clerk.forms import field, hand_over_request, key_field
from consoles.clerk.guard import require_clerk, till
from consoles.clerk.pieces import piece
from consoles.clerk.refusals import answer_with_screens
from consoles.pages import as_pages
from web.guards import guarded

blueprint = Blueprint("clerk_rewards", __name__, url_prefix="/till/rewards")
as_pages(blueprint)
answer_with_screens(blueprint)
guarded(blueprint, require_clerk)

#: Nobody carries more out of a shop at once; what is behind it comes up as soon as these are gone.
_SHOWN = 20


def waiting_for(ticket: str) -> list[Order]:
    """What the member of the ticket may take along here."""
    return pick_up.waiting(till=till(), ticket=ticket, limit=_SHOWN, before=None, now=clock.now())


@blueprint.post("/hand-over")
def hand_over() -> Response:
    """One of them is handed over; what still waits is shown anew."""
    ticket, order_id = field("ticket", 43), field("order_id", 26)
    handed = pick_up.pick_up(
        till=till(),
        ticket=ticket,
        order_id=order_id,
        request=hand_over_request(till(), key_field("hand_over_key"), order_id),
        now=clock.now(),
    )
    return piece("clerk/_pick_ups.html", waiting=waiting_for(ticket), ticket=ticket, handed=handed)
