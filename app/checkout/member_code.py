"""The code on a member's phone: the current one, the next one, a supply for a phone without network."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, text, update

import scan_codes
from app.coupons.code import CouponCodes
from app.db import reading, transaction
from app.errors import TooMany
from app.members.models import Member
from scan_codes import KeyRing


@dataclass(frozen=True, kw_only=True)
class CodeIssuer:
    """The keys that sign, and the prefix that tells our codes from payment codes; beside them those of coupons."""

    ring: KeyRing
    prefix: str
    coupons: CouponCodes


@dataclass(frozen=True, kw_only=True)
class ShownCode:
    """20 digits, when a till stops taking them, and in how many seconds the phone should ask for the next."""

    code: str
    valid_from: datetime
    valid_until: datetime
    refresh_in_s: int


class CodesUsedUp(TooMany):
    """All codes of this minute are used or withdrawn. Data: `retry_after_s`."""

    code = "codes_used_up"


_TAKEN = text("""
    SELECT m.codes_valid_from_step, coalesce(array_agg(u.step) FILTER (WHERE u.step IS NOT NULL), '{}') AS used
    FROM members m LEFT JOIN code_uses u ON u.member_id = m.id AND u.step >= :step
    WHERE m.id = :member_id GROUP BY m.id""")


def current(*, issuer: CodeIssuer, member_id: int, now: datetime) -> ShownCode:
    """The first code that a till would take now and has not been used. Raises `CodesUsedUp`."""
    step = scan_codes.step_of(now)
    with reading() as connection:
        row = connection.execute(_TAKEN, {"member_id": member_id, "step": step}).one()
    return _first_free(issuer, member_id, row.codes_valid_from_step, set(row.used), now)


def renew(*, issuer: CodeIssuer, member_id: int, now: datetime) -> ShownCode:
    """Withdraw the code of this step (somebody may have photographed it) and hand out the next one.

    Raises `CodesUsedUp` when that would be a second time within one step, or the next one is used too; then nothing
    is withdrawn.
    """
    step = scan_codes.step_of(now)
    with transaction() as session:
        # Lock, then look: of two renewals at once one gets the next code, the other has to wait for the step after.
        session.execute(select(Member.id).where(Member.id == member_id).with_for_update())
        row = session.execute(_TAKEN, {"member_id": member_id, "step": step}).one()
        if row.codes_valid_from_step > step:
            raise _used_up(now)
        session.execute(update(Member).where(Member.id == member_id).values(codes_valid_from_step=step + 1))
        return _first_free(issuer, member_id, step + 1, set(row.used), now)


def supply(*, issuer: CodeIssuer, member_id: int, count: int, now: datetime) -> list[ShownCode]:
    """The codes of the next `count` (1 to 20) steps, beginning with the current one."""
    first = scan_codes.step_of(now)
    with reading() as connection:
        row = connection.execute(_TAKEN, {"member_id": member_id, "step": first}).one()
    first = max(first, row.codes_valid_from_step)
    codes = scan_codes.pack(issuer.ring, member_id, first, count, prefix=issuer.prefix)
    return [_shown(code, step, now) for code, step in codes if step not in row.used]


def _first_free(
    issuer: CodeIssuer, member_id: int, valid_from_step: int, used: set[int], now: datetime
) -> ShownCode:
    step = scan_codes.step_of(now)
    for candidate in range(step, step + scan_codes.DEFAULT_WINDOW.future + 1):
        if candidate >= valid_from_step and candidate not in used:
            code = scan_codes.issue(issuer.ring, member_id, candidate, prefix=issuer.prefix)
            return _shown(code, candidate, now)
    raise _used_up(now)


def _used_up(now: datetime) -> CodesUsedUp:
    wait = scan_codes.step_starts_at(scan_codes.step_of(now) + 1) - now
    return CodesUsedUp(retry_after_s=wait // timedelta(seconds=1) + 1)


def _shown(code: str, step: int, now: datetime) -> ShownCode:
    return ShownCode(
        code=code,
        valid_from=scan_codes.valid_from(step),
        valid_until=scan_codes.valid_until(step),
        refresh_in_s=scan_codes.refresh_in_s(step, now),
    )
