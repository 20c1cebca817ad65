"""Money that WeChat Pay took for an exchange and that is to go back: asked for until it is paid.

The number is the exchange's own, the same at every try, and nobody asks twice at once, so the money goes once. What
WeChat Pay refuses is asked for again, more and more seldom, and stands in the log until somebody has put it right.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select, text

from app.checkout.settle_exchange import locked_with_payment
from app.checkout.wechat_orders import BATCH, PaymentMismatch
from app.checkout.wechat_refunds import Asking, settle
from app.db import Busy, transaction
from app.engagement.rewards.payment_models import RewardPayment
from app.providers.wechat_pay import RefundResult, RefundState, WechatPay
from app.pruning import always

log = logging.getLogger(__name__)

#: What the payer reads in WeChat.
_REASON = "积分换购取消退款"

# Whoever takes it says so with `asked_at`, and has a minute, which is longer than all its calls may take.
_TAKE = text("""
    UPDATE reward_payments SET asked_at = :now WHERE order_id IN (
        SELECT order_id FROM reward_payments
        WHERE state = 'refunding' AND (asked_at IS NULL OR asked_at <= CAST(:now AS timestamptz)
            - least(greatest(interval '1 minute', (asked_at - refund_asked_at) / 4), interval '1 hour'))
        ORDER BY refund_asked_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING order_id, amount_fen, accepted""")


def sweep(pay: WechatPay, *, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Ask WeChat Pay to pay back what is to go back; of how many it said how they stand.

    Safe in several workers at once, late, and twice.
    """
    with transaction() as session:
        taken = session.execute(_TAKE, {"now": now, "limit": BATCH}).all()
    settled = 0
    for row in taken:
        if not keep_going():
            break
        settled += _settle(pay, row, now)
    return settled


def _settle(pay: WechatPay, row: Any, now: datetime) -> bool:
    asking = Asking(
        number=row.order_id,
        refund_no=row.order_id,
        amount_fen=row.amount_fen,
        total_fen=row.amount_fen,
        accepted=row.accepted,
        reason=_REASON,
        word="exchange refund",
    )
    try:
        return settle(pay, asking, tell=partial(told, now=now), note=partial(_note, row.order_id))
    except (PaymentMismatch, Busy) as error:
        log.warning("exchange refund %s: %s", row.order_id, error.code)
        return False


def _note(order_id: str, trouble: str) -> None:
    with transaction() as session:
        wanted = select(RewardPayment).where(RewardPayment.order_id == order_id).with_for_update()
        kept = session.execute(wanted).scalar_one()
        if kept.state == "refunding":
            kept.trouble = trouble


def told(result: RefundResult, *, now: datetime) -> None:
    """Write down what WeChat Pay says of a refund, however often. Raises `PaymentUnknown`, `PaymentMismatch`."""
    with transaction() as session:
        order, kept = locked_with_payment(session, result.out_refund_no)
        ours = (order.id, kept.amount_fen, kept.amount_fen)
        if (result.out_trade_no, result.amount_fen, result.total_fen) != ours:
            log.error("wechat pay: exchange refund %s is told with another amount", order.id)
            raise PaymentMismatch
        if kept.state != "refunding":
            return
        kept.accepted, kept.trouble = True, None
        if result.state is RefundState.SUCCESS:
            kept.state, kept.refunded_at = "refunded", result.success_at or now
        elif result.state in (RefundState.CLOSED, RefundState.ABNORMAL):
            log.error("wechat pay: exchange refund %s is %s, see the console", order.id, result.state.value)
            kept.trouble = result.state.value.lower()
