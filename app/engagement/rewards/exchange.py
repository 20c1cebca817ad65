"""An exchange: points, and money out of the stored value where it costs some, for an item of the mall."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Row, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import idempotency, policies
from app.clock import HOME_ZONE, business_date, start_of_day
from app.db import Busy, transaction
from app.engagement.purse import Thing, pay
from app.engagement.rewards import gives, orders, stock
from app.engagement.rewards.models import RewardOrder
from app.engagement.rewards.orders import Order
from app.engagement.rewards.payment_models import RewardPayment
from app.engagement.rewards.policy import RewardPolicy
from app.engagement.rewards.promoted import IN_MALL, PROMOTED
from app.engagement.rewards.reward import Price, Reward, reward_of
from app.errors import Conflict, NotFound, Unauthenticated
from app.facts.tell import tell
from app.ids import new_id
from app.ledger.post import BONUS, POINTS, PRINCIPAL, Posting, lock_accounts
from app.stored_value.balance import held
from app.stored_value.policy import StoredValuePolicy
from app.stored_value.spend import Split, split

SOURCE = "reward_order"
_TWO_AT_ONCE = ("uq_reward_orders_item_id_member_id_nth", "uq_reward_orders_one_pending")
#: How long a member has to pay by WeChat Pay.
PAYMENT_LIFE = timedelta(minutes=15)


class RewardNotAvailable(Conflict):
    """The item is stopped, or its time, or that of its promotion, has not come or is over."""

    code = "reward_not_available"


class RewardNotHere(Conflict):
    """Not in that store; or a store was named for what is given at once."""

    code = "reward_not_here"


class RewardPriceChanged(Conflict):
    """It costs something else than was shown. Data: `points`, `cash_fen`."""

    code = "reward_price_changed"


class RewardPaymentOpen(Conflict):
    """Another exchange of the member waits for its payment. Data: `order_id`."""

    code = "reward_payment_open"


class RewardLimitReached(Conflict):
    """The member has exchanged for it as often as one may. Data: `limit`, and `per`, `member` or `day`."""

    code = "reward_limit_reached"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a member wants, where (a store's code; None for what is given at once), and the price they were shown.

    `pay_by`: the stored value, or WeChat Pay (app/checkout/pay_exchange.py), pays the money part.
    """

    item_id: str
    store: str | None
    points: int
    cash_fen: int
    pay_by: Literal["balance", "wechat_pay"] = "balance"


def exchange(*, member_id: int, wish: Wish, request: idempotency.Request, now: datetime) -> Order:
    """Exchange once; the same key gives the same answer again.

    One that WeChat Pay is to pay is `pending`: points and stock are held until it is paid.

    Raises `NotFound`, `RewardNotAvailable`, `RewardNotHere`, `RewardPriceChanged`, `RewardLimitReached`,
    `RewardPaymentOpen`, `RewardUsedUp`, `NotEnough`, whatever the gift refuses (`CouponNotAvailable`,
    `CouponLimitReached`, `CouponsUsedUp`, `ActivityNotOpen`), `KeyReused`, `Busy`; then nothing happened.
    """
    try:
        with transaction() as session:
            former = idempotency.claim(session, request, Order)
            if former is not None:
                return former
            order_id = _exchange(session, member_id, wish, now)
            answer = orders.show(session, order_id, now=now)
            idempotency.remember(session, request, answer, now)
            return answer
    except IntegrityError as error:
        if any(name in str(error.orig) for name in _TWO_AT_ONCE):
            raise Busy(retry_after_s=1) from error
        raise


# The member's row is only shared: a withdrawal under way is waited for, a later one waits.
_MEMBER = text("""
    SELECT m.status, t.code AS tier FROM members m JOIN tiers t ON t.id = m.tier_id WHERE m.id = :member_id
    FOR SHARE OF m""")
_ITEM = text(f"""
    SELECT i.version, {IN_MALL} AS in_mall, v.reward FROM reward_items i
    JOIN reward_versions v ON v.item_id = i.id AND v.version = i.version{PROMOTED}
    WHERE i.id = :item_id""")  # noqa: S608  # constants of our own
_STORE = text("""
    SELECT s.id, s.time_zone FROM reward_stock r JOIN stores s ON s.id = r.store_id
    WHERE r.item_id = :item_id AND r.offered AND s.code = :store AND s.status = 'open'""")


def _exchange(session: Session, member_id: int, wish: Wish, now: datetime) -> str:
    member = session.execute(_MEMBER, {"member_id": member_id}).one()
    if member.status != "active":
        raise Unauthenticated
    item = session.execute(_ITEM, {"item_id": wish.item_id, "now": now}).one_or_none()
    reward = None if item is None else reward_of(item.reward)
    if item is None or reward is None or not reward.seen_by(member.tier):
        raise NotFound
    if not item.in_mall or not reward.open_at(now):
        raise RewardNotAvailable
    price = reward.price_for(member.tier)
    if (wish.points, wish.cash_fen) != (price.points, price.cash_fen):
        raise RewardPriceChanged(points=price.points, cash_fen=price.cash_fen)
    kind = gives.KINDS[reward.kind]
    store = _store(session, wish, at_once=kind.at_once)
    given = gives.Exchange(order_id=new_id(now), member_id=member_id, gives_id=reward.gives_id, now=now)
    kind.take_place(session, given)
    # One exchange of a member after the other from here on, so that limits and purse can be looked at.
    lock_accounts(session, member_id)
    by_wechat = wish.pay_by == "wechat_pay" and price.cash_fen > 0
    if by_wechat:
        _none_pending(session, member_id)
    order = _write(session, given, wish.item_id, item.version, reward, price, store, by_wechat=by_wechat)
    _pay(session, order, store, now)
    if order.state == "pending":
        session.add(_payment(order, now))
        session.flush()
    else:
        complete(session, order, kind, given)
    stock.INVENTORY.take(session, item_id=wish.item_id, store_id=order.store_id)
    return order.id


def complete(session: Session, order: RewardOrder, kind: gives.Gives, given: gives.Exchange) -> None:
    """All of it is paid: what is given at once is given, and whoever must know is told."""
    kind.give(session, given)
    payload = {"item_id": order.item_id, "store_id": order.store_id, "points": order.points}
    tell(
        session,
        "reward_exchanged",
        subject=order.id,
        member_id=order.member_id,
        payload=payload,
        now=given.now,
    )


def _payment(order: RewardOrder, now: datetime) -> RewardPayment:
    ends = (now + PAYMENT_LIFE).replace(microsecond=0)
    return RewardPayment(
        order_id=order.id, amount_fen=order.wechat_fen, state="created", created_at=now, expires_at=ends
    )


def _store(session: Session, wish: Wish, *, at_once: bool) -> Row[Any] | None:
    if at_once:
        if wish.store is not None:
            raise RewardNotHere
        return None
    found = session.execute(_STORE, {"item_id": wish.item_id, "store": wish.store}).one_or_none()
    if found is None:
        raise RewardNotHere
    return found


def _none_pending(session: Session, member_id: int) -> None:
    pending = select(RewardOrder.id).where(RewardOrder.member_id == member_id, RewardOrder.state == "pending")
    if (order_id := session.execute(pending).scalar_one_or_none()) is not None:
        raise RewardPaymentOpen(order_id=order_id)


_HAD = text("""
    SELECT coalesce(max(nth), 0) AS last_nth, count(*) FILTER (WHERE state <> 'cancelled') AS had,
        count(*) FILTER (WHERE state <> 'cancelled' AND ordered_on = :day) AS had_today
    FROM reward_orders WHERE item_id = :item_id AND member_id = :member_id""")


def _next_nth(session: Session, member_id: int, item_id: str, reward: Reward, now: datetime) -> int:
    day = business_date(now, HOME_ZONE)
    had = session.execute(_HAD, {"member_id": member_id, "item_id": item_id, "day": day}).one()
    if reward.per_member is not None and had.had >= reward.per_member:
        raise RewardLimitReached(limit=reward.per_member, per="member")
    if reward.per_member_a_day is not None and had.had_today >= reward.per_member_a_day:
        raise RewardLimitReached(limit=reward.per_member_a_day, per="day")
    return int(had.last_nth) + 1


def _write(
    session: Session,
    given: gives.Exchange,
    item_id: str,
    version: int,
    reward: Reward,
    price: Price,
    store: Row[Any] | None,
    *,
    by_wechat: bool,
) -> RewardOrder:
    member_id, now = given.member_id, given.now
    nth = _next_nth(session, member_id, item_id, reward, now)
    paid = _split(session, member_id, 0 if by_wechat else price.cash_fen, now)
    policy = policies.in_force(session, RewardPolicy)
    order = RewardOrder(
        id=given.order_id,
        item_id=item_id,
        item_version=version,
        member_id=member_id,
        nth=nth,
        state="pending" if by_wechat else paid_state(None if store is None else store.id),
        points=price.points,
        principal_fen=paid.principal_fen,
        bonus_fen=paid.bonus_fen,
        wechat_fen=price.cash_fen if by_wechat else 0,
        policy_version=policy.version,
        store_id=None if store is None else store.id,
        collect_by=None if store is None else _collect_by(policy.value, store.time_zone, now),
        ordered_at=now,
        ordered_on=business_date(now, HOME_ZONE),
    )
    session.add(order)
    session.flush()
    return order


def paid_state(store_id: int | None) -> str:
    """How an exchange stands once all of it is paid."""
    return "given" if store_id is None else "ready"


def _collect_by(policy: RewardPolicy, time_zone: str, now: datetime) -> datetime:
    """The midnight after the last whole day."""
    return start_of_day(business_date(now, time_zone) + timedelta(days=policy.pick_up_days + 1), time_zone)


def _split(session: Session, member_id: int, cash_fen: int, now: datetime) -> Split:
    if cash_fen == 0:
        return Split(principal_fen=0, bonus_fen=0)
    has = held(session, member_id, now=now)
    order = policies.in_force(session, StoredValuePolicy).value.spend_order
    return split(cash_fen, principal_fen=has.principal_fen, bonus_fen=has.bonus_fen, order=order)


def _pay(session: Session, order: RewardOrder, store: Row[Any] | None, now: datetime) -> None:
    member = order.member_id
    postings = [Posting(member_id=member, unit=POINTS, amount=-order.points, house="points_spent")]
    if order.principal_fen:
        postings.append(
            Posting(member_id=member, unit=PRINCIPAL, amount=-order.principal_fen, house="principal_spent")
        )
    if order.bonus_fen:
        postings.append(Posting(member_id=member, unit=BONUS, amount=-order.bonus_fen, house="bonus_spent"))
    zone = HOME_ZONE if store is None else store.time_zone
    pay(session, thing_of(order, zone), postings, now=now)


def thing_of(order: RewardOrder, time_zone: str) -> Thing:
    """The exchange as the ledger knows it."""
    return Thing(source_type=SOURCE, source_id=order.id, store_id=order.store_id, time_zone=time_zone)
