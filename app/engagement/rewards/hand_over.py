"""Handing goods over: once, in the store where they wait, to the member whose code was scanned there."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.engagement.rewards.models import RewardOrder
from app.errors import Conflict, NotFound
from app.facts.tell import tell
from app.stores.tills import Till


class RewardOrderOver(Conflict):
    """It was handed over, given up, or its time is over. Data: `state`; `expired` before it is cancelled for that."""

    code = "reward_order_over"


def locked(session: Session, order_id: str, *, member_id: int | None, store_id: int | None) -> RewardOrder:
    """The exchange, of that member and in that store where these are given; one move after the other.

    Raises `NotFound`.
    """
    wanted = select(RewardOrder).where(RewardOrder.id == order_id).with_for_update()
    if member_id is not None:
        wanted = wanted.where(RewardOrder.member_id == member_id)
    if store_id is not None:
        wanted = wanted.where(RewardOrder.store_id == store_id)
    order = session.execute(wanted).scalar_one_or_none()
    if order is None:
        raise NotFound
    return order


def hand_over(
    session: Session, *, order_id: str, member_id: int, till: Till, staff_id: int, now: datetime
) -> None:
    """The clerk has handed it over. Raises `NotFound` for what is not theirs here, `RewardOrderOver`."""
    order = locked(session, order_id, member_id=member_id, store_id=till.store_id)
    if order.state != "ready":
        raise RewardOrderOver(state=order.state)
    if order.collect_by is None or order.collect_by <= now:
        raise RewardOrderOver(state="expired")
    order.state, order.handed_over_at = "handed_over", now
    order.handed_over_by, order.terminal_id = staff_id, till.terminal_id
    session.flush()
    actor = audit.Actor(type="staff", id=staff_id)
    audit.record(
        session, actor, "reward.hand_over", "reward_order", order_id, now=now, store_id=till.store_id
    )
    payload = {"item_id": order.item_id, "store_id": order.store_id}
    tell(session, "reward_handed_over", subject=order_id, member_id=member_id, payload=payload, now=now)
