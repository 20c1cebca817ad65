"""How a top-up by WeChat Pay ends: paid and credited, or closed. WeChat Pay tells; when it does not, we ask.

Whoever comes first writes it down: the callback (often more than once), the sweeper, the member's own phone. The
order's row is locked before it is looked at, and the ledger takes each order once, for ever.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE
from app.db import Busy, transaction
from app.errors import Conflict, Unavailable
from app.errors import NotFound as NothingThere
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat_pay import CURRENCY, NoPayment, Payment, TradeState, WechatPay
from app.providers.wechat_pay.errors import NotFound, OrderPaid, PaymentUnderWay
from app.pruning import always
from app.stored_value.credit import credit
from app.stored_value.models import TopUp

log = logging.getLogger(__name__)

#: A callback comes within seconds; after this it may be lost, and we ask.
_LOST_AFTER = timedelta(minutes=1)
_ASK_AGAIN_AFTER = timedelta(minutes=1)
#: WeChat Pay's clock and ours: so long after its end nobody is paying an order any more.
_GRACE = timedelta(minutes=1)
_BATCH = 20
_OVER = frozenset({TradeState.CLOSED, TradeState.REVOKED, TradeState.REFUND})


class PaymentUnknown(NothingThere):
    """WeChat Pay tells of an order that is not ours."""

    code = "payment_unknown"


class PaymentMismatch(Conflict):
    """Another amount or currency than was ordered was paid: nothing is credited, somebody has to look."""

    code = "payment_mismatch"


class PaymentPending(Unavailable):
    """WeChat Pay does not say yet how the order stands."""

    code = "payment_pending"


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


def settle(pay: WechatPay, number: str, *, now: datetime, close: bool) -> None:
    """Ask WeChat Pay how an order stands and write it down; with `close`, nobody can pay it afterwards.

    Raises `PaymentPending` when WeChat Pay does not answer or somebody is paying at this moment: then the order is as
    it was.
    """
    try:
        if close:
            _close(pay, number, now)
        else:
            _look(pay, number, now)
    except (PaymentUnderWay, ProviderUnavailable) as error:
        raise PaymentPending(retry_after_s=5) from error
    except ProviderRefused as error:
        log.error("wechat pay: top-up %s cannot be settled: %s", number, error)
        raise PaymentPending(retry_after_s=60) from error


def _close(pay: WechatPay, number: str, now: datetime) -> None:
    try:
        pay.close(number)
    except OrderPaid:
        _look(pay, number, now)
        return
    except NotFound:
        pass  # it never got there
    _write_closed(number)


def _look(pay: WechatPay, number: str, now: datetime) -> None:
    try:
        found: Payment | NoPayment = pay.query(number)
    except NotFound:
        return
    if isinstance(found, Payment):
        confirm(found, now=now)
    elif found.state in _OVER:
        if found.state is TradeState.REFUND:
            log.error("wechat pay: top-up %s was paid back before it was credited", number)
        _write_closed(number)


def _write_closed(number: str) -> None:
    with transaction() as session:
        ordered = _locked(session, number)
        if ordered is not None and ordered.state == "created":
            ordered.state = "closed"


# Each is asked about by one worker at a time: whoever takes it says so with `asked_at`.
_TAKE = text("""
    UPDATE top_ups SET asked_at = :now WHERE id IN (
        SELECT id FROM top_ups WHERE state = 'created' AND created_at <= :lost
            AND (asked_at IS NULL OR asked_at <= :asked)
        ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED)
    RETURNING id, expires_at""")


def sweep(pay: WechatPay, *, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Ask about orders whose callback has not come, close those whose time is over; how many were settled.

    Safe in several workers at once, late, and twice. What WeChat Pay does not answer is asked again a minute later.
    """
    settled = 0
    with transaction() as session:
        values = {
            "now": now,
            "lost": now - _LOST_AFTER,
            "asked": now - _ASK_AGAIN_AFTER,
            "limit": _BATCH,
        }
        taken = session.execute(_TAKE, values).all()
    for row in taken:
        if not keep_going():
            break
        try:
            settle(pay, row.id, now=now, close=row.expires_at + _GRACE <= now)
            settled += 1
        except (PaymentPending, PaymentMismatch, Busy) as error:
            log.warning("top-up %s: %s", row.id, error.code)
    return settled
