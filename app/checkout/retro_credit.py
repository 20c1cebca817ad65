"""A receipt from the days before: the code was forgotten, the member shows it now, and the sale becomes theirs.

Collecting other people's receipts is the oldest trick of the trade. So it takes the member's live code and a clerk's
name, works once and for some days, stands in the totals of the till, and above a limit asks a second person.
"""

from datetime import datetime, timedelta
from typing import Annotated, ClassVar

from msgspec import Meta
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency, policies
from app.approvals import second_person
from app.checkout.daily_models import SaleCredit
from app.checkout.find_by_phone import one_at_a_time
from app.checkout.models import Sale
from app.checkout.retro_credit_record import Credited, LeftLine, left_of, write_down
from app.checkout.sale import TicketUsed
from app.checkout.shift_time import after_the_last
from app.checkout.ticket import present
from app.clock import business_date
from app.db import transaction
from app.errors import Conflict, NotFound
from app.ids import new_id
from app.members.hold import hold
from app.staff.clerks import named_clerk
from app.staff.roles import SELL
from app.staff.sign_in import may_still
from app.stores.models import Store
from app.stores.tills import Till

APPROVAL_KIND = "retro_credit"


class RetroCreditPolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For how many days after the sale, how large a one, and how many within 24 hours one clerk credits alone.

    A clerk whom the register only named credits no larger one than `unproven_alone_fen`.
    """

    NAME: ClassVar[str] = "retro_credit"

    within_days: Annotated[int, Meta(ge=0, le=366)] = 7
    alone_fen: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 50_000
    unproven_alone_fen: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 10_000
    alone_a_day: Annotated[int, Meta(ge=0, le=1_000)] = 5

    def most_alone_fen(self, *, proven: bool) -> int:
        """The largest receipt that is credited without a second person."""
        return self.alone_fen if proven else min(self.alone_fen, self.unproven_alone_fen)


class SaleHasMember(Conflict):
    """The sale is a member's, this one's or another's."""

    code = "sale_has_member"


class RetroCreditTooLate(Conflict):
    """Data: `until`, the last day on which it was possible."""

    code = "retro_credit_too_late"


class NothingToCredit(Conflict):
    """All of the sale has been refunded."""

    code = "nothing_to_credit"


def credit_sale(
    *, till: Till, sale_id: str, ticket: str, request: idempotency.Request, now: datetime
) -> Credited:
    """Give a sale of the till's store its member, who earns for what has not been refunded.

    The same key gives the same answer again. Raises `NotFound`, `Forbidden` without a clerk who may, `SaleHasMember`,
    `NothingToCredit`, `RetroCreditTooLate`, `TicketUnknown`, `TicketEarnsOnly`, `TicketExpired`, `TicketUsed`,
    `KeyReused`, `Busy`; then nothing happened.
    """
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, Credited)
            if former is not None:
                return former
            answer = _credit(session, till, sale_id, ticket, now)
            idempotency.remember(session, request, answer, now)
            return answer
    except IntegrityError as error:
        if _constraint(error) == "uq_sale_credits_ticket_id":
            raise TicketUsed from error
        raise


def _credit(session: Session, till: Till, sale_id: str, ticket: str, now: datetime) -> Credited:
    till, staff_id = named_clerk(session, till)
    now = after_the_last(session, till.terminal_id, now)
    sale = _locked_sale(session, sale_id, till.store_id)
    policy = policies.in_force(session, RetroCreditPolicy).value
    lines = _creditable(session, sale)
    until = sale.business_date + timedelta(days=policy.within_days)
    if business_date(now, till.time_zone) > until:
        raise RetroCreditTooLate(until=until)
    member = present(session, till, ticket, now)
    credit = SaleCredit(
        id=new_id(now),
        sale_id=sale.id,
        member_id=member.member_id,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        staff_id=staff_id,
        ticket_id=ticket,
        state="waiting",
        amount_fen=sum(line.amount_fen for line in lines),
        alone_fen=policy.most_alone_fen(proven=till.proven),
        alone_a_day=policy.alone_a_day,
        created_at=now,
    )
    if _may_alone(session, credit, now):
        return write_down(session, credit, sale, lines, till.time_zone, now=now)
    return _ask(session, credit, sale, member.member_no, proven=till.proven, now=now)


def _locked_sale(session: Session, sale_id: str, store_id: int) -> Sale:
    """Refunds and credits of a sale come one after the other; other stores' sales are not there."""
    sale = session.execute(
        select(Sale).where(Sale.id == sale_id, Sale.store_id == store_id).with_for_update()
    ).scalar_one_or_none()
    if sale is None:
        raise NotFound
    return sale


def _creditable(session: Session, sale: Sale) -> list[LeftLine]:
    if sale.member_id is not None:
        raise SaleHasMember
    lines = left_of(session, sale.id)
    if all(line.gone for line in lines):
        raise NothingToCredit
    return lines


_ALONE = text("""
    SELECT count(*) FROM sale_credits
    WHERE staff_id = :staff_id AND approval_id IS NULL AND created_at > :since""")


def _may_alone(session: Session, credit: SaleCredit, now: datetime) -> bool:
    if credit.amount_fen > credit.alone_fen:
        return False
    one_at_a_time(session, credit.staff_id)
    values = {"staff_id": credit.staff_id, "since": now - timedelta(hours=24)}
    return int(session.execute(_ALONE, values).scalar_one()) < credit.alone_a_day


def _ask(
    session: Session, credit: SaleCredit, sale: Sale, member_no: str, *, proven: bool, now: datetime
) -> Credited:
    credit.approval_id = second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject=credit.id,
        details={
            "sale_id": sale.id,
            "receipt_no": sale.receipt_no,
            "sold_on": sale.business_date.isoformat(),
            "amount_fen": credit.amount_fen,
            "member_no": member_no,
        },
        store_id=credit.store_id,
        staff_id=credit.staff_id,
        now=now,
        proven=proven,
    )
    session.add(credit)
    session.flush()
    return Credited(
        credit_id=credit.id,
        sale_id=sale.id,
        receipt_no=sale.receipt_no,
        state="pending",
        approval_id=credit.approval_id,
        amount_fen=credit.amount_fen,
    )


def carry_out(session: Session, approved: second_person.Approved, now: datetime) -> None:
    """Credit what a second person has agreed to; the days are those of the asking.

    Raises `ApprovalOutdated` when the sale has got a member or a refund since, the member is not active, the store has
    closed, or the clerk may not sell any more.
    """
    credit = session.execute(select(SaleCredit).where(SaleCredit.id == approved.subject)).scalar_one()
    store = session.execute(select(Store).where(Store.id == credit.store_id)).scalar_one()
    now = after_the_last(session, credit.terminal_id, now)
    sale = _locked_sale(session, credit.sale_id, credit.store_id)
    try:
        lines = _creditable(session, sale)
    except (SaleHasMember, NothingToCredit) as error:
        raise second_person.ApprovalOutdated from error
    if sum(line.amount_fen for line in lines) != credit.amount_fen or store.status != "open":
        raise second_person.ApprovalOutdated
    active = hold(session, credit.member_id) == "active"
    if not active or not may_still(session, approved.requested_by, SELL, credit.store_id):
        raise second_person.ApprovalOutdated
    write_down(session, credit, sale, lines, store.time_zone, now=now)


def _constraint(error: IntegrityError) -> str | None:
    return getattr(getattr(error.orig, "diag", None), "constraint_name", None)
