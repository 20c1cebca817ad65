"""How the money part of an exchange ends at WeChat Pay: paid, and the exchange is complete; or closed, and all is back.

The exchange's row is locked first, then its payment, as everywhere in the mall.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.checkout import wechat_orders
from app.checkout.wechat_orders import (
    ASK_AGAIN_AFTER,
    BATCH,
    LOST_AFTER,
    OrderClosed,
    PaymentMismatch,
    PaymentUnknown,
)
from app.db import reading, transaction
from app.engagement.rewards import gives
from app.engagement.rewards.exchange import complete, paid_state
from app.engagement.rewards.hand_over import locked
from app.engagement.rewards.items import reward_at
from app.engagement.rewards.models import RewardOrder
from app.engagement.rewards.payment_models import RewardPayment
from app.engagement.rewards.undo import undo
from app.errors import Conflict, NotFound
from app.members.hold import hold
from app.providers.wechat_pay import CURRENCY, Payment, WechatPay
from app.pruning import always

log = logging.getLogger(__name__)


def is_ours(number: str) -> bool:
    """Whether it is the number of an exchange."""
    with reading() as connection:
        found = select(RewardPayment.order_id).where(RewardPayment.order_id == number)
        return connection.execute(found).one_or_none() is not None


def confirm(payment: Payment, *, now: datetime) -> None:
    """Complete what was paid, once. What cannot be given any more goes back, and so does money that came for an
    exchange that we had given up. Raises `PaymentUnknown`, `PaymentMismatch`, `Busy`."""
    with transaction() as session:
        order, kept = locked_with_payment(session, payment.out_trade_no)
        if (payment.amount_fen, payment.currency) != (kept.amount_fen, CURRENCY):
            log.error("wechat pay: exchange %s was paid with another amount", order.id)
            raise PaymentMismatch
        if kept.transaction_id is not None:
            return
        kept.transaction_id, kept.paid_at = payment.transaction_id, payment.success_at
        kept.state = "paid"
        if order.state == "pending":
            _complete(session, order, now)
        else:
            log.warning(
                "wechat pay: exchange %s was paid after it was given up: the money goes back", order.id
            )
            kept.state, kept.refund_asked_at, kept.asked_at = "refunding", now, None


def locked_with_payment(session: Session, number: str) -> tuple[RewardOrder, RewardPayment]:
    """Raises `PaymentUnknown`."""
    try:
        order = locked(session, number, member_id=None, store_id=None)
    except NotFound:
        raise PaymentUnknown from None
    wanted = select(RewardPayment).where(RewardPayment.order_id == number).with_for_update()
    kept = session.execute(wanted).scalar_one_or_none()
    if kept is None:
        raise PaymentUnknown
    return order, kept


def _complete(session: Session, order: RewardOrder, now: datetime) -> None:
    reward = reward_at(session, order.item_id, order.item_version)
    kind = gives.KINDS[reward.kind]
    given = gives.Exchange(order_id=order.id, member_id=order.member_id, gives_id=reward.gives_id, now=now)
    session.flush()
    try:
        with session.begin_nested():
            _check_member(session, order.member_id)
            kind.take_place(session, given)
            complete(session, order, kind, given)
    except Conflict as error:
        # It has ended or is used up, or the member has left or has had enough of it meanwhile.
        log.warning("exchange %s cannot be given: %s", order.id, error.code)
        undo(session, order, reason="failed", staff_id=None, now=now)
    else:
        order.state = paid_state(order.store_id)


def _check_member(session: Session, member_id: int) -> None:
    """Raises `OrderClosed` for somebody who has taken consent back."""
    if hold(session, member_id) != "active":
        raise OrderClosed


_TAKE = text("""
    UPDATE reward_payments SET asked_at = :now WHERE order_id IN (
        SELECT order_id FROM reward_payments WHERE state = 'created' AND created_at <= :lost
            AND (asked_at IS NULL OR asked_at <= :asked)
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING order_id, expires_at""")


class _Exchanges:
    word = "exchange"

    def confirm(self, payment: Payment, *, now: datetime) -> None:
        confirm(payment, now=now)

    def closed(self, number: str, *, now: datetime) -> None:
        with transaction() as session:
            order, kept = locked_with_payment(session, number)
            if kept.state == "created":
                kept.state = "closed"
                session.flush()
                undo(session, order, reason="unpaid", staff_id=None, now=now)

    def take(self, *, now: datetime) -> list[tuple[str, datetime]]:
        values = {"now": now, "lost": now - LOST_AFTER, "asked": now - ASK_AGAIN_AFTER, "limit": BATCH}
        with transaction() as session:
            return [(row.order_id, row.expires_at) for row in session.execute(_TAKE, values)]


EXCHANGES: wechat_orders.Orders = _Exchanges()


def sweep(pay: WechatPay, *, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """As app/checkout/wechat_orders.py says, of exchanges."""
    return wechat_orders.sweep(pay, EXCHANGES, now=now, keep_going=keep_going)
