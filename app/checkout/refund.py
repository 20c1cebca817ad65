"""A sale, or a part of it, is undone: money, points and stored value go back as they came, and what was earned too."""

from datetime import date, datetime, timedelta
from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency, policies
from app.approvals import second_person
from app.approvals.models import ApprovalRequest
from app.checkout.models import Refund, Sale, SaleLine
from app.checkout.refund_parts import RefundPart, SoldLine, Wanted, parts_of
from app.checkout.refund_record import Asked, Doing, Refunded, write_down
from app.checkout.shift_time import after_the_last
from app.clock import business_date, start_of_day
from app.db import transaction
from app.errors import Conflict, Forbidden, NotFound
from app.ids import new_id
from app.staff.clerks import with_named_clerk
from app.staff.roles import REFUND
from app.staff.sign_in import may_still
from app.stores.models import Store
from app.stores.tills import Till
from app.typed import convert

APPROVAL_KIND = "refund"
#: Why a sale is undone; `void` is one that should not have been recorded.
REASONS = ("returned", "damaged", "price", "void", "other")


class RefundPolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days after the sale, and how much without a second person: by a clerk who is proven, and by one
    whom the register only named.

    What was spent goes back into the lots it came from; of those that have ended meanwhile it may be spent for
    `grace_days` more.
    """

    NAME: ClassVar[str] = "refunds"

    within_days: Annotated[int, Meta(ge=0, le=3_660)] = 30
    alone_fen: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 50_000
    unproven_alone_fen: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 10_000
    grace_days: Annotated[int, Meta(ge=0, le=366)] = 30

    def most_alone_fen(self, *, proven: bool) -> int:
        """What of one sale goes back without a second person."""
        return self.alone_fen if proven else min(self.alone_fen, self.unproven_alone_fen)


class RefundTooLate(Conflict):
    """Data: `until`, the last day on which it was possible."""

    code = "refund_too_late"


class RefundPending(Conflict):
    """Another refund of the sale waits for a second person. Data: `approval_id`."""

    code = "refund_pending"


class RefundNumberUsed(Conflict):
    """The store has a refund with this number."""

    code = "refund_no_used"


def refund(
    *,
    till: Till,
    sale_id: str,
    wanted: Wanted,
    refund_no: str,
    reason: str,
    request: idempotency.Request,
    now: datetime,
) -> Refunded:
    """Give back a part of a sale of the till's store, or all that is left; the same key gives the same answer again.

    Raises `NotFound`, `Forbidden` without a clerk who may, `RefundExceedsSale`, `RefundByLine`, `NothingToRefund`,
    `RefundTooLate`, `RefundPending`, `RefundNumberUsed`, `KeyReused`, `Busy`; then nothing happened.
    """
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, Refunded)
            if former is not None:
                return former
            answer = _refund(session, till, sale_id, wanted, refund_no, reason, now)
            idempotency.remember(session, request, answer, now)
            return answer
    except IntegrityError as error:
        raise _refusal(error) from error


def _refund(
    session: Session,
    till: Till,
    sale_id: str,
    wanted: Wanted,
    refund_no: str,
    reason: str,
    now: datetime,
) -> Refunded:
    staff_id = _clerk(session, till)
    now = after_the_last(session, till.terminal_id, now)
    sale = _locked_sale(session, sale_id, till.store_id)
    day = business_date(now, till.time_zone)
    policy = policies.in_force(session, RefundPolicy).value
    until = sale.business_date + timedelta(days=policy.within_days)
    if day > until:
        raise RefundTooLate(until=until)
    parts = parts_of(_lines(session, sale_id), wanted, points_back=_points_back(session, sale_id))
    asked = Asked(
        sale_id=sale_id,
        receipt_no=sale.receipt_no,
        refund_no=refund_no,
        reason=reason,
        amount_fen=sum(part.amount_fen for part in parts),
        # As it stands now: who agrees agrees to this, and not to whatever may be left by then.
        quantities=None if wanted.amount_fen is not None else {part.line_no: part.quantity for part in parts},
        by_amount=wanted.amount_fen is not None,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
    )
    refund_id, alone_fen = new_id(now), policy.most_alone_fen(proven=till.proven)
    if _given_alone(session, sale_id) + asked.amount_fen > alone_fen:
        return _ask(session, refund_id, asked, parts, till, staff_id, now)
    doing = Doing(
        refund_id=refund_id,
        asked=asked,
        store_id=till.store_id,
        staff_id=staff_id,
        alone_fen=alone_fen,
        approval_id=None,
        day=day,
        grace=_grace(policy, day, till.time_zone),
        now=now,
    )
    return write_down(session, doing, sale, parts)


def _clerk(session: Session, till: Till) -> int:
    """Somebody's name stands under every refund."""
    staff_id = None if till.staff_no is None else with_named_clerk(session, till, REFUND).staff_id
    if staff_id is None:
        raise Forbidden
    return staff_id


def _locked_sale(session: Session, sale_id: str, store_id: int) -> Sale:
    """One refund of a sale after the other; other stores' sales are not there."""
    sale = session.execute(
        select(Sale).where(Sale.id == sale_id, Sale.store_id == store_id).with_for_update()
    ).scalar_one_or_none()
    if sale is None:
        raise NotFound
    return sale


def _lines(session: Session, sale_id: str) -> list[SoldLine]:
    found = session.execute(
        select(
            SaleLine.line_no,
            SaleLine.sku,
            SaleLine.quantity,
            SaleLine.unit_price_fen,
            SaleLine.points_earned.label("points"),
            SaleLine.refunded_quantity,
            SaleLine.refunded_fen,
            SaleLine.discount_fen,
            SaleLine.uncredited_fen,
        )
        .where(SaleLine.sale_id == sale_id)
        .order_by(SaleLine.line_no)
    )
    return [SoldLine(**row._mapping) for row in found]


def _points_back(session: Session, sale_id: str) -> int:
    """What earlier refunds took back of the points that the sale earned."""
    taken = select(func.coalesce(func.sum(Refund.points), 0)).where(Refund.sale_id == sale_id)
    return int(session.execute(taken).scalar_one())


def _grace(policy: RefundPolicy, day: date, time_zone: str) -> datetime:
    """The midnight after the last whole day."""
    return start_of_day(day + timedelta(days=policy.grace_days + 1), time_zone)


def _given_alone(session: Session, sale_id: str) -> int:
    """What of the sale went back before without a second person: many small refunds are a large one."""
    given = select(func.coalesce(func.sum(Refund.amount_fen), 0))
    return int(
        session.execute(given.where(Refund.sale_id == sale_id, Refund.approval_id.is_(None))).scalar_one()
    )


def _ask(
    session: Session,
    refund_id: str,
    asked: Asked,
    parts: list[RefundPart],
    till: Till,
    staff_id: int,
    now: datetime,
) -> Refunded:
    wish: second_person.Wish = {
        "kind": APPROVAL_KIND,
        "details": msgspec.to_builtins(asked, str_keys=True),
        "store_id": till.store_id,
        "staff_id": staff_id,
        "now": now,
        "proven": till.proven,
    }
    alike = second_person.same(session, **wish)
    if alike is not None:
        refund_id, approval_id = alike.subject, alike.id
    else:
        waiting = _waiting(session, asked.sale_id, now)
        if waiting is not None:
            raise RefundPending(approval_id=waiting)
        approval_id = second_person.ask(session, subject=refund_id, **wish)
    return Refunded(
        refund_id=refund_id,
        sale_id=asked.sale_id,
        refund_no=asked.refund_no,
        state="pending",
        approval_id=approval_id,
        amount_fen=asked.amount_fen,
        points=sum(part.points for part in parts),
        parts=tuple(parts),
    )


def _waiting(session: Session, sale_id: str, now: datetime) -> str | None:
    """The request about this sale that waits; the sale is locked, so that there is one at most."""
    request = ApprovalRequest
    return session.execute(
        select(request.id).where(
            request.kind == APPROVAL_KIND,
            request.state == "pending",
            request.expires_at > now,
            request.details["sale_id"].astext == sale_id,
        )
    ).scalar()


def carry_out(session: Session, approved: second_person.Approved, now: datetime) -> None:
    """Do what a second person has agreed to.

    Raises `ApprovalOutdated` when whoever asked has lost the right or the store has closed, or when something of it
    went back meanwhile so that it would be another amount; `RefundExceedsSale`, `RefundNumberUsed`. The days are
    those of the asking.
    """
    asked = convert(approved.details, Asked, strict=False)
    store = session.execute(select(Store).where(Store.id == asked.store_id)).scalar_one()
    if store.status != "open" or not may_still(session, approved.requested_by, REFUND, asked.store_id):
        raise second_person.ApprovalOutdated
    now = after_the_last(session, asked.terminal_id, now)
    sale = _locked_sale(session, asked.sale_id, asked.store_id)
    policy, day = policies.in_force(session, RefundPolicy).value, business_date(now, store.time_zone)
    doing = Doing(
        refund_id=approved.subject,
        asked=asked,
        store_id=asked.store_id,
        staff_id=approved.requested_by,
        alone_fen=policy.alone_fen,
        approval_id=approved.id,
        day=day,
        grace=_grace(policy, day, store.time_zone),
        now=now,
    )
    parts = parts_of(_lines(session, sale.id), asked.wanted(), points_back=_points_back(session, sale.id))
    if sum(part.amount_fen for part in parts) != asked.amount_fen:
        raise second_person.ApprovalOutdated
    try:
        write_down(session, doing, sale, parts)
    except IntegrityError as error:
        raise _refusal(error) from error


def _refusal(error: IntegrityError) -> Exception:
    if "uq_refunds_store_id_refund_no" in str(error.orig):
        return RefundNumberUsed()
    return error
