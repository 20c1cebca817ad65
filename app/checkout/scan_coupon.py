"""A coupon's own code at the till: a ticket of its holder that stands for this coupon and no other value.

It earns, its holder's discounts hold, and this coupon is redeemed, by itself or with a sale. Points, stored value and
other coupons want the member's own code, and so do top-ups, their refunds and receipts credited afterwards.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app import idempotency
from app.coupons.face import face_of
from app.coupons.offered import Held
from app.coupons.redeem import CouponNotRedeemable
from app.discounts.explain import handed_over_text
from app.tiers.card import CARD


@dataclass(frozen=True, kw_only=True)
class ScannedCoupon:
    """What the holder showed; `what_*` is what it takes off or gives."""

    coupon_id: str
    name_zh: str
    name_en: str
    what_zh: str
    what_en: str
    uses_left: int
    valid_until: datetime
    without_sale: bool


_CARD = CARD.replace("%(member_id)s", "(SELECT member_id FROM coupons WHERE coupon_no = %(number)s)")
#: The key, the holder's card and the coupon in one trip, without locks (values as those of a member code's look).
LOOK = f"""
    SELECT f.request_hash, f.answer, c.*, k.* FROM (SELECT) one
    LEFT JOIN ({idempotency.FORMER}) f ON true LEFT JOIN ({_CARD}) c ON true
    LEFT JOIN (SELECT p.id AS coupon_id, p.template_id, p.face_id, p.valid_from, p.valid_until, p.state AS coupon_state,
            p.uses + p.restored - p.used AS uses_left, a.face
        FROM coupons p JOIN coupon_faces a ON a.id = p.face_id WHERE p.coupon_no = %(number)s) k ON true"""  # noqa: S608  # constants of our own
#: As for a member code; the holder is asked once more, for a coupon may be passed on.
TAKE = """
    WITH use AS (
        INSERT INTO coupon_code_uses (coupon_no, step, terminal_id, used_at)
        SELECT coupon_no, %(step)s, %(terminal_id)s, %(now)s FROM coupons
            WHERE coupon_no = %(number)s AND member_id = %(member_id)s
        ON CONFLICT DO NOTHING RETURNING coupon_no),
    ticket AS (
        INSERT INTO scan_tickets (id, member_id, terminal_id, staff_id, created_at, expires_at, found_by, coupon_id)
        SELECT %(ticket)s, c.member_id, %(terminal_id)s, %(staff_id)s::bigint, %(now)s, %(expires_at)s, 'coupon', c.id
            FROM use JOIN coupons c USING (coupon_no)),
    answer AS (
        INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
        SELECT %(scope)s, %(key)s, %(request_hash)s, %(answer)s, %(now)s FROM use)
    SELECT coupon_no FROM use"""


def coupon_in(row: Any, now: datetime) -> ScannedCoupon:
    """The coupon in a row of `LOOK`. Raises `CouponNotRedeemable` for one that is not good at this moment."""
    held = Held(
        coupon_id=row.coupon_id,
        template_id=row.template_id,
        face_id=row.face_id,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        uses_left=row.uses_left,
        state=row.coupon_state,
    )
    if reason := held.refusal(now):
        raise CouponNotRedeemable(reason=reason)
    face = face_of(row.face)
    return ScannedCoupon(
        coupon_id=held.coupon_id,
        name_zh=face.name_zh,
        name_en=face.name_en,
        what_zh=handed_over_text(face.effect, "zh"),
        what_en=handed_over_text(face.effect, "en"),
        uses_left=held.uses_left,
        valid_until=held.valid_until,
        without_sale=face.without_sale,
    )
