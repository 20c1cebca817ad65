"""Exchanges as members, tills and the back office see them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app import policies
from app.db import reading
from app.engagement.rewards.policy import RewardPolicy
from app.engagement.rewards.reward import reward_of
from app.errors import NotFound
from app.tiers.card import masked_name, masked_no


@dataclass(frozen=True, kw_only=True)
class Order:
    """An exchange. What it cost went back if it is cancelled.

    `undo_until`: until when the member may give it up themselves; None: not any more. `member` is masked. `pay_until`:
    until when one that is `pending` can be paid. `money_back`: how what WeChat Pay took goes back, if it does.
    """

    order_id: str
    item_id: str
    name_zh: str
    name_en: str
    kind: str
    sku: str
    state: str
    points: int
    cash_fen: int
    wechat_fen: int
    pay_until: datetime | None
    money_back: str | None
    store: str | None
    store_name: str | None
    member_no: str
    member: str
    ordered_at: datetime
    collect_by: datetime | None
    undo_until: datetime | None
    handed_over_at: datetime | None
    cancelled_at: datetime | None
    cancelled_for: str | None


_ORDERS = """
    SELECT o.*, p.state AS payment, p.expires_at AS pay_until, v.reward,
        s.code AS store, s.name AS store_name, m.member_no, m.name AS member_name
    FROM reward_orders o JOIN reward_versions v ON v.item_id = o.item_id AND v.version = o.item_version
    JOIN members m ON m.id = o.member_id LEFT JOIN stores s ON s.id = o.store_id
    LEFT JOIN reward_payments p ON p.order_id = o.id"""
_ONE = text(
    f"{_ORDERS} WHERE o.id = :order_id AND (CAST(:member_id AS bigint) IS NULL OR o.member_id = :member_id)"
)
_OF_MEMBER = text(f"""{_ORDERS}
    WHERE o.member_id = :member_id AND (CAST(:before AS text) IS NULL OR o.id < :before)
    ORDER BY o.id DESC LIMIT :limit""")
_WAITING = text(f"""{_ORDERS}
    WHERE o.member_id = :member_id AND o.store_id = :store_id AND o.state = 'ready' AND o.collect_by > :now
        AND (CAST(:before AS text) IS NULL OR o.id < :before)
    ORDER BY o.id DESC LIMIT :limit""")
_OF_STORES = text(f"""{_ORDERS}
    WHERE (CAST(:stores AS bigint[]) IS NULL OR o.store_id = ANY(:stores))
        AND (CAST(:state AS text) IS NULL OR o.state = :state)
        AND (CAST(:item_id AS text) IS NULL OR o.item_id = :item_id)
        AND (CAST(:before AS text) IS NULL OR o.id < :before)
    ORDER BY o.id DESC LIMIT :limit""")


def show(
    connection: Session | Connection, order_id: str, *, now: datetime, member_id: int | None = None
) -> Order:
    """An exchange, of that member if one is given. Raises `NotFound`."""
    row = connection.execute(_ONE, {"order_id": order_id, "member_id": member_id}).one_or_none()
    if row is None:
        raise NotFound
    return _orders(connection, [row], now)[0]


def of_member(*, member_id: int, limit: int, before: str | None, now: datetime) -> list[Order]:
    """All of a member's, the newest first."""
    values = {"member_id": member_id, "limit": limit, "before": before}
    with reading() as connection:
        return _orders(connection, connection.execute(_OF_MEMBER, values).all(), now)


def own(*, member_id: int, order_id: str, now: datetime) -> Order:
    """One of the member's. Raises `NotFound`."""
    with reading() as connection:
        return show(connection, order_id, now=now, member_id=member_id)


def waiting(
    connection: Session | Connection,
    *,
    member_id: int,
    store_id: int,
    limit: int,
    before: str | None,
    now: datetime,
) -> list[Order]:
    """What the member may pick up in that store."""
    values = {"member_id": member_id, "store_id": store_id, "limit": limit, "before": before, "now": now}
    return _orders(connection, connection.execute(_WAITING, values).all(), now)


def of_stores(
    *,
    stores: Collection[int] | None,
    whole_numbers_in: Collection[int] | None,
    state: str | None,
    item_id: str | None,
    limit: int,
    before: str | None,
    now: datetime,
) -> list[Order]:
    """Those of some stores (None: all, and those of no store), the newest first.

    A member's number is whole in those of `whole_numbers_in` (None: in all), and masked elsewhere.
    """
    values = {
        "stores": None if stores is None else sorted(stores),
        "state": state,
        "item_id": item_id,
        "limit": limit,
        "before": before,
    }
    with reading() as connection:
        rows = connection.execute(_OF_STORES, values).all()
        found = _orders(connection, rows, now)
    return [
        order
        if whole_numbers_in is None or row.store_id in whole_numbers_in
        else replace(order, member_no=masked_no(order.member_no))
        for row, order in zip(rows, found, strict=True)
    ]


def undo_until(
    state: str, ordered_at: datetime, collect_by: datetime | None, policy: RewardPolicy
) -> datetime | None:
    """Until when a member may give an exchange up; None for one that is over."""
    if state == "ready":
        return collect_by
    return ordered_at + timedelta(days=policy.undo_days) if state == "given" else None


def _orders(connection: Session | Connection, rows: Sequence[Any], now: datetime) -> list[Order]:
    if not rows:
        return []
    policy = policies.in_force(connection, RewardPolicy).value
    return [_order(row, policy, now) for row in rows]


def _order(row: Any, policy: RewardPolicy, now: datetime) -> Order:
    reward = reward_of(row.reward)
    until = undo_until(row.state, row.ordered_at, row.collect_by, policy)
    return Order(
        order_id=row.id,
        item_id=row.item_id,
        name_zh=reward.name_zh,
        name_en=reward.name_en,
        kind=reward.kind,
        sku=reward.sku,
        state=row.state,
        points=row.points,
        cash_fen=row.principal_fen + row.bonus_fen + row.wechat_fen,
        wechat_fen=row.wechat_fen,
        pay_until=row.pay_until if row.state == "pending" else None,
        money_back=row.payment if row.payment in ("refunding", "refunded") else None,
        store=row.store,
        store_name=row.store_name,
        member_no=row.member_no,
        member=masked_name(row.member_name),
        ordered_at=row.ordered_at,
        collect_by=row.collect_by,
        undo_until=until if until is not None and now < until else None,
        handed_over_at=row.handed_over_at,
        cancelled_at=row.cancelled_at,
        cancelled_for=row.cancelled_for,
    )
