"""Rewards at the till: the member's code is scanned, and what waits here for them is handed over.

The code is the member's own, not one of the exchange: it rotates and opens one scan, so a photograph of it, or of an
order, fetches nothing, and no clerk has to tell one kind of code from another (docs/rewards.md).
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import idempotency
from app.checkout.find_by_phone import TicketEarnsOnly
from app.checkout.sale import TicketExpired, TicketUnknown
from app.db import transaction
from app.engagement.rewards import hand_over, orders
from app.engagement.rewards.orders import Order
from app.staff.clerks import named_clerk, with_named_clerk
from app.stores.tills import Till


def waiting(*, till: Till, ticket: str, limit: int, before: str | None, now: datetime) -> list[Order]:
    """What the member of the ticket may pick up in this store.

    Raises `TicketUnknown`, `TicketExpired`, `TicketEarnsOnly`, `Forbidden` for a clerk who may not sell here.
    """
    with transaction() as session:
        member_id = _member(session, with_named_clerk(session, till), ticket, now)
        return orders.waiting(
            session, member_id=member_id, store_id=till.store_id, limit=limit, before=before, now=now
        )


def pick_up(*, till: Till, ticket: str, order_id: str, request: idempotency.Request, now: datetime) -> Order:
    """Write down that the clerk hands it over; the same key gives the same answer again.

    Raises `NotFound` for what does not wait here for this member, `RewardOrderOver`, `TicketUnknown`, `TicketExpired`,
    `TicketEarnsOnly`, `Forbidden` without a clerk who may, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Order)
        if former is not None:
            return former
        till, staff_id = named_clerk(session, till)
        member_id = _member(session, till, ticket, now)
        hand_over.hand_over(
            session, order_id=order_id, member_id=member_id, till=till, staff_id=staff_id, now=now
        )
        answer = orders.show(session, order_id, now=now)
        idempotency.remember(session, request, answer, now)
        return answer


# The member's row is only shared: a withdrawal under way is waited for, a later one waits.
_TICKET = text("""
    SELECT k.member_id, k.expires_at, k.found_by, k.staff_id, m.status
    FROM scan_tickets k JOIN members m ON m.id = k.member_id
    WHERE k.id = :ticket AND k.terminal_id = :terminal_id
    FOR SHARE OF m""")


def _member(session: Session, till: Till, ticket: str, now: datetime) -> int:
    values = {"ticket": ticket, "terminal_id": till.terminal_id}
    scanned = session.execute(_TICKET, values).one_or_none()
    if scanned is None:
        raise TicketUnknown
    if scanned.staff_id is not None and scanned.staff_id != till.staff_id:
        raise TicketUnknown(reason="other_clerk")
    if scanned.found_by != "code":
        raise TicketEarnsOnly
    if scanned.expires_at <= now or scanned.status != "active":
        raise TicketExpired
    return int(scanned.member_id)
