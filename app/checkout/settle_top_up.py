"""How a top-up by WeChat Pay ends: paid and credited, or closed. WeChat Pay tells; when it does not, we ask.

Whoever comes first writes it down: the callback (often more than once), the sweeper, the member's own phone. The
order's row is locked before it is looked at, and the ledger takes each order once, for ever.
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
    PaymentMismatch,
    PaymentUnknown,
)
from app.clock import HOME_ZONE
from app.db import transaction
from app.providers.wechat_pay import CURRENCY, Payment, WechatPay
from app.pruning import always
from app.stored_value.credit import credit
from app.stored_value.models import TopUp

log = logging.getLogger(__name__)


def confirm(payment: Payment, *, now: datetime) -> None:
    """Credit what was paid, once, however often it is told; also for an order that we had given up: the money came.

    App and merchant were compared before (`app/providers/wechat_pay`); number, amount and currency are compared here.
    Raises `PaymentUnknown`, `PaymentMismatch`.
    """
    with transaction() as session:
        ordered = _locked(session, payment.out_trade_no)
        if ordered is None:
            log.error("wechat pay: a payment for an order that is not there")
            raise PaymentUnknown
        if (payment.amount_fen, payment.currency) != (ordered.amount_fen, CURRENCY):
            log.error("wechat pay: top-up %s was paid with another amount", ordered.id)
            raise PaymentMismatch
        if ordered.state == "credited":
            return
        ordered.transaction_id, ordered.paid_at = payment.transaction_id, payment.success_at
        # Written in one go with the books: nothing may be paid and not credited.
        with session.no_autoflush:
            credit(session, ordered, time_zone=HOME_ZONE, now=now)


def _locked(session: Session, number: str) -> TopUp | None:
    return session.execute(
        select(TopUp).where(TopUp.id == number, TopUp.method == "wechat_pay").with_for_update()
    ).scalar_one_or_none()


# Each is asked about by one worker at a time: whoever takes it says so with `asked_at`.
_TAKE = text("""
    UPDATE top_ups SET asked_at = :now WHERE id IN (
        SELECT id FROM top_ups WHERE state = 'created' AND created_at <= :lost
            AND (asked_at IS NULL OR asked_at <= :asked)
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, expires_at""")


class _TopUps:
    word = "top-up"

    def confirm(self, payment: Payment, *, now: datetime) -> None:
        confirm(payment, now=now)

    def closed(self, number: str, *, now: datetime) -> None:
        with transaction() as session:
            ordered = _locked(session, number)
            if ordered is not None and ordered.state == "created":
                ordered.state = "closed"

    def take(self, *, now: datetime) -> list[tuple[str, datetime]]:
        values = {"now": now, "lost": now - LOST_AFTER, "asked": now - ASK_AGAIN_AFTER, "limit": BATCH}
        with transaction() as session:
            return [(row.id, row.expires_at) for row in session.execute(_TAKE, values)]


TOP_UPS: wechat_orders.Orders = _TopUps()


def sweep(pay: WechatPay, *, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """As app/checkout/wechat_orders.py says, of top-ups."""
    return wechat_orders.sweep(pay, TOP_UPS, now=now, keep_going=keep_going)
