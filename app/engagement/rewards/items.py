"""Items of the mall as the back office sees them: what they are, where, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from app.db import reading
from app.engagement.rewards.models import RewardItem, RewardStock, RewardVersion
from app.engagement.rewards.reward import Place, Reward, reward_of
from app.errors import NotFound, VersionConflict


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Exchanges so far; `exchanged` counts all, `points` are those of what was not cancelled."""

    exchanged: int = 0
    handed_over: int = 0
    cancelled: int = 0
    points: int = 0


@dataclass(frozen=True, kw_only=True)
class Item:
    """An item at its newest version. `state` is `live` or `stopped`."""

    item_id: str
    version: int
    state: str
    reward: Reward
    places: Sequence[Place]
    figures: Figures = Figures()


def locked(session: Session, item_id: str, version: int) -> RewardItem:
    """The item, if that is its version; one change after the other. Raises `NotFound`, `VersionConflict`."""
    item = session.execute(
        select(RewardItem).where(RewardItem.id == item_id).with_for_update()
    ).scalar_one_or_none()
    if item is None:
        raise NotFound
    if item.version != version:
        raise VersionConflict(version=item.version)
    return item


def reward_at(session: Session | Connection, item_id: str, version: int) -> Reward:
    found = session.execute(
        select(RewardVersion.reward).where(RewardVersion.item_id == item_id, RewardVersion.version == version)
    ).scalar_one()
    return reward_of(found)


def places_of(connection: Session | Connection, item_ids: Sequence[str]) -> Mapping[str, list[Place]]:
    """Where each can be had, by store; those that do not offer it any more are left out."""
    found: dict[str, list[Place]] = {item_id: [] for item_id in item_ids}
    rows = connection.execute(
        select(RewardStock.item_id, RewardStock.store_id, RewardStock.stock, RewardStock.taken)
        .where(RewardStock.item_id.in_(item_ids), RewardStock.offered)
        .order_by(RewardStock.store_id)
    )
    for row in rows:
        found[row.item_id].append(Place(store_id=row.store_id, stock=row.stock, taken=row.taken))
    return found


_LISTING = text("""
    SELECT i.id, i.version, i.state, v.reward, f.exchanged, f.handed_over, f.cancelled, f.points
    FROM reward_items i JOIN reward_versions v ON v.item_id = i.id AND v.version = i.version
    CROSS JOIN LATERAL (
        SELECT count(*) AS exchanged, count(*) FILTER (WHERE o.state = 'handed_over') AS handed_over,
            count(*) FILTER (WHERE o.state = 'cancelled') AS cancelled,
            CAST(coalesce(sum(o.points) FILTER (WHERE o.state <> 'cancelled'), 0) AS bigint) AS points
        FROM reward_orders o WHERE o.item_id = i.id) f
    WHERE (CAST(:only AS text) IS NULL OR i.id = :only) AND (CAST(:before AS text) IS NULL OR i.id < :before)
    ORDER BY i.id DESC LIMIT :limit""")


def listing(*, limit: int, before: str | None) -> list[Item]:
    """The newest first, older than `before`."""
    with reading() as connection:
        return _items(connection, limit=limit, before=before, only=None)


def show(connection: Session | Connection, item_id: str) -> Item:
    """Raises `NotFound`."""
    found = _items(connection, limit=1, before=None, only=item_id)
    if not found:
        raise NotFound
    return found[0]


def _items(
    connection: Session | Connection, *, limit: int, before: str | None, only: str | None
) -> list[Item]:
    rows = connection.execute(_LISTING, {"limit": limit, "before": before, "only": only}).all()
    places = places_of(connection, [row.id for row in rows])
    return [_item(row, places[row.id]) for row in rows]


def _item(row: Any, places: Sequence[Place]) -> Item:
    return Item(
        item_id=row.id,
        version=row.version,
        state=row.state,
        reward=reward_of(row.reward),
        places=places,
        figures=Figures(
            exchanged=row.exchanged, handed_over=row.handed_over, cancelled=row.cancelled, points=row.points
        ),
    )
