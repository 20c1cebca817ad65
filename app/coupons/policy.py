"""How many coupons one person gives or takes away alone."""

from typing import Annotated, ClassVar

from msgspec import Meta

from app import policies

_Some = Annotated[int, Meta(ge=0, le=1_000_000)]


class CouponPolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """At once, and within 24 hours; above it somebody else must agree."""

    NAME: ClassVar[str] = "coupons"

    alone_grants: _Some = 100
    alone_grants_a_day: _Some = 500
    alone_recalls: _Some = 100
    alone_recalls_a_day: _Some = 500
