"""The coupons of the member at the till, as far as a quote looks at them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import psycopg

from app.checkout.pricing import Wishes
from app.checkout.quoted import QuotedCoupon
from app.coupons.face import Face
from app.coupons.faces import these_faces
from app.coupons.offered import Held, benefits_of, held_in, ids_of, these
from app.discounts.benefit import Benefit
from app.discounts.effects import Gift
from app.points.fitting import MemberFacts, StoreFacts


@dataclass(frozen=True, kw_only=True)
class CouponsAtTill:
    """As benefits, and by their keys what a quote tells besides."""

    benefits: list[Benefit] = field(default_factory=list)
    quoted: Mapping[str, QuotedCoupon] = field(default_factory=dict)


def coupons_at_till(
    connection: psycopg.Connection[Any],
    row: Any,
    buyer: MemberFacts | None,
    store: StoreFacts,
    wishes: Wishes,
    now: datetime,
) -> CouponsAtTill:
    """Those in the quote's look. A ticket of a coupon's own code stands for that coupon, one by phone for none."""
    if buyer is None or row.found_by == "phone":
        return CouponsAtTill()
    held = _held(connection, row, wishes)
    if not held:
        return CouponsAtTill()
    faces = these_faces(connection, (one.face_id for one in held))
    benefits = benefits_of(held, faces, buyer, store, now, chosen=wishes.benefits)
    if row.coupon_id is not None:
        # Whoever shows the code of this coupon wants it used, whatever it saves.
        benefits = [replace(one, worth_fen=0) for one in benefits]
    return CouponsAtTill(
        benefits=benefits, quoted={one.key: quoted_coupon(one, faces[one.face_id]) for one in held}
    )


def _held(connection: psycopg.Connection[Any], row: Any, wishes: Wishes) -> list[Held]:
    held = held_in(row.coupons)
    if row.coupon_id is not None:
        return [one for one in held if one.coupon_id == row.coupon_id]
    # One that was chosen and is not there any more has a reason, and one that ends late is no worse for it.
    missing = set(ids_of(wishes.benefits)) - {one.coupon_id for one in held}
    return [*held, *these(connection, row.member_id, missing)] if missing else held


def quoted_coupon(one: Held, face: Face) -> QuotedCoupon:
    gift = face.effect if isinstance(face.effect, Gift) else None
    return QuotedCoupon(
        coupon_id=one.coupon_id,
        ends_at=one.valid_until,
        uses_left=one.uses_left,
        gift_zh=gift.item_zh if gift else "",
        gift_en=gift.item_en if gift else "",
        gift_sku=gift.sku if gift else "",
    )
