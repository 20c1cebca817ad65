"""Who may have how many coupons of a template, and when and where they may be claimed."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.coupons.face import Between, Face, FaceMalformed
from app.typed import convert

MOST_PER_MEMBER = 10_000
MOST_PER_CLERK = 1_000
MOST_STOCK = 1_000_000_000
#: A year typed wrongly; beyond it calendars end.
_FARTHEST = timedelta(days=36_525)

_Limit = Annotated[int, Meta(ge=1, le=MOST_PER_MEMBER)]


class Terms(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """As in `CouponTemplate`. `by_link`: there is a key to claim with; `stock` None: as many as are wanted."""

    per_member: _Limit | None = None
    per_member_a_day: _Limit | None = None
    per_clerk_a_day: Annotated[int, Meta(ge=0, le=MOST_PER_CLERK)] = 0
    in_centre: bool = False
    by_link: bool = False
    claim_from: datetime | None = None
    claim_until: datetime | None = None
    stock: Annotated[int, Meta(ge=0, le=MOST_STOCK)] | None = None


def terms_of(data: Mapping[str, Any]) -> Terms:
    """Raises `FaceMalformed`."""
    try:
        terms = convert(data, Terms)
    except msgspec.ValidationError as error:
        raise FaceMalformed(reason=str(error)) from None
    return terms


def check(face: Face, terms: Terms, now: datetime) -> None:
    """What the types do not say. Raises `FaceMalformed`."""
    times = [terms.claim_from, terms.claim_until]
    if isinstance(face.validity, Between):
        times += [face.validity.begins_at, face.validity.ends_at]
    if any(abs(at - now) > _FARTHEST for at in times if at is not None):
        raise FaceMalformed(reason="a time more than a hundred years away")
    if isinstance(face.validity, Between) and face.validity.ends_at <= now:
        raise FaceMalformed(reason="validity: has ended")
    if (
        terms.claim_from is not None
        and terms.claim_until is not None
        and terms.claim_until <= terms.claim_from
    ):
        raise FaceMalformed(reason="claim_until: not after claim_from")


def give_more(before: Terms, after: Terms) -> bool:
    """Whether anybody may have anything by `after` that they might not by `before`."""
    most = ("per_member", "per_member_a_day", "per_clerk_a_day", "stock", "claim_until")
    return (
        any(_more(getattr(before, name), getattr(after, name)) for name in most)
        or _earlier(before.claim_from, after.claim_from)
        or (after.in_centre and not before.in_centre)
        or (after.by_link and not before.by_link)
    )


def _more(before: Any, after: Any) -> bool:
    """None has no end."""
    return before is not None and (after is None or after > before)


def _earlier(before: datetime | None, after: datetime | None) -> bool:
    return before is not None and (after is None or after < before)
