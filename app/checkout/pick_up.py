"""Rewards at the till: the member's code is scanned, and what waits here for them is handed over.

The code is the member's own, not one of the exchange: it rotates and opens one scan, so a photograph of it, or of an
order, fetches nothing, and no clerk has to tell one kind of code from another (docs/rewards.md).
"""

from datetime import datetime

from app import idempotency
from app.checkout.ticket import present
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
        member_id = present(session, with_named_clerk(session, till), ticket, now).member_id
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
        member_id = present(session, till, ticket, now).member_id
        hand_over.hand_over(
            session, order_id=order_id, member_id=member_id, till=till, staff_id=staff_id, now=now
        )
        answer = orders.show(session, order_id, now=now)
        idempotency.remember(session, request, answer, now)
        return answer
