"""The code of one coupon on its holder's phone: 20 digits as a member code, signed with keys of its own.

A member code never passes for one, nor the other way round: the prefix tells which keys are asked, and the keys are
derived for another purpose (scan_codes.KeyRing).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import scan_codes
from app.coupons.offered import row_of
from app.coupons.redeem import CouponNotRedeemable
from app.db import ask, reading
from app.errors import NotFound, TooMany
from scan_codes import KeyRing

#: What the keys of these codes are derived for, and how the codes begin.
PURPOSE, PREFIX = "coupon-code", "91"


@dataclass(frozen=True, kw_only=True)
class CouponCodes:
    """The keys that sign them."""

    ring: KeyRing
    prefix: str = PREFIX


@dataclass(frozen=True, kw_only=True)
class CouponCode:
    """20 digits, when a till stops taking them, and in how many seconds the phone should ask for the next."""

    code: str
    valid_from: datetime
    valid_until: datetime
    refresh_in_s: int


_LOOK = """
    SELECT c.id, c.template_id, c.face_id, c.valid_from, c.valid_until, c.uses + c.restored - c.used AS uses_left,
        c.state, c.coupon_no, m.codes_valid_from_step,
        ARRAY(SELECT u.step FROM coupon_code_uses u WHERE u.coupon_no = c.coupon_no AND u.step >= %(step)s) AS taken
    FROM coupons c JOIN members m ON m.id = c.member_id
    WHERE c.id = %(coupon_id)s AND c.member_id = %(member_id)s"""


def issue_coupon_code(*, codes: CouponCodes, member_id: int, coupon_id: str, now: datetime) -> CouponCode:
    """The first code of the member's coupon that a till would take now and has not been used.

    Raises `NotFound` for somebody else's, `CouponNotRedeemable` for one that is not good now, `TooMany` when the codes
    of this minute are used or withdrawn.
    """
    values = {"coupon_id": coupon_id, "member_id": member_id, "step": scan_codes.step_of(now)}
    with reading() as connection:
        rows = ask(connection, _LOOK, values)
    if not rows:
        raise NotFound
    [row] = rows
    if reason := row_of(row).refusal(now):
        raise CouponNotRedeemable(reason=reason)
    return _first_free(codes, row, now)


def _first_free(codes: CouponCodes, row: Any, now: datetime) -> CouponCode:
    first = scan_codes.step_of(now)
    for step in range(first, first + scan_codes.DEFAULT_WINDOW.future + 1):
        if step >= row.codes_valid_from_step and step not in row.taken:
            return CouponCode(
                code=scan_codes.issue(codes.ring, row.coupon_no, step, prefix=codes.prefix),
                valid_from=scan_codes.valid_from(step),
                valid_until=scan_codes.valid_until(step),
                refresh_in_s=scan_codes.refresh_in_s(step, now),
            )
    wait = scan_codes.step_starts_at(first + 1) - now
    raise TooMany(retry_after_s=wait // timedelta(seconds=1) + 1)
