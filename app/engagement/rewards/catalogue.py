"""The mall as one member sees it: what it costs them, whether they can have it, and what is missing if not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Connection, text

from app.clock import HOME_ZONE, business_date
from app.coupons.obtainable import Obtainable
from app.db import reading
from app.engagement.rewards.bands import EVERY_PRICE, Band, bands
from app.engagement.rewards.gives import KINDS
from app.engagement.rewards.items import places_of
from app.engagement.rewards.promoted import IN_MALL, PROMOTED
from app.engagement.rewards.reward import Place, Price, Reward, reward_of
from app.engagement.rewards.stand_ins import without_those_replaced
from app.errors import NotFound
from app.tiers.card import Card, card_of

#: Why an item cannot be had now: itself, or the coupon or chance that it gives.
Reason = Literal["not_yet", "over", "used_up", "limit", "points", "balance"]
_ITSELF = Obtainable(closed=None, left=None, more=None)


@dataclass(frozen=True, kw_only=True)
class StorePlace:
    """`left` None: as many as are wanted."""

    store: str
    name: str
    left: int | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`reason` None: the member can have it now. `stores` is where goods wait, those without any left included.

    `full_price` is the regular one, or what others pay, where the member pays another. `left` is of all stores
    together (None: any number), `more` how often the member may still exchange for it (None: as often as they like);
    of a coupon no more than its template has and lets one member have.
    """

    item_id: str
    reward: Reward
    price: Price
    full_price: Price | None
    reason: Reason | None
    missing_points: int
    missing_fen: int
    left: int | None
    more: int | None
    stores: Sequence[StorePlace]


_PRICE = "CAST(coalesce(v.reward -> 'tier_prices' -> :tier ->> 'points', v.reward -> 'price' ->> 'points') AS bigint)"
_SEEN = f"""
    SELECT i.id, v.reward, {_PRICE} AS points, had.n AS had, had.today AS had_today
    FROM reward_items i JOIN reward_versions v ON v.item_id = i.id AND v.version = i.version{PROMOTED}
    CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE o.ordered_on = :day) AS today
        FROM reward_orders o WHERE o.item_id = i.id AND o.member_id = :member_id AND o.state <> 'cancelled') had
    WHERE {IN_MALL} AND (v.reward -> 'tiers' IS NULL OR jsonb_exists(v.reward -> 'tiers', :tier))
        AND coalesce(CAST(v.reward ->> 'available_from' AS timestamptz) <= :now, true)
        AND coalesce(CAST(v.reward ->> 'available_until' AS timestamptz) > :now, true)"""  # noqa: S608  # constants of our own
_LISTED = without_those_replaced(_SEEN)
_PAGE = text(f"""
    SELECT * FROM ({_LISTED}) listed
    WHERE (points, id) > (:after_points, :after_id) AND points BETWEEN :least AND :most
    ORDER BY points, id LIMIT :limit""")  # noqa: S608  # constants of our own
_ONE = text(f"SELECT * FROM ({_SEEN}) seen WHERE id = :item_id")  # noqa: S608  # constants of our own
#: Of a larger mall the cheapest tell: the last band has no end.
_PRICES = text(f"SELECT points FROM ({_LISTED}) listed ORDER BY points LIMIT 1000")  # noqa: S608  # constants of our own
_STORES = text("SELECT id, code, name FROM stores WHERE id = ANY(:ids) AND status = 'open' ORDER BY code")


def price_bands(*, member_id: int, now: datetime) -> list[Band]:
    """By what prices the member may narrow what there is for them; none where one band holds it all."""
    with reading() as connection:
        values = _values(_card(connection, member_id, now), now)
        return bands(connection.execute(_PRICES, values).scalars().all())


def catalogue(
    *,
    member_id: int,
    affordable: bool,
    limit: int,
    after: tuple[int, str] | None,
    now: datetime,
    within: Band = EVERY_PRICE,
) -> list[Shown]:
    """What there is for this member, from the cheapest on, behind `after` (points and id of the one before).

    With `affordable` only what their points are enough for; `within` is about the price they pay. An item in
    whose place another one stands is left out.
    """
    with reading() as connection:
        card = _card(connection, member_id, now)
        after_points, after_id = after or (0, "")
        values = _values(card, now) | {
            "least": within.points_from,
            "most": min(within.most, card.points) if affordable else within.most,
            "after_points": after_points,
            "after_id": after_id,
            "limit": limit,
        }
        return _shown(connection, card, connection.execute(_PAGE, values).all(), now)


def one(*, member_id: int, item_id: str, now: datetime) -> Shown:
    """Raises `NotFound` for what there is not, or not for this member."""
    with reading() as connection:
        card = _card(connection, member_id, now)
        rows = connection.execute(_ONE, _values(card, now) | {"item_id": item_id}).all()
        if not rows:
            raise NotFound
        return _shown(connection, card, rows, now)[0]


def _card(connection: Connection, member_id: int, now: datetime) -> Card:
    card = card_of(connection, member_id, now=now)
    if card is None:
        raise NotFound
    return card


def _values(card: Card, now: datetime) -> dict[str, Any]:
    return {
        "member_id": card.member_id,
        "tier": card.tier.code,
        "now": now,
        "day": business_date(now, HOME_ZONE),
    }


def _shown(connection: Connection, card: Card, rows: Sequence[Any], now: datetime) -> list[Shown]:
    places = places_of(connection, [row.id for row in rows])
    ids = {place.store_id for found in places.values() for place in found} - {None}
    stores = {row.id: row for row in connection.execute(_STORES, {"ids": sorted(filter(None, ids))})}
    rewards = {row.id: reward_of(row.reward) for row in rows}
    gifts = _gifts(connection, list(rewards.values()), card.member_id, now)
    return [
        _one_shown(
            card,
            row,
            rewards[row.id],
            gifts.get(rewards[row.id].gives_id or "", _ITSELF),
            places[row.id],
            stores,
        )
        for row in rows
    ]


def _gifts(
    connection: Connection, rewards: Sequence[Reward], member_id: int, now: datetime
) -> Mapping[str, Obtainable]:
    """Whether what they give could be given now; one statement for each kind that there is."""
    by_kind: dict[str, set[str]] = {}
    for reward in rewards:
        if reward.gives_id is not None:
            by_kind.setdefault(reward.kind, set()).add(reward.gives_id)
    found: dict[str, Obtainable] = {}
    for kind, ids in by_kind.items():
        found |= KINDS[kind].obtainable(connection, ids, member_id, now)
    return found


def _one_shown(
    card: Card, row: Any, reward: Reward, gift: Obtainable, places: Sequence[Place], stores: dict[int, Any]
) -> Shown:
    price, full = reward.price_for(card.tier.code), reward.full_price or reward.price
    # A store that has closed hands nothing over.
    here = [place for place in places if place.store_id is None or place.store_id in stores]
    shelf = None if any(place.left is None for place in here) else sum(place.left or 0 for place in here)
    left, more = _least(shelf, gift.left), _least(_more(reward, row.had, row.had_today), gift.more)
    missing_points, missing_fen = (
        max(0, price.points - card.points),
        max(0, price.cash_fen - card.balance_fen),
    )
    return Shown(
        item_id=row.id,
        reward=reward,
        price=price,
        full_price=full if price != full else None,
        reason=gift.closed or _reason(left, more, missing_points, missing_fen),
        missing_points=missing_points,
        missing_fen=missing_fen,
        left=left,
        more=more,
        stores=[
            StorePlace(store=stores[place.store_id].code, name=stores[place.store_id].name, left=place.left)
            for place in here
            if place.store_id is not None
        ],
    )


def _more(reward: Reward, had: int, had_today: int) -> int | None:
    rest = [
        max(0, limit - n)
        for limit, n in ((reward.per_member, had), (reward.per_member_a_day, had_today))
        if limit is not None
    ]
    return min(rest, default=None)


def _least(one: int | None, other: int | None) -> int | None:
    """None: any number."""
    return min((n for n in (one, other) if n is not None), default=None)


def _reason(left: int | None, more: int | None, missing_points: int, missing_fen: int) -> Reason | None:
    if left == 0:
        return "used_up"
    if more == 0:
        return "limit"
    if missing_points:
        return "points"
    return "balance" if missing_fen else None
