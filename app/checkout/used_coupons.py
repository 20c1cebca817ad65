"""The coupons that a sale uses: from its quote, to the statement that writes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import psycopg

from app.checkout.quoted import Priced
from app.coupons.offered import these
from app.discounts import reasons
from app.ids import new_id


@dataclass(frozen=True, kw_only=True)
class UsedCoupon:
    """One use of a coupon. What `gift_*` names is handed over with it; `undone`: it came back with a refund."""

    coupon_id: str
    redemption_id: str
    name_zh: str
    name_en: str
    discount_fen: int
    gift_zh: str = ""
    gift_en: str = ""
    gift_sku: str = ""
    undone: bool = False


def used_by(priced: Priced, now: datetime) -> tuple[UsedCoupon, ...]:
    """Those that the quote counts on, each with the id of its redemption."""
    return tuple(
        UsedCoupon(
            coupon_id=one.coupon.coupon_id,
            redemption_id=new_id(now),
            name_zh=one.name_zh,
            name_en=one.name_en,
            discount_fen=one.told.discount_fen,
            gift_zh=one.coupon.gift_zh,
            gift_en=one.coupon.gift_en,
            gift_sku=one.coupon.gift_sku,
        )
        for one in priced.coupons
        if one.coupon is not None
    )


def coupon_values(coupons: Sequence[UsedCoupon]) -> dict[str, object]:
    """For the statement that writes the sale (app/checkout/record_statement.py)."""
    if not coupons:
        return {}
    rows = [
        {"redemption_id": one.redemption_id, "coupon_id": one.coupon_id, "discount_fen": one.discount_fen}
        for one in coupons
    ]
    return {
        "coupon_ids": [one.coupon_id for one in coupons],
        "coupons": msgspec.json.encode(rows).decode(),
    }


@dataclass(frozen=True, kw_only=True)
class LostCoupon:
    coupon_id: str
    reason: str


def lost_of(
    connection: psycopg.Connection[Any], member_id: int, priced: Priced, now: datetime
) -> LostCoupon | None:
    """The first of the quote's coupons that cannot be used any more, and why; None if all of them can."""
    ids = [one.coupon.coupon_id for one in priced.coupons if one.coupon is not None]
    found = {one.coupon_id: one for one in these(connection, member_id, ids)}
    for coupon_id in ids:
        held = found.get(coupon_id)
        if held is None:
            return LostCoupon(coupon_id=coupon_id, reason=reasons.UNKNOWN)
        reason = held.refusal(now)
        if reason:
            return LostCoupon(coupon_id=coupon_id, reason=reason)
    return None
