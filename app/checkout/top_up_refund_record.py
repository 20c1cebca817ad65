"""Writing the refund of a top-up down: the value leaves the account with the row, points and news follow the money."""

from dataclasses import dataclass
from datetime import date, datetime

import msgspec
from sqlalchemy.orm import Session

from app import audit, policies
from app.clock import HOME_ZONE, business_date
from app.facts.tell import tell
from app.ids import new_id
from app.ledger.take_back import TakenBack
from app.stored_value import coupons
from app.stored_value.balance import held
from app.stored_value.models import TopUp
from app.stored_value.refund_models import TopUpRefund
from app.stored_value.refund_policy import TopUpRefundPolicy
from app.stored_value.take_out import put_in_again, take_out, take_points
from app.stored_value.undo import Stands, Sum
from app.stored_value.undo_look import lock, stands, time_zone_of


@dataclass(frozen=True, kw_only=True)
class TopUpRefunded:
    """`state` is `done`, `asked` while WeChat Pay has not paid yet, `failed` once it has refused for good, or `pending`
    with the request that waits for a second person; then nothing has moved.

    `points_taken` went from the account, `points_owed` were spent (the next points pay them). `…_after_fen` is what the
    member may spend then. Of the coupons that had come with it `coupons_taken` are gone, `coupons_used` had been used.
    """

    refund_id: str
    state: str
    approval_id: str | None
    refund_no: str | None
    sum: Sum
    points_taken: int = 0
    points_owed: int = 0
    principal_after_fen: int | None = None
    bonus_after_fen: int | None = None
    coupons_taken: int = 0
    coupons_used: int = 0


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, as the second person sees it and as it is carried out afterwards."""

    top_up_id: str
    member_no: str
    method: str
    receipt_no: str | None
    refund_no: str | None
    reason: str
    present: bool
    cooling_off: bool
    principal_fen: int
    deducted_fen: int
    amount_fen: int
    bonus_fen: int
    store_id: int | None
    terminal_id: int | None


@dataclass(frozen=True, kw_only=True)
class Doing:
    """Who carries it out, and under which limit."""

    refund_id: str
    asked: Asked
    staff_id: int
    alone_fen: int
    policy_version: int
    approval_id: str | None
    now: datetime


def write_down(session: Session, doing: Doing, top_up: TopUp, found: Stands, work: Sum) -> TopUpRefunded:
    """Take the value out and keep the refund; one at a till is done with that, one by WeChat Pay is asked for.

    The caller holds the top-up and the accounts. Raises `IntegrityError` for a refund number that the store has used.
    """
    asked, at_a_till = doing.asked, doing.asked.store_id is not None
    day = business_date(doing.now, time_zone_of(session, top_up))
    refund = TopUpRefund(
        id=doing.refund_id,
        top_up_id=top_up.id,
        method=top_up.method,
        state="done" if at_a_till else "asked",
        principal_fen=work.principal_fen,
        deducted_fen=work.deducted_fen,
        amount_fen=work.amount_fen,
        bonus_fen=work.bonus_fen,
        bonus_charged_fen=work.bonus_charged_fen,
        cooling_off=work.cooling_off,
        policy_version=doing.policy_version,
        reason=asked.reason,
        store_id=asked.store_id,
        terminal_id=asked.terminal_id,
        staff_id=doing.staff_id,
        refund_no=asked.refund_no,
        alone_fen=doing.alone_fen,
        approval_id=doing.approval_id,
        asked_at=doing.now,
        business_date=day,
        accepted=False,
        ended_at=doing.now if at_a_till else None,
    )
    session.add(refund)
    session.flush()  # before the books: a number that is used ends it here
    take_out(session, refund, found)
    back = _finish(session, refund, top_up, day=day, now=doing.now) if at_a_till else None
    _record(session, refund, "top_up.refund" if at_a_till else "top_up.refund_ask", doing.now)
    return answer(session, refund, top_up, work, back, now=doing.now)


def answer(
    session: Session, refund: TopUpRefund, top_up: TopUp, work: Sum, back: "Back | None", *, now: datetime
) -> TopUpRefunded:
    has = held(session, top_up.member_id, now=now)
    points = back.points if back else None
    return TopUpRefunded(
        refund_id=refund.id,
        state=refund.state,
        approval_id=refund.approval_id,
        refund_no=refund.refund_no,
        sum=work,
        points_taken=points.taken if points else 0,
        points_owed=points.owed if points else 0,
        coupons_taken=back.coupons_taken if back else 0,
        coupons_used=back.coupons_used if back else 0,
        principal_after_fen=has.principal_fen,
        bonus_after_fen=has.bonus_fen,
    )


def pending(refund_id: str, approval_id: str, asked: Asked, work: Sum) -> TopUpRefunded:
    """The answer while a second person is waited for."""
    return TopUpRefunded(
        refund_id=refund_id, state="pending", approval_id=approval_id, refund_no=asked.refund_no, sum=work
    )


def new_refund_id(now: datetime) -> str:
    """Also the number under which WeChat Pay is asked, the first time and every other."""
    return new_id(now)


def done(session: Session, refund: TopUpRefund, top_up: TopUp, *, paid_at: datetime, now: datetime) -> None:
    """WeChat Pay has paid. The caller holds the top-up and the refund, and found it asked for."""
    lock(session, top_up)
    refund.state, refund.ended_at, refund.paid_at, refund.trouble = "done", now, paid_at, None
    session.flush()
    _finish(session, refund, top_up, day=business_date(now, HOME_ZONE), now=now)
    _record(session, refund, "top_up.refund", now)


def failed(session: Session, refund: TopUpRefund, top_up: TopUp, *, trouble: str, now: datetime) -> None:
    """WeChat Pay will not pay: what was taken out goes back into its lots. The caller as in `done`."""
    lock(session, top_up)
    refund.state, refund.ended_at, refund.trouble = "failed", now, trouble
    session.flush()
    put_in_again(session, refund, day=business_date(now, HOME_ZONE), now=now)
    _record(session, refund, "top_up.refund_fail", now)


@dataclass(frozen=True, kw_only=True)
class Back:
    """What went back to the house with the money: points, and coupons, of which some had been used."""

    points: TakenBack | None
    coupons_taken: int
    coupons_used: int


def _finish(session: Session, refund: TopUpRefund, top_up: TopUp, *, day: date, now: datetime) -> Back:
    policy = policies.in_force(session, TopUpRefundPolicy).value
    after = stands(session, top_up, policy, now=now)
    points = take_points(session, refund, after, day=day, now=now)
    taken, used = coupons.take_back(session, top_up.id, note=refund.reason, staff_id=refund.staff_id, now=now)
    payload = {
        "store_id": refund.store_id,
        "amount_fen": refund.amount_fen,
        "deducted_fen": refund.deducted_fen,
        "bonus_fen": refund.bonus_fen,
        "points_taken": points.taken if points else 0,
        "points_owed": points.owed if points else 0,
        "coupons_taken": taken,
        "coupons_used": used,
    }
    tell(session, "top_up_refunded", subject=refund.id, member_id=top_up.member_id, payload=payload, now=now)
    return Back(points=points, coupons_taken=taken, coupons_used=used)


def _record(session: Session, refund: TopUpRefund, action: str, now: datetime) -> None:
    audit.record(
        session,
        audit.Actor(type="staff", id=refund.staff_id),
        action,
        "top_up",
        refund.top_up_id,
        now=now,
        store_id=refund.store_id,
        refund_id=refund.id,
        amount_fen=refund.amount_fen,
        reason=refund.reason,
        approval_id=refund.approval_id,
        trouble=refund.trouble,
    )
