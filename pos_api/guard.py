"""Which till is asking."""

from flask import g, request

from app.staff.pins import prove
from app.stores.tills import Till, recent_till_of_key, till_of_key
from web.guards import bearer_token
from web.parts import parts

TILL: list[dict[str, list[str]]] = [{"till": []}]
#: Routes whose use case asks about the key itself, in its first statement; anything else asks here, each time.
ASKS_AGAIN = frozenset({"sales.create", "quotes.create"})


def require_till() -> None:
    """A live API key. Raises `Unauthenticated`, the same for whatever is wrong with it."""
    look_up = recent_till_of_key if request.endpoint in ASKS_AGAIN else till_of_key
    g.till = look_up(bearer_token())


def till(staff_no: str | None = None, staff_pin: str | None = None) -> Till:
    """The till, and the clerk it names; whether that one may sell here is asked once it is known what for.

    With a PIN it is proven that it is them. Raises `TooMany` after wrong ones.
    """
    here: Till = g.till
    return prove(here.naming(staff_no), staff_pin, throttle=parts().throttle)


def scope() -> str:
    """The space in which this terminal's idempotency keys are unique."""
    return f"terminal:{till().terminal_id}"
