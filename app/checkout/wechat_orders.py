"""Orders that WeChat Pay takes money for, of whatever kind: opened there, asked about, closed.

Each kind says what it means that one was paid, or that nobody can pay it any more; it also says so whoever is first:
the callback, the sweeper, or the member's own phone. No transaction is open while WeChat Pay is asked.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Busy
from app.errors import Conflict, Unavailable
from app.errors import NotFound as NothingThere
from app.identity.models import WECHAT_MINI
from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat_pay import ClientParams, NoPayment, Payment, TradeState, WechatPay
from app.providers.wechat_pay import errors as wechat_pay_errors
from app.providers.wechat_pay.errors import NotFound, OrderPaid, PaymentUnderWay
from app.pruning import always

log = logging.getLogger(__name__)

#: A callback comes within seconds; after this it may be lost, and we ask.
LOST_AFTER = timedelta(minutes=1)
ASK_AGAIN_AFTER = timedelta(minutes=1)
BATCH = 20
#: WeChat Pay's clock and ours: so long after its end nobody is paying an order any more.
_GRACE = timedelta(minutes=1)
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


class PaymentNotOffered(Unavailable):
    """WeChat Pay is not set up."""

    code = "payment_not_offered"


class PaymentUnavailable(Unavailable):
    """WeChat Pay does not answer, or will not open the order; nothing was paid. Repeat with the same key."""

    code = "payment_unavailable"


class NoWechatIdentity(Conflict):
    """The member did not come through the mini-program, so WeChat Pay would not know who pays."""

    code = "no_wechat_identity"


class OrderClosed(Conflict):
    """The order of this key is paid or over: make another with a new key."""

    code = "order_closed"


class Orders(Protocol):
    """Orders of one kind; `word` names one in the log."""

    word: str

    def confirm(self, payment: Payment, *, now: datetime) -> None:
        """It was paid: write that down once, however often it is told. Raises `PaymentUnknown`, `PaymentMismatch`."""

    def closed(self, number: str, *, now: datetime) -> None:
        """Nobody can pay it any more; nothing if it was paid or closed before."""

    def take(self, *, now: datetime) -> list[tuple[str, datetime]]:
        """Number and end of those to be asked about now, which nobody else asks about for a minute."""


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What WeChat Pay is asked to take. The payer reads `description`."""

    number: str
    amount_fen: int
    description: str
    openid: str
    expires_at: datetime


def prepay(
    pay: WechatPay, orders: Orders, wanted: Wanted, *, still_open: Callable[[], bool], now: datetime
) -> ClientParams:
    """Open it there, as often as wanted; what the phone needs. Raises `OrderClosed`, `PaymentUnavailable`."""
    try:
        prepay_id = pay.prepay(
            out_trade_no=wanted.number,
            amount_fen=wanted.amount_fen,
            description=wanted.description,
            openid=wanted.openid,
            expires_at=wanted.expires_at,
        )
    except (wechat_pay_errors.OrderNumberUsed, wechat_pay_errors.OrderClosed):
        # Paid, and the callback is still to come; or over.
        settle(pay, orders, wanted.number, now=now, close=False)
        raise OrderClosed from None
    except (ProviderRefused, ProviderUnavailable) as error:
        raise PaymentUnavailable(retry_after_s=5) from error
    if not still_open():
        # It was given up while this was on its way: what nobody may pay any more is closed there too.
        settle(pay, orders, wanted.number, now=now, close=True)
        raise OrderClosed
    return pay.client_params(prepay_id, now)


_OPENID = text("""
    SELECT subject FROM member_identities
    WHERE member_id = :member_id AND provider = :provider AND app_id = :app_id ORDER BY id LIMIT 1""")


def openid_of(session: Session, member_id: int, app_id: str | None) -> str:
    """As whom WeChat Pay knows the member. Raises `NoWechatIdentity`."""
    asked = {"member_id": member_id, "provider": WECHAT_MINI, "app_id": app_id or ""}
    openid = session.execute(_OPENID, asked).scalar_one_or_none()
    if openid is None:
        raise NoWechatIdentity
    return str(openid)


def settle(pay: WechatPay, orders: Orders, number: str, *, now: datetime, close: bool) -> None:
    """Ask WeChat Pay how an order stands and write it down; with `close`, nobody can pay it afterwards.

    Raises `PaymentPending` when WeChat Pay does not answer or somebody is paying at this moment: then the order is as
    it was.
    """
    try:
        if close:
            _close(pay, orders, number, now)
        else:
            _look(pay, orders, number, now)
    except (PaymentUnderWay, ProviderUnavailable) as error:
        raise PaymentPending(retry_after_s=5) from error
    except ProviderRefused as error:
        log.error("wechat pay: %s %s cannot be settled: %s", orders.word, number, error)
        raise PaymentPending(retry_after_s=60) from error


def _close(pay: WechatPay, orders: Orders, number: str, now: datetime) -> None:
    try:
        pay.close(number)
    except OrderPaid:
        _look(pay, orders, number, now)
        return
    except NotFound:
        pass  # it never got there
    orders.closed(number, now=now)


def _look(pay: WechatPay, orders: Orders, number: str, now: datetime) -> None:
    try:
        found: Payment | NoPayment = pay.query(number)
    except NotFound:
        return
    if isinstance(found, Payment):
        orders.confirm(found, now=now)
    elif found.state in _OVER:
        if found.state is TradeState.REFUND:
            log.error("wechat pay: %s %s was paid back before it was credited", orders.word, number)
        orders.closed(number, now=now)


def sweep(pay: WechatPay, orders: Orders, *, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Ask about orders whose callback has not come, close those whose time is over; how many were settled.

    Safe in several workers at once, late, and twice. What WeChat Pay does not answer is asked again a minute later.
    """
    settled = 0
    for number, expires_at in orders.take(now=now):
        if not keep_going():
            break
        try:
            settle(pay, orders, number, now=now, close=expires_at + _GRACE <= now)
            settled += 1
        except (PaymentPending, PaymentMismatch, Busy) as error:
            log.warning("%s %s: %s", orders.word, number, error.code)
    return settled
