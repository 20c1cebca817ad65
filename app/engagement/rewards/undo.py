"""An exchange is undone: what was paid goes back into the very lots it came from, and the item to where it was."""

from datetime import datetime
from typing import Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import policies
from app.clock import HOME_ZONE
from app.engagement.purse import pay_back
from app.engagement.rewards import gives, stock
from app.engagement.rewards.exchange import thing_of
from app.engagement.rewards.hand_over import RewardOrderOver
from app.engagement.rewards.items import reward_at
from app.engagement.rewards.models import RewardOrder
from app.engagement.rewards.policy import RewardPolicy
from app.errors import Conflict
from app.facts.tell import tell
from app.ledger.post import lock_accounts

Reason = Literal["member", "staff", "expired", "unpaid", "failed"]


class RewardUsed(Conflict):
    """What was given has been used, handed on, or has ended: it cannot come back."""

    code = "reward_used"


_MONEY_BACK = text("""
    UPDATE reward_payments SET state = 'refunding', refund_asked_at = :now, asked_at = NULL
    WHERE order_id = :order_id AND state = 'paid'""")
_ZONE = text("SELECT time_zone FROM stores WHERE id = :store_id")


def undo(
    session: Session, order: RewardOrder, *, reason: Reason, staff_id: int | None, now: datetime
) -> None:
    """Undo an exchange that the caller has locked; what WeChat Pay took for it is to go back. One that is `pending` is
    undone only once nobody can pay it any more: `unpaid`, or as `failed` what was paid and cannot be given.

    Raises `RewardOrderOver`, `RewardUsed`.
    """
    unpaid = order.state == "pending" and reason in ("unpaid", "failed")
    if not unpaid and order.state not in ("ready", "given"):
        raise RewardOrderOver(state=order.state)
    reward = reward_at(session, order.item_id, order.item_version)
    given = gives.Exchange(
        order_id=order.id, member_id=order.member_id, gives_id=reward.gives_id, now=now, staff_id=staff_id
    )
    if not unpaid and not gives.KINDS[reward.kind].take_back(session, given):
        raise RewardUsed
    lock_accounts(session, order.member_id)
    _pay_back(session, order, staff_id, now)
    order.state, order.cancelled_at, order.cancelled_for = "cancelled", now, reason
    order.cancelled_by = staff_id
    session.flush()
    if order.wechat_fen:
        session.execute(_MONEY_BACK, {"order_id": order.id, "now": now})
    payload = {
        "item_id": order.item_id,
        "name_zh": reward.name_zh,
        "name_en": reward.name_en,
        "points": order.points,
        "stored_fen": order.principal_fen + order.bonus_fen,
        "wechat_fen": order.wechat_fen,
        "reason": reason,
    }
    tell(session, "reward_cancelled", subject=order.id, member_id=order.member_id, payload=payload, now=now)
    stock.INVENTORY.put_back(session, item_id=order.item_id, store_id=order.store_id)


def _pay_back(session: Session, order: RewardOrder, staff_id: int | None, now: datetime) -> None:
    zone = HOME_ZONE
    if order.store_id is not None:
        zone = session.execute(_ZONE, {"store_id": order.store_id}).scalar_one()
    grace_days = policies.in_force(session, RewardPolicy).value.grace_days
    pay_back(session, thing_of(order, zone), grace_days=grace_days, staff_id=staff_id, now=now)
