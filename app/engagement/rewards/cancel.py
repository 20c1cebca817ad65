"""Who gives an exchange up: the member, the staff, or nobody came for it in time."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial

from sqlalchemy import text

from app import audit, idempotency, policies
from app.db import transaction
from app.engagement.ending import end_each
from app.engagement.rewards import orders
from app.engagement.rewards.hand_over import RewardOrderOver, locked
from app.engagement.rewards.orders import Order, undo_until
from app.engagement.rewards.policy import RewardPolicy
from app.engagement.rewards.undo import undo
from app.errors import Conflict, NotFound
from app.pruning import always


class RewardTooLate(Conflict):
    """The member's own time to hand back what was given is over. Data: `until`."""

    code = "reward_too_late"


def by_member(*, member_id: int, order_id: str, request: idempotency.Request, now: datetime) -> Order:
    """The member gives it up; the same key gives the same answer again.

    Raises `NotFound`, `RewardOrderOver`, `RewardTooLate`, `RewardUsed`, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Order)
        if former is not None:
            return former
        order = locked(session, order_id, member_id=member_id, store_id=None)
        policy = policies.in_force(session, RewardPolicy).value
        until = undo_until(order.state, order.ordered_at, order.collect_by, policy)
        if order.state == "given" and until is not None and until <= now:
            raise RewardTooLate(until=until)
        undo(session, order, reason="member", staff_id=None, now=now)
        answer = orders.show(session, order_id, now=now)
        idempotency.remember(session, request, answer, now)
        return answer


def by_staff(
    *,
    order_id: str,
    stores: Collection[int] | None,
    staff_id: int,
    note: str,
    request: idempotency.Request,
    now: datetime,
) -> Order:
    """Staff give it up for the member; `stores`: where they may (None: everywhere), elsewhere it is not found.

    Raises `NotFound`, `RewardOrderOver`, `RewardUsed`, `KeyReused`, `Busy`.
    """
    with transaction() as session:
        former = idempotency.claim(session, request, Order)
        if former is not None:
            return former
        order = locked(session, order_id, member_id=None, store_id=None)
        if stores is not None and order.store_id not in stores:
            raise NotFound
        undo(session, order, reason="staff", staff_id=staff_id, now=now)
        actor = audit.Actor(type="staff", id=staff_id)
        audit.record(
            session,
            actor,
            "reward.cancel",
            "reward_order",
            order_id,
            now=now,
            store_id=order.store_id,
            note=note,
        )
        answer = orders.show(session, order_id, now=now)
        idempotency.remember(session, request, answer, now)
        return answer


_DUE = text("""
    SELECT id FROM reward_orders WHERE state = 'ready' AND collect_by <= :now AND id > :after
    ORDER BY id LIMIT :limit""")


def expire(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Undo what nobody has picked up in time; how many."""
    return end_each(_DUE, partial(_expire, now=now), now=now, keep_going=keep_going)


def _expire(order_id: str, *, now: datetime) -> bool:
    """Whoever was faster, a member who gives up or another worker, has done it already."""
    with transaction() as session:
        order = locked(session, order_id, member_id=None, store_id=None)
        try:
            undo(session, order, reason="expired", staff_id=None, now=now)
        except RewardOrderOver:
            return False
    return True
