"""A top-up at the till: the clerk took the money, principal, bonus and points go into the books at once.

Above what a clerk may take in alone (policy `stored_value`) it waits until a second person has agreed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency, policies
from app.approvals import second_person
from app.checkout.find_by_phone import TicketEarnsOnly
from app.checkout.sale import ReceiptNumberUsed, TicketExpired, TicketUnknown, TicketUsed
from app.checkout.shift_time import after_the_last
from app.db import transaction
from app.errors import Invalid
from app.ids import new_id
from app.points.explain import Part
from app.pruning import always, in_batches
from app.staff.clerks import with_named_clerk
from app.staff.roles import SELL
from app.staff.sign_in import may_still
from app.stored_value import coupons, limits
from app.stored_value.balance import held
from app.stored_value.credit import credit
from app.stored_value.models import TopUp
from app.stored_value.policy import StoredValuePolicy
from app.stores.models import Store
from app.stores.tills import Till

APPROVAL_KIND = "top_up"
#: How a clerk takes money in.
METHODS = ("cash", "card")


class ClerkNeeded(Invalid):
    """So much needs a second person, so the first one must be named. Data: `alone_fen`."""

    code = "clerk_needed"


@dataclass(frozen=True, kw_only=True)
class TakenIn:
    """What the clerk took in, as the till tells it. `offer_id` names the version of the offer that was shown."""

    amount_fen: int
    method: str
    receipt_no: str
    offer_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class ToppedUp:
    """`state` is `credited`, or `waiting` with the request that a second person must decide.

    `points` are the offer's, `points_earned` came by rules, and `earned` says by which. The others are what the
    member may spend afterwards, and the bonus that is released later. `coupons` came with it.
    """

    top_up_id: str
    state: str
    approval_id: str | None
    amount_fen: int
    bonus_fen: int
    points: int
    principal_after_fen: int
    bonus_after_fen: int
    bonus_to_come_fen: int
    points_earned: int = 0
    earned: tuple[Part, ...] = ()
    coupons: int = 0


def top_up(
    *, till: Till, ticket: str, taken: TakenIn, request: idempotency.Request, now: datetime
) -> ToppedUp:
    """Credit it, or ask a second person; the same key gives the same answer again.

    A ticket is good for one top-up, and for a sale besides. Raises `TicketUnknown`, `TicketExpired`, `TicketUsed`,
    `TicketEarnsOnly`, `ReceiptNumberUsed`, `BalanceLimit`, `TopUpAmount`, `OfferOutdated`, `OfferUsedUp`,
    `ClerkNeeded`, `KeyReused`, `Busy`, `Forbidden` for a clerk who may not sell there; then nothing happened.
    """
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, ToppedUp)
            if former is not None:
                return former
            till = with_named_clerk(session, till)
            now = after_the_last(session, till.terminal_id, now)
            answer = _top_up(session, till, ticket, taken, now)
            idempotency.remember(session, request, answer, now)
            return answer
    except IntegrityError as error:
        raise _refusal(error) from error


_TICKET = text("""
    SELECT k.member_id, k.expires_at, k.found_by, k.staff_id, m.member_no
    FROM scan_tickets k JOIN members m ON m.id = k.member_id
    WHERE k.id = :ticket AND k.terminal_id = :terminal_id""")


def _top_up(session: Session, till: Till, ticket: str, taken: TakenIn, now: datetime) -> ToppedUp:
    values = {"ticket": ticket, "terminal_id": till.terminal_id}
    scanned = session.execute(_TICKET, values).one_or_none()
    if scanned is None:
        raise TicketUnknown
    if scanned.staff_id is not None and scanned.staff_id != till.staff_id:
        raise TicketUnknown(reason="other_clerk")
    if scanned.found_by != "code":
        raise TicketEarnsOnly
    member = limits.lock(session, scanned.member_id)
    if scanned.expires_at <= now or member.status != "active":
        raise TicketExpired
    policy = policies.in_force(session, StoredValuePolicy)
    here = limits.standing(
        session, scanned.member_id, has_phone=member.has_phone, policy=policy.value, now=now
    )
    offer = limits.check(
        session,
        here,
        amount_fen=taken.amount_fen,
        offer_id=taken.offer_id,
        policy=policy.value,
        now=now,
    )
    ordered = TopUp(
        id=new_id(now),
        member_id=scanned.member_id,
        method=taken.method,
        state="waiting",
        amount_fen=taken.amount_fen,
        bonus_fen=0 if offer is None else offer.bonus_fen,
        points=0 if offer is None else offer.points,
        offer_id=taken.offer_id,
        policy_version=policy.version,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
        staff_id=till.staff_id,
        ticket_id=ticket,
        receipt_no=taken.receipt_no,
        created_at=now,
    )
    alone_fen = policy.value.alone_top_up_fen
    earned: tuple[Part, ...] = ()
    if alone_fen is not None and taken.amount_fen > alone_fen:
        ordered.approval_id = _ask(session, ordered, scanned.member_no, alone_fen, till, now)
        session.add(ordered)
        session.flush()
    else:
        earned = credit(session, ordered, time_zone=till.time_zone, now=now).parts
    return _answer(session, ordered, earned, now)


def _ask(session: Session, ordered: TopUp, member_no: str, alone_fen: int, till: Till, now: datetime) -> str:
    if ordered.staff_id is None or ordered.store_id is None:
        raise ClerkNeeded(alone_fen=alone_fen)
    return second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject=ordered.id,
        details={
            "member_no": member_no,
            "amount_fen": ordered.amount_fen,
            "bonus_fen": ordered.bonus_fen,
            "points": ordered.points,
            "method": ordered.method,
            "receipt_no": ordered.receipt_no,
        },
        store_id=ordered.store_id,
        staff_id=ordered.staff_id,
        now=now,
        proven=till.proven,
    )


def _answer(session: Session, ordered: TopUp, earned: tuple[Part, ...], now: datetime) -> ToppedUp:
    has = held(session, ordered.member_id, now=now)
    return ToppedUp(
        top_up_id=ordered.id,
        state=ordered.state,
        approval_id=ordered.approval_id,
        amount_fen=ordered.amount_fen,
        bonus_fen=ordered.bonus_fen,
        points=ordered.points,
        principal_after_fen=has.principal_fen,
        bonus_after_fen=has.bonus_fen,
        bonus_to_come_fen=has.bonus_to_come_fen,
        points_earned=sum(part.points for part in earned),
        earned=earned,
        coupons=0 if ordered.offer_id is None else coupons.given(session, ordered.id),
    )


def _refusal(error: IntegrityError) -> Exception:
    """The unique keys name what has been used before."""
    constraint = getattr(getattr(error.orig, "diag", None), "constraint_name", None)
    if constraint == "uq_top_ups_store_id_receipt_no":
        return ReceiptNumberUsed()
    if constraint == "uq_top_ups_ticket_id":
        return TicketUsed()
    return error


def close_refused(session: Session, top_up_id: str) -> None:
    """A second person has said no, or who asked has withdrawn it: nobody waits for it any more."""
    ordered = session.execute(
        select(TopUp).where(TopUp.id == top_up_id, TopUp.state == "waiting").with_for_update()
    ).scalar_one()
    ordered.state = "closed"


_CLOSE = text("""
    UPDATE top_ups SET state = 'closed' WHERE id IN (
        SELECT t.id FROM top_ups t JOIN approval_requests r ON r.id = t.approval_id
        WHERE t.state = 'waiting' AND (r.state IN ('rejected', 'withdrawn') OR
            (r.state = 'pending' AND r.expires_at <= :now))
        LIMIT :limit FOR UPDATE OF t SKIP LOCKED)
    RETURNING id""")
_BATCH = 200


def close_expired(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Close those whose time to be decided is over; how many. Safe in several workers at once, late, and twice."""

    def some(session: Session, most: int) -> int:
        return len(session.execute(_CLOSE, {"now": now, "limit": most}).all())

    return in_batches(some, most=_BATCH, keep_going=keep_going)


def carry_out(session: Session, approved: second_person.Approved, now: datetime) -> None:
    """Credit what a second person has agreed to, with the gift that was promised.

    Raises `ApprovalOutdated` when the member is not active, the store has closed or the clerk may not sell any more,
    and `BalanceLimit`.
    """
    asked = select(TopUp.member_id, TopUp.terminal_id).where(TopUp.id == approved.subject)
    subject, terminal_id = session.execute(asked).one()
    assert terminal_id is not None, "only a till asks"
    now = after_the_last(session, terminal_id, now)
    member = limits.lock(session, subject)
    ordered = session.execute(
        select(TopUp).where(TopUp.id == approved.subject, TopUp.state == "waiting").with_for_update()
    ).scalar_one()
    store = session.execute(select(Store).where(Store.id == ordered.store_id)).scalar_one()
    if member.status != "active" or store.status != "open":
        raise second_person.ApprovalOutdated
    if ordered.staff_id is None or not may_still(session, ordered.staff_id, SELL, store.id):
        raise second_person.ApprovalOutdated
    policy = policies.in_force(session, StoredValuePolicy).value
    session.flush()  # by now its own request is approved, and no longer counts as under way
    here = limits.standing(session, subject, has_phone=member.has_phone, policy=policy, now=now)
    limits.check_room(here, ordered.amount_fen)
    credit(session, ordered, time_zone=store.time_zone, now=now)
