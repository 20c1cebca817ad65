"""A second person decides; what they agree to is carried out in the same transaction."""

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.automations import review as automations
from app.campaigns import review as campaigns
from app.checkout import refund, retro_credit, set_policy, top_up, top_up_refund
from app.checkout.refund_parts import NothingToRefund, RefundExceedsSale
from app.coupons import change_template
from app.coupons import grant as coupon_grant
from app.coupons import recall as coupon_recall
from app.db import transaction
from app.discounts import change as discount_rules
from app.engagement import change as activities
from app.engagement.rewards import change_item as reward_items
from app.points import adjust, change
from app.settlement import close as settlement
from app.stored_value import change_offer

#: Approval kind → what carries it out.
_CARRY_OUT: dict[str, Callable[[Session, second_person.Approved, datetime], None]] = {
    activities.APPROVAL_KIND: activities.carry_out,
    adjust.APPROVAL_KIND: adjust.carry_out,
    automations.APPROVAL_KIND: automations.carry_out,
    campaigns.APPROVAL_KIND: campaigns.carry_out,
    change.APPROVAL_KIND: change.carry_out,
    change_template.APPROVAL_KIND: change_template.carry_out,
    coupon_grant.APPROVAL_KIND: coupon_grant.carry_out,
    coupon_recall.APPROVAL_KIND: coupon_recall.carry_out,
    discount_rules.APPROVAL_KIND: discount_rules.carry_out,
    refund.APPROVAL_KIND: refund.carry_out,
    retro_credit.APPROVAL_KIND: retro_credit.carry_out,
    reward_items.APPROVAL_KIND: reward_items.carry_out,
    set_policy.APPROVAL_KIND: set_policy.carry_out,
    settlement.APPROVAL_KIND: settlement.carry_out,
    top_up.APPROVAL_KIND: top_up.carry_out,
    top_up_refund.APPROVAL_KIND: top_up_refund.carry_out,
    change_offer.APPROVAL_KIND: change_offer.carry_out,
}
#: Approval kind → what ends that was kept until the decision.
_CLOSE: dict[str, Callable[[Session, str], None]] = {
    automations.APPROVAL_KIND: automations.close_refused,
    campaigns.APPROVAL_KIND: campaigns.close_refused,
    change_template.APPROVAL_KIND: change_template.close_refused,
    coupon_grant.APPROVAL_KIND: coupon_grant.close_refused,
    coupon_recall.APPROVAL_KIND: coupon_recall.close_refused,
    top_up.APPROVAL_KIND: top_up.close_refused,
}

#: What was asked for cannot be done any more, however long one waits.
_NEVER_AGAIN = (second_person.ApprovalOutdated, RefundExceedsSale, NothingToRefund)
#: What became of the request.
Decided = Literal["approve", "reject", "vouch"]


def decide(
    *,
    approval_id: str,
    agree: bool,
    stores: Collection[int] | None,
    staff_id: int,
    now: datetime,
    reason: str | None = None,
) -> Decided:
    """Agree, or not, for that `reason`; `stores` is where the person may approve (None: everywhere).

    `vouch`: nobody had proven who asked, so that this yes only speaks for the request and another one is needed.
    Raises `NotFound`, `ApproverIsRequester`, `ApproverVouched`, `ApproverDependsOnRequester`, `ApprovalDecided`,
    `ApprovalExpired`, and whatever carrying it out may raise (`NotEnough`, `BalanceLimit`): then it stays undecided.
    With `ApprovalOutdated`, and where nothing of the sale is left to refund, nothing happens but that the request does
    not wait any more.
    """
    try:
        with transaction() as session:
            if agree:
                decided = _agree(session, approval_id, stores, staff_id, now)
            else:
                decided = _refuse(session, approval_id, stores, staff_id, now, reason)
            told = {} if agree or reason is None else {"reason": reason}
            _record(session, f"approval.{decided}", approval_id, staff_id, now, **told)
            return decided
    except _NEVER_AGAIN:
        # All of it was taken back, the decision too: that it came to nothing is written by itself.
        with transaction() as session:
            second_person.outdate(session, approval_id, staff_id=staff_id, now=now)
            _record(session, "approval.outdate", approval_id, staff_id, now)
        raise


def _agree(
    session: Session, approval_id: str, stores: Collection[int] | None, staff_id: int, now: datetime
) -> Decided:
    approved = second_person.approve(session, approval_id, stores=stores, staff_id=staff_id, now=now)
    if approved is None:
        return "vouch"
    _CARRY_OUT[approved.kind](session, approved, now)
    return "approve"


def _refuse(
    session: Session,
    approval_id: str,
    stores: Collection[int] | None,
    staff_id: int,
    now: datetime,
    reason: str | None,
) -> Decided:
    kind, subject = second_person.reject(
        session, approval_id, stores=stores, staff_id=staff_id, now=now, reason=reason
    )
    if kind in _CLOSE:
        _CLOSE[kind](session, subject)
    return "reject"


def vouch(*, approval_id: str, staff_id: int, now: datetime) -> None:
    """Say that one did ask for it, where a till only claimed so.

    Raises `NotFound` for what somebody else has asked for, `ApprovalDecided`, `ApprovalExpired`.
    """
    with transaction() as session:
        second_person.vouch(session, approval_id, staff_id=staff_id, now=now)
        _record(session, "approval.vouch", approval_id, staff_id, now)


def _record(
    session: Session, action: str, approval_id: str, staff_id: int, now: datetime, **told: Any
) -> None:
    actor = audit.Actor(type="staff", id=staff_id)
    audit.record(session, actor, action, "approval", approval_id, now=now, **told)
