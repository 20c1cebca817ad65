"""Whose phone is asking."""

from flask import g

from app import clock
from app.identity.sessions import SignedInMember, signed_in
from web.guards import bearer_token

MEMBER: list[dict[str, list[str]]] = [{"member": []}]


def require_member() -> None:
    """A live token of an active member. Raises `Unauthenticated`."""
    g.member = signed_in(bearer_token(), now=clock.now())


def me() -> SignedInMember:
    member: SignedInMember = g.member
    return member


def scope() -> str:
    """The space in which this member's idempotency keys are unique."""
    return f"member:{me().id}"
