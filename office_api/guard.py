"""Which member of staff is asking, and what they may do where."""

from flask import g

from app import audit, clock
from app.errors import Forbidden
from app.staff.accounts import Boss
from app.staff.roles import require, stores_with
from app.staff.sign_in import SignedInStaff, signed_in
from web.guards import bearer_token

STAFF: list[dict[str, list[str]]] = [{"staff": []}]


def require_staff() -> None:
    """A live staff token. Raises `Unauthenticated`."""
    g.staff = signed_in(bearer_token(), now=clock.now())


def me() -> SignedInStaff:
    person: SignedInStaff = g.staff
    return person


def actor() -> audit.Actor:
    return audit.Actor(type="staff", id=me().id)


def boss() -> Boss:
    return Boss(actor=actor(), grants=me().grants)


def need(right: str, store_id: int | None) -> None:
    """Raise `Forbidden` unless the caller has the right in that store (None: in all stores)."""
    require(me().grants, right, store_id)


def my_stores(right: str) -> frozenset[int] | None:
    """Where the caller has the right; None means everywhere, an empty set raises `Forbidden`."""
    stores = stores_with(me().grants, right)
    if stores is not None and not stores:
        raise Forbidden
    return stores
