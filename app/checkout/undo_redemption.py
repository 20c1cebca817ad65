"""A coupon that was redeemed by itself is given back: it should not have been, or nothing was handed over."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit, idempotency, policies
from app.checkout.refund import RefundPolicy, RefundTooLate
from app.clock import business_date
from app.coupons.restore import CameBack, LockedUse, Undoing, lock_use, take_back
from app.db import transaction
from app.errors import Conflict, Forbidden, NotFound
from app.staff.clerks import named_clerk
from app.staff.roles import REFUND
from app.stores.tills import Till


class RedemptionStays(Conflict):
    """Data: `reason`: `with_sale` (refund the sale), `with_booking` (cancel that), `undone` before, or `recalled`, the
    coupon is void, or the reward it came with was taken back."""

    code = "redemption_stays"


@dataclass(frozen=True, kw_only=True)
class Undone:
    redemption_id: str
    coupon: CameBack
    undone_at: datetime


def undo_redemption(*, till: Till, redemption_id: str, request: idempotency.Request, now: datetime) -> Undone:
    """Give the use back, by whoever may refund, within the days of a refund; the same key gives the same answer again.

    Raises `NotFound` for other stores' too, `Forbidden` without a clerk who may, `RefundTooLate`, `RedemptionStays`,
    `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Undone)
        if former is not None:
            return former
        if till.staff_no is None:
            raise Forbidden
        till, staff_id = named_clerk(session, till, REFUND)
        use = _judged(session, till, redemption_id, now)
        undoing = Undoing(refund_id=None, staff_id=staff_id, store_id=till.store_id, now=now)
        [coupon] = take_back(session, [use], undoing)
        _note(session, till, staff_id, use, now)
        answer = Undone(redemption_id=redemption_id, coupon=coupon, undone_at=now)
        idempotency.remember(session, request, answer, now)
        return answer


_REDEMPTION = text(
    "SELECT sale_id, terminal_id, store_id, business_date FROM coupon_redemptions WHERE id = :id"
)


def _judged(session: Session, till: Till, redemption_id: str, now: datetime) -> LockedUse:
    row: Any = session.execute(_REDEMPTION, {"id": redemption_id}).one_or_none()
    if row is None or row.store_id != till.store_id:
        raise NotFound
    if row.sale_id is not None:
        raise RedemptionStays(reason="with_sale")
    if row.terminal_id is None:
        raise RedemptionStays(reason="with_booking")
    days = policies.in_force(session, RefundPolicy).value.within_days
    until = row.business_date + timedelta(days=days)
    if business_date(now, till.time_zone) > until:
        raise RefundTooLate(until=until)
    use = lock_use(session, redemption_id)
    if use is None:
        raise RedemptionStays(reason="undone")
    if use.state == "void" or use.taken_back:
        raise RedemptionStays(reason="recalled")
    return use


def _note(session: Session, till: Till, staff_id: int, use: LockedUse, now: datetime) -> None:
    audit.record(
        session,
        audit.Actor(type="staff", id=staff_id),
        "coupon.undo",
        "coupon",
        use.coupon_id,
        now=now,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        redemption_id=use.redemption_id,
    )
