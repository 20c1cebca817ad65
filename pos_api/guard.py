"""Which till is asking."""

import time

from flask import Response, after_this_request, g, request

from app.checkout.till_limits import WRONG_CLERKS, count_wrong_clerk, may_name_clerks
from app.errors import Forbidden, TooMany
from app.staff.pins import prove
from app.stores.tills import Till, recent_till_of_key, till_of_key
from web.errors import refused
from web.guards import bearer_token
from web.parts import parts

TILL: list[dict[str, list[str]]] = [{"till": []}]
#: Routes whose use case asks about the key itself, in its first statement; anything else asks here, each time.
ASKS_AGAIN = frozenset({"sales.create", "quotes.create"})
#: Terminals at which this process saw a wrong clerk, and until when their requests ask whether there were too many: a
#: sale of a till that names the right ones does not pay for the question.
_watched: dict[int, float] = {}


def require_till() -> None:
    """A live API key. Raises `Unauthenticated`, the same for whatever is wrong with it."""
    look_up = recent_till_of_key if request.endpoint in ASKS_AGAIN else till_of_key
    g.till = look_up(bearer_token())


def till(staff_no: str | None = None, staff_pin: str | None = None) -> Till:
    """The till, and the clerk it names; whether that one may sell here is asked once it is known what for.

    With a PIN it is proven that it is them. Raises `TooMany` after wrong ones, and after wrong names.
    """
    here: Till = g.till
    if staff_no is None:
        return here
    if time.monotonic() < _watched.get(here.terminal_id, 0.0):
        may_name_clerks(here, parts().throttle)
    after_this_request(_count_wrong_clerk)
    return prove(here.naming(staff_no), staff_pin, throttle=parts().throttle)


def _count_wrong_clerk(response: Response) -> Response:
    if g.get("error_code") != Forbidden.code:
        return response
    here: Till = g.till
    _watched[here.terminal_id] = time.monotonic() + WRONG_CLERKS.per_s
    try:
        count_wrong_clerk(here, parts().throttle)
    except TooMany as error:
        return refused(error)
    return response


def scope() -> str:
    """The space in which this terminal's idempotency keys are unique."""
    return f"terminal:{till().terminal_id}"
