"""A top-up that a member pays in the mini-program: an order of ours, opened at WeChat Pay.

The order stands in our books before WeChat Pay hears of it, and no transaction is open while we ask there. A member has
one open order at a time: another one closes it first, at WeChat Pay and here, so that nobody pays twice by mistake.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency, policies
from app.checkout.settle_top_up import TOP_UPS
from app.checkout.wechat_orders import OrderClosed, PaymentNotOffered, Wanted, openid_of, prepay, settle
from app.db import Busy, transaction
from app.errors import Forbidden, NotFound
from app.ids import new_id
from app.providers.wechat_pay import ClientParams, WechatPay
from app.stored_value import limits
from app.stored_value.models import TopUp
from app.stored_value.policy import StoredValuePolicy

#: How long a member has to pay.
ORDER_LIFE = timedelta(minutes=15)
#: An order that has less time left is not worth showing again.
_WORTH_SHOWING = timedelta(minutes=3)


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the member wants to pay; `offer_id` names the version of the offer that was shown."""

    amount_fen: int
    offer_id: int | None


@dataclass(frozen=True, kw_only=True)
class Ordered:
    """What is kept for the key: the order alone. What the phone needs is signed anew each time."""

    top_up_id: str


@dataclass(frozen=True, kw_only=True)
class Payable:
    top_up_id: str
    expires_at: datetime
    params: ClientParams


def order(
    *,
    pay: WechatPay | None,
    app_id: str | None,
    brand: str,
    member_id: int,
    wish: Wish,
    request: idempotency.Request,
    now: datetime,
) -> Payable:
    """Order it and open it at WeChat Pay; the same key gives the same order, with fresh parameters.

    `app_id` is the mini-program's; the payer reads `brand`.

    Raises `PaymentNotOffered`, `NoWechatIdentity`, `PaymentUnavailable`, `BalanceLimit`, `TopUpAmount`,
    `OfferOutdated`, `OfferUsedUp`, `OrderClosed` for a key whose order is over, `KeyReused`, `Busy` also while too many
    wait for WeChat Pay.
    """
    if pay is None:
        raise PaymentNotOffered
    with pay.places.one():  # a WeChat Pay that answers slowly holds some of the threads, never all
        return _order(pay, app_id, brand, member_id, wish, request, now)


def _order(
    pay: WechatPay,
    app_id: str | None,
    brand: str,
    member_id: int,
    wish: Wish,
    request: idempotency.Request,
    now: datetime,
) -> Payable:
    former = _open_order(member_id, request)
    if former is not None and not _same(former, wish, now):
        settle(pay, TOP_UPS, former.id, now=now, close=True)
    ordered, openid = _ordered(app_id, member_id, wish, request, now)
    wanted = Wanted(
        number=ordered.id,
        amount_fen=ordered.amount_fen,
        description=f"{brand} 会员储值",
        openid=openid,
        expires_at=_end(ordered),
    )
    params = prepay(pay, TOP_UPS, wanted, still_open=partial(_still_open, ordered.id), now=now)
    return Payable(top_up_id=ordered.id, expires_at=_end(ordered), params=params)


def _still_open(top_up_id: str) -> bool:
    with transaction() as session:
        found = select(TopUp.state).where(TopUp.id == top_up_id).with_for_update()
        return session.execute(found).scalar_one() == "created"


def _end(ordered: TopUp) -> datetime:
    assert ordered.expires_at is not None  # a constraint says so
    return ordered.expires_at


def _same(former: TopUp, wish: Wish, now: datetime) -> bool:
    same = (former.amount_fen, former.offer_id) == (wish.amount_fen, wish.offer_id)
    return same and _end(former) - now > _WORTH_SHOWING


def _open_order(member_id: int, request: idempotency.Request) -> TopUp | None:
    """The order that a new one would replace; None for a key that has an order of its own."""
    with transaction() as session:
        if idempotency.claim(session, request, Ordered) is not None:
            return None
        return session.execute(_open(member_id)).scalar_one_or_none()


def _open(member_id: int) -> Select[TopUp]:
    return select(TopUp).where(TopUp.member_id == member_id, TopUp.state == "created")


def _ordered(
    app_id: str | None, member_id: int, wish: Wish, request: idempotency.Request, now: datetime
) -> tuple[TopUp, str]:
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, Ordered)
            openid = openid_of(session, member_id, app_id)
            if former is not None:
                return _again(session, former), openid
            ordered = _insert(session, member_id, wish, now)
            idempotency.remember(session, request, Ordered(top_up_id=ordered.id), now)
            return ordered, openid
    except IntegrityError as error:
        # Another phone of the same member opened an order a moment ago.
        raise Busy(retry_after_s=1) from error


def _again(session: Session, former: Ordered) -> TopUp:
    ordered = session.execute(select(TopUp).where(TopUp.id == former.top_up_id)).scalar_one()
    if ordered.state != "created":
        raise OrderClosed
    return ordered


def _insert(session: Session, member_id: int, wish: Wish, now: datetime) -> TopUp:
    member = limits.lock(session, member_id)
    if member.status != "active":
        raise Forbidden
    open_order = session.execute(_open(member_id)).scalar_one_or_none()
    if open_order is not None and _same(open_order, wish, now):
        return open_order
    policy = policies.in_force(session, StoredValuePolicy)
    here = limits.standing(session, member_id, has_phone=member.has_phone, policy=policy.value, now=now)
    offer = limits.check(
        session, here, amount_fen=wish.amount_fen, offer_id=wish.offer_id, policy=policy.value, now=now
    )
    ordered = TopUp(
        id=new_id(now),
        member_id=member_id,
        method="wechat_pay",
        state="created",
        amount_fen=wish.amount_fen,
        bonus_fen=0 if offer is None else offer.bonus_fen,
        points=0 if offer is None else offer.points,
        offer_id=wish.offer_id,
        policy_version=policy.version,
        created_at=now,
        expires_at=(now + ORDER_LIFE).replace(microsecond=0),
    )
    session.add(ordered)
    session.flush()
    return ordered


@dataclass(frozen=True, kw_only=True)
class OrderView:
    """How an order of the member's stands: `created`, `credited` or `closed`."""

    top_up_id: str
    state: str
    amount_fen: int
    bonus_fen: int
    points: int


def show(*, member_id: int, top_up_id: str) -> OrderView:
    """Raises `NotFound`, also for somebody else's and for one made at a till."""
    with transaction() as session:
        found = session.execute(
            select(TopUp).where(
                TopUp.id == top_up_id, TopUp.member_id == member_id, TopUp.method == "wechat_pay"
            )
        ).scalar_one_or_none()
    if found is None:
        raise NotFound
    return OrderView(
        top_up_id=found.id,
        state=found.state,
        amount_fen=found.amount_fen,
        bonus_fen=found.bonus_fen,
        points=found.points,
    )


def close(*, pay: WechatPay | None, member_id: int, top_up_id: str, now: datetime) -> OrderView:
    """Give an order up; one that has been paid is credited instead.

    Raises `NotFound`, `PaymentNotOffered`, `PaymentPending`, `Busy`.
    """
    if pay is None:
        raise PaymentNotOffered
    if show(member_id=member_id, top_up_id=top_up_id).state == "created":
        with pay.places.one():
            settle(pay, TOP_UPS, top_up_id, now=now, close=True)
    return show(member_id=member_id, top_up_id=top_up_id)
