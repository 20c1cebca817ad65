"""Whose phone is asking."""

from flask import g

from app import clock
from app.idempotency import LookedUp
from app.identity.sessions import SCOPE, SignedInMember, signed_in, signed_in_with_key
from web.guards import bearer_token
from web.idempotency import sent_key

MEMBER: list[dict[str, list[str]]] = [{"member": []}]


def require_member() -> None:
    """A live token of an active member. Raises `Unauthenticated`."""
    g.member = signed_in(bearer_token(), now=clock.now())


def require_member_with_key() -> None:
    """The same, and what is kept under the request's key is looked up with the token; an unfit key is left to the
    route."""
    key = sent_key()
    if key is None:
        require_member()
        return
    g.member, g.looked_up = signed_in_with_key(bearer_token(), key, now=clock.now())


def looked_up() -> LookedUp | None:
    """Under the request's key, where the guard has looked."""
    found: LookedUp | None = g.get("looked_up")
    return found


def me() -> SignedInMember:
    member: SignedInMember = g.member
    return member


def scope() -> str:
    """The space in which this member's idempotency keys are unique."""
    return f"{SCOPE}{me().id}"
