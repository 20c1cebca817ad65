"""Which till is asking."""

from flask import g

from app.staff.sign_in import clerk_at
from app.stores.tills import Till, till_of_key
from web.guards import bearer_token

TILL: list[dict[str, list[str]]] = [{"till": []}]


def require_till() -> None:
    """A live API key. Raises `Unauthenticated`, the same for whatever is wrong with it."""
    g.till = till_of_key(bearer_token())


def till(staff_no: str | None = None) -> Till:
    """The till, with the clerk of that staff number. Raises `Forbidden` for one who may not sell in this store."""
    here: Till = g.till
    return here if staff_no is None else here.with_clerk(clerk_at(staff_no, here.store_id))


def scope() -> str:
    """The space in which this terminal's idempotency keys are unique."""
    return f"terminal:{till().terminal_id}"
