"""A second person decides; what they agree to is carried out in the same transaction."""

from collections.abc import Callable, Collection
from datetime import datetime

from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.checkout import refund, retro_credit, set_policy, top_up, top_up_refund
from app.db import transaction
from app.discounts import change as discount_rules
from app.points import adjust, change
from app.settlement import close as settlement
from app.stored_value import change_offer

#: Approval kind → what carries it out.
_CARRY_OUT: dict[str, Callable[[Session, second_person.Approved, datetime], None]] = {
    adjust.APPROVAL_KIND: adjust.carry_out,
    change.APPROVAL_KIND: change.carry_out,
    discount_rules.APPROVAL_KIND: discount_rules.carry_out,
    refund.APPROVAL_KIND: refund.carry_out,
    retro_credit.APPROVAL_KIND: retro_credit.carry_out,
    set_policy.APPROVAL_KIND: set_policy.carry_out,
    settlement.APPROVAL_KIND: settlement.carry_out,
    top_up.APPROVAL_KIND: top_up.carry_out,
    top_up_refund.APPROVAL_KIND: top_up_refund.carry_out,
    change_offer.APPROVAL_KIND: change_offer.carry_out,
}
#: Approval kind → what ends that was kept until the decision.
_CLOSE: dict[str, Callable[[Session, str], None]] = {top_up.APPROVAL_KIND: top_up.close_refused}


def decide(
    *, approval_id: str, agree: bool, stores: Collection[int] | None, staff_id: int, now: datetime
) -> None:
    """Agree, or not; `stores` is where the person may approve (None: everywhere).

    Raises `NotFound`, `ApproverIsRequester`, `ApproverDependsOnRequester`, `ApprovalDecided`, `ApprovalExpired`, and
    whatever carrying it out may raise (`NotEnough`, `ApprovalOutdated`, `BalanceLimit`): then it stays undecided.
    """
    with transaction() as session:
        if agree:
            approved = second_person.approve(session, approval_id, stores=stores, staff_id=staff_id, now=now)
            _CARRY_OUT[approved.kind](session, approved, now)
        else:
            kind, subject = second_person.reject(
                session, approval_id, stores=stores, staff_id=staff_id, now=now
            )
            if kind in _CLOSE:
                _CLOSE[kind](session, subject)
        audit.record(
            session,
            audit.Actor(type="staff", id=staff_id),
            "approval.approve" if agree else "approval.reject",
            "approval",
            approval_id,
            now=now,
        )
