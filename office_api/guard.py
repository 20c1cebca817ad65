"""Which member of staff is asking, and what they may do where."""

from flask import g

from app import audit, clock
from app.errors import Forbidden, NotFound, Unauthenticated
from app.staff.accounts import Boss
from app.staff.roles import require, stores_of, stores_with
from app.staff.sign_in import SignedInStaff, require_own_password, signed_in
from app.stores.setup import store_ids
from web.guards import bearer_token

STAFF: list[dict[str, list[str]]] = [{"staff": []}]


def require_token() -> None:
    """A live token of the back office, be it of a temporary password. Raises `Unauthenticated`.

    A session opened at a till serves that till only: its cookie is no key to the back office.
    """
    person = signed_in(bearer_token(), now=clock.now())
    if person.till is not None:
        raise Unauthenticated
    g.staff = person


def require_staff() -> None:
    """A live token of somebody with a password of their own. Raises `Unauthenticated`, `PasswordChangeRequired`."""
    require_token()
    require_own_password(me())


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


def where_i_work() -> frozenset[int] | None:
    """The stores in which the caller has any role; None means all of them."""
    return stores_of(me().grants)


def stores_named(right: str, codes: set[str], *, field: str = "stores") -> dict[str, int]:
    """Ids by code of stores in which the caller has the right.

    Raises `NotFound` for a store in which they do not, the same as for one that nobody opened: which other stores
    there are is not told; `field` says which one named it. `Forbidden` for whoever has the right nowhere, before
    anything is looked up.
    """
    among = my_stores(right)
    try:
        return store_ids(codes, among=among)
    except NotFound:
        raise NotFound(field=field) from None


def store_named(right: str, code: str) -> int:
    """As `stores_named`, of one."""
    return stores_named(right, {code}, field="store")[code]


def my_stores(right: str, *others: str) -> frozenset[int] | None:
    """Where the caller has the right, or one of the others; None means everywhere, an empty set raises `Forbidden`."""
    each = [stores_with(me().grants, one) for one in (right, *others)]
    if None in each:
        return None
    stores = frozenset[int]().union(*(found for found in each if found is not None))
    if not stores:
        raise Forbidden(right=right)
    return stores
