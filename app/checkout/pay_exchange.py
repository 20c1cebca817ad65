"""Paying the money part of an exchange by WeChat Pay, in the mini-program.

Ordering holds points and stock (app/engagement/rewards/exchange.py) and asks nobody. The phone then opens the payment,
as often as it likes, and pays; or the member gives it up, at WeChat Pay first, so that nobody pays what is over.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from app import idempotency
from app.checkout.settle_exchange import EXCHANGES
from app.checkout.wechat_orders import (
    OrderClosed,
    PaymentNotOffered,
    Wanted,
    openid_of,
    prepay,
    settle,
)
from app.db import transaction
from app.engagement.rewards import cancel, orders
from app.engagement.rewards.exchange import Wish, exchange
from app.engagement.rewards.models import RewardOrder
from app.engagement.rewards.orders import Order
from app.engagement.rewards.payment_models import RewardPayment
from app.errors import NotFound
from app.providers.wechat_pay import ClientParams, WechatPay


@dataclass(frozen=True, kw_only=True)
class Payable:
    order_id: str
    expires_at: datetime
    params: ClientParams


def start(
    *,
    pay: WechatPay | None,
    app_id: str | None,
    member_id: int,
    wish: Wish,
    request: idempotency.Request,
    now: datetime,
) -> Order:
    """Exchange, or hold it until it is paid. Raises as `exchange`; `PaymentNotOffered`, `NoWechatIdentity`."""
    if wish.pay_by == "wechat_pay":
        if pay is None:
            raise PaymentNotOffered
        with transaction() as session:
            openid_of(session, member_id, app_id)
    return exchange(member_id=member_id, wish=wish, request=request, now=now)


def open_payment(
    *,
    pay: WechatPay | None,
    app_id: str | None,
    brand: str,
    member_id: int,
    order_id: str,
    now: datetime,
) -> Payable:
    """What the phone needs to pay a pending exchange, signed anew each time.

    Raises `NotFound`, `PaymentNotOffered`, `NoWechatIdentity`, `OrderClosed` for one that is paid or over,
    `PaymentUnavailable`, `Busy`.
    """
    if pay is None:
        raise PaymentNotOffered
    wanted = _wanted(app_id, brand, member_id, order_id, now)
    with pay.places.one():  # a WeChat Pay that answers slowly holds some of the threads, never all
        params = prepay(pay, EXCHANGES, wanted, still_open=lambda: _is_open(order_id), now=now)
    return Payable(order_id=order_id, expires_at=wanted.expires_at, params=params)


def _wanted(app_id: str | None, brand: str, member_id: int, order_id: str, now: datetime) -> Wanted:
    asked = (
        select(RewardPayment)
        .join(RewardOrder, RewardOrder.id == RewardPayment.order_id)
        .where(RewardOrder.id == order_id, RewardOrder.member_id == member_id)
    )
    with transaction() as session:
        found = session.execute(asked).scalar_one_or_none()
        if found is None:
            raise NotFound
        if found.state != "created" or found.expires_at <= now:
            raise OrderClosed
        return Wanted(
            number=order_id,
            amount_fen=found.amount_fen,
            description=f"{brand} 积分换购",
            openid=openid_of(session, member_id, app_id),
            expires_at=found.expires_at,
        )


def _is_open(order_id: str) -> bool:
    with transaction() as session:
        state = select(RewardPayment.state).where(RewardPayment.order_id == order_id).with_for_update()
        return session.execute(state).scalar_one() == "created"


def give_up(
    *,
    pay: WechatPay | None,
    member_id: int,
    order_id: str,
    request: idempotency.Request,
    now: datetime,
) -> Order:
    """The member gives an exchange up. One that waits for its payment is closed at WeChat Pay first; if it turns out to
    be paid, it is given up as any other.

    Raises as `cancel.by_member`; `PaymentNotOffered`, `PaymentPending`.
    """
    # Before WeChat Pay is asked for anything: a key of another request changes nothing.
    former = idempotency.given(request, Order)
    if former is not None:
        return former
    if orders.own(member_id=member_id, order_id=order_id, now=now).state == "pending":
        if pay is None:
            raise PaymentNotOffered
        with pay.places.one():
            settle(pay, EXCHANGES, order_id, now=now, close=True)
    if orders.own(member_id=member_id, order_id=order_id, now=now).cancelled_for == "unpaid":
        return _remembered(member_id, order_id, request, now)
    return cancel.by_member(member_id=member_id, order_id=order_id, request=request, now=now)


def _remembered(member_id: int, order_id: str, request: idempotency.Request, now: datetime) -> Order:
    """It is over already; the same key gives the same answer again."""
    with transaction() as session:
        former = idempotency.claim(session, request, Order)
        if former is not None:
            return former
        answer = orders.show(session, order_id, now=now, member_id=member_id)
        idempotency.remember(session, request, answer, now)
        return answer
