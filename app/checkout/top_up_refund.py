"""A top-up, or what is left of it, goes back: at the till that took the money, or through WeChat Pay.

Nobody is surprised: the arithmetic is shown first, whoever asks says the amount that was shown, and another amount by
then is refused (app/stored_value/undo.py).
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency, policies
from app.approvals import second_person
from app.checkout.find_by_phone import TicketEarnsOnly
from app.checkout.refund import RefundNumberUsed
from app.checkout.sale import TicketExpired, TicketUnknown
from app.checkout.shift_time import after_the_last
from app.checkout.top_up_refund_record import Asked, Doing, TopUpRefunded, new_refund_id, pending, write_down
from app.db import transaction
from app.errors import Conflict, Forbidden, NotFound
from app.members.models import Member
from app.staff.clerks import with_named_clerk
from app.staff.roles import REFUND
from app.staff.sign_in import may_still
from app.stored_value.models import TopUp
from app.stored_value.refund_models import TopUpRefund
from app.stored_value.refund_policy import TopUpRefundPolicy
from app.stored_value.undo import Sum, work_out
from app.stored_value.undo_look import given_alone_fen, lock, stands
from app.stores.models import Store
from app.stores.tills import Till
from app.typed import convert

APPROVAL_KIND = "top_up_refund"
#: Why it goes back.
REASONS = ("unwanted", "mistake", "closing", "other")


class TopUpRefundOutdated(Conflict):
    """It would be another amount than was shown. Data: `amount_fen`, what it is now."""

    code = "top_up_refund_outdated"


class TopUpRefundUnderWay(Conflict):
    """WeChat Pay has been asked for another refund of it and has not paid yet."""

    code = "top_up_refund_under_way"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`amount_fen` is the money that was shown; `principal_fen` how much of the unused goes back, None: all of it.

    `ticket` shows that the member is there.
    """

    amount_fen: int
    reason: str
    principal_fen: int | None = None
    refund_no: str | None = None
    ticket: str | None = None


def preview(*, top_up_id: str, store_id: int | None, principal_fen: int | None, now: datetime) -> Sum:
    """The arithmetic, to be shown: of a top-up of that store, None: of one by WeChat Pay. Nothing is locked or changed.

    Raises `NotFound`, `TopUpNotCredited`, `TopUpRefundExceeds`, `TopUpRefundNothing`.
    """
    with transaction() as session:
        top_up = session.execute(
            select(TopUp).where(TopUp.id == top_up_id, TopUp.store_id.is_not_distinct_from(store_id))
        ).scalar_one_or_none()
        if top_up is None:
            raise NotFound
        policy = policies.in_force(session, TopUpRefundPolicy).value
        return work_out(stands(session, top_up, policy, now=now), policy, principal_fen)


def refund(
    *, till: Till, top_up_id: str, wanted: Wanted, request: idempotency.Request, now: datetime
) -> TopUpRefunded:
    """Pay back, as it was paid in, what is unused of a top-up of the till's store; the same key, the same answer.

    Raises `NotFound`, `Forbidden` without a clerk who may, `TicketUnknown`, `TicketExpired`, `TopUpNotCredited`,
    `TopUpRefundExceeds`, `TopUpRefundNothing`, `TopUpRefundOutdated`, `RefundNumberUsed`, `KeyReused`, `Busy`; then
    nothing happened.
    """
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, TopUpRefunded)
            if former is not None:
                return former
            answer = _at_the_till(session, till, top_up_id, wanted, now)
            idempotency.remember(session, request, answer, now)
            return answer
    except IntegrityError as error:
        raise _refusal(error) from error


def _at_the_till(
    session: Session, till: Till, top_up_id: str, wanted: Wanted, now: datetime
) -> TopUpRefunded:
    staff_id = None if till.staff_no is None else with_named_clerk(session, till, REFUND).staff_id
    if staff_id is None:
        raise Forbidden
    now = after_the_last(session, till.terminal_id, now)
    top_up = locked(session, top_up_id, till.store_id)
    if wanted.ticket is not None:
        _check_ticket(session, till, staff_id, wanted.ticket, top_up.member_id, now)
    return carry_on(
        session,
        top_up,
        wanted,
        terminal_id=till.terminal_id,
        staff_id=staff_id,
        present=wanted.ticket is not None,
        proven=till.proven,
        now=now,
    )


_TICKET = text(
    "SELECT member_id, expires_at, found_by, staff_id FROM scan_tickets"
    " WHERE id = :ticket AND terminal_id = :terminal_id"
)


def _check_ticket(
    session: Session, till: Till, staff_id: int, ticket: str, member_id: int, now: datetime
) -> None:
    """Whether the member is there: a number that somebody told proves nothing."""
    values = {"ticket": ticket, "terminal_id": till.terminal_id}
    scanned = session.execute(_TICKET, values).one_or_none()
    if scanned is None or scanned.member_id != member_id:
        raise TicketUnknown
    if scanned.staff_id is not None and scanned.staff_id != staff_id:
        raise TicketUnknown(reason="other_clerk")
    if scanned.found_by != "code":
        raise TicketEarnsOnly
    if scanned.expires_at <= now:
        raise TicketExpired


def locked(session: Session, top_up_id: str, store_id: int | None) -> TopUp:
    """One refund of a top-up after the other; other stores' top-ups are not there. Raises `NotFound`."""
    found = session.execute(
        select(TopUp)
        .where(TopUp.id == top_up_id, TopUp.store_id.is_not_distinct_from(store_id))
        .with_for_update()
    ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return found


def carry_on(
    session: Session,
    top_up: TopUp,
    wanted: Wanted,
    *,
    terminal_id: int | None,
    staff_id: int,
    present: bool,
    proven: bool,
    now: datetime,
) -> TopUpRefunded:
    """With the top-up locked: work it out anew, do it or ask a second person."""
    _none_under_way(session, top_up.id)
    lock(session, top_up)
    policy = policies.in_force(session, TopUpRefundPolicy)
    found = stands(session, top_up, policy.value, now=now)
    work = work_out(found, policy.value, wanted.principal_fen)
    if work.amount_fen != wanted.amount_fen:
        raise TopUpRefundOutdated(amount_fen=work.amount_fen)
    asked = _asked(session, top_up, wanted, work, terminal_id, present)
    refund_id = new_refund_id(now)
    alone_fen = policy.value.most_alone_fen(cooling_off=work.cooling_off, present=present, proven=proven)
    if given_alone_fen(session, top_up.id) + work.amount_fen > alone_fen:
        wish: second_person.Wish = {
            "kind": APPROVAL_KIND,
            "details": msgspec.to_builtins(asked),
            "store_id": top_up.store_id,
            "staff_id": staff_id,
            "now": now,
            "proven": proven,
        }
        alike = second_person.same(session, **wish)
        if alike is not None:
            return pending(alike.subject, alike.id, asked, work)
        approval_id = second_person.ask(session, subject=refund_id, **wish)
        return pending(refund_id, approval_id, asked, work)
    doing = Doing(
        refund_id=refund_id,
        asked=asked,
        staff_id=staff_id,
        alone_fen=alone_fen,
        policy_version=policy.version,
        approval_id=None,
        now=now,
    )
    return write_down(session, doing, top_up, found, work)


def _none_under_way(session: Session, top_up_id: str) -> None:
    under_way = select(TopUpRefund.id).where(TopUpRefund.top_up_id == top_up_id, TopUpRefund.state == "asked")
    if session.execute(under_way).one_or_none() is not None:
        raise TopUpRefundUnderWay


def _asked(
    session: Session, top_up: TopUp, wanted: Wanted, work: Sum, terminal_id: int | None, present: bool
) -> Asked:
    member_no = session.execute(select(Member.member_no).where(Member.id == top_up.member_id)).scalar_one()
    return Asked(
        top_up_id=top_up.id,
        member_no=member_no,
        method=top_up.method,
        receipt_no=top_up.receipt_no,
        refund_no=wanted.refund_no,
        reason=wanted.reason,
        present=present,
        cooling_off=work.cooling_off,
        principal_fen=work.principal_fen,
        deducted_fen=work.deducted_fen,
        amount_fen=work.amount_fen,
        bonus_fen=work.bonus_fen,
        store_id=top_up.store_id,
        terminal_id=terminal_id,
    )


def carry_out(session: Session, approved: second_person.Approved, now: datetime) -> None:
    """Do what a second person has agreed to; one by WeChat Pay is asked for by the worker.

    Raises `ApprovalOutdated` when whoever asked has lost the right or the store has closed, or when it would be another
    amount by now; `TopUpRefundUnderWay`, `RefundNumberUsed`.
    """
    asked = convert(approved.details, Asked)
    if asked.store_id is not None:
        store = session.execute(select(Store.status).where(Store.id == asked.store_id)).scalar_one()
        if store != "open":
            raise second_person.ApprovalOutdated
    if not may_still(session, approved.requested_by, REFUND, asked.store_id):
        raise second_person.ApprovalOutdated
    if asked.terminal_id is not None:
        now = after_the_last(session, asked.terminal_id, now)
    top_up = locked(session, asked.top_up_id, asked.store_id)
    _none_under_way(session, top_up.id)
    lock(session, top_up)
    policy = policies.in_force(session, TopUpRefundPolicy)
    found = stands(session, top_up, policy.value, now=now)
    try:
        work = work_out(found, policy.value, asked.principal_fen)
    except Conflict as error:
        raise second_person.ApprovalOutdated from error
    if (work.amount_fen, work.bonus_fen) != (asked.amount_fen, asked.bonus_fen):
        raise second_person.ApprovalOutdated
    doing = Doing(
        refund_id=approved.subject,
        asked=asked,
        staff_id=approved.requested_by,
        alone_fen=policy.value.most_alone_fen(
            cooling_off=work.cooling_off, present=asked.present, proven=True
        ),
        policy_version=policy.version,
        approval_id=approved.id,
        now=now,
    )
    try:
        write_down(session, doing, top_up, found, work)
    except IntegrityError as error:
        raise _refusal(error) from error


def _refusal(error: IntegrityError) -> Exception:
    if "uq_top_up_refunds_store_id_refund_no" in str(error.orig):
        return RefundNumberUsed()
    return error
