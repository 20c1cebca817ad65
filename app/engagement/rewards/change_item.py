"""Putting items into the mall, changing and stopping them. Each change is a version and stands in the audit log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Exceeded, Waiting
from app.db import into, transaction
from app.engagement.rewards.generous import Offer, exceeded, offer
from app.engagement.rewards.gives import KINDS
from app.engagement.rewards.items import Item, locked, places_of, reward_at, show
from app.engagement.rewards.models import RewardItem, RewardStock, RewardVersion
from app.engagement.rewards.reward import Place, Reward, RewardMalformed, reward_of
from app.errors import Conflict, VersionConflict
from app.ids import new_id
from app.pictures import may_name
from app.staff.roles import MANAGE_ACTIVITIES
from app.staff.sign_in import may_still
from app.tiers.models import Tier

APPROVAL_KIND = "reward_item"
MOST_PLACES = 200


class RewardStockBelow(Conflict):
    """More were exchanged than there are to be. Data: `taken`, the least that can be set where it was tried."""

    code = "reward_stock_below"


def create(*, reward: Reward, places: Sequence[Place], actor: audit.Actor, now: datetime) -> Item | Waiting:
    """A new item, to be had at once or from its `available_from` on; a generous one is `stopped` until somebody else
    agrees. Raises `RewardMalformed`."""
    with transaction() as session:
        _check_picture(session, reward, None)
        item_id = add(session, reward, places, "stopped", actor, now)
        waiting = _ask(session, item_id, 1, reward, places, actor, now)
        if waiting is None:
            session.execute(update(RewardItem).where(RewardItem.id == item_id).values(state="live"))
        return waiting or show(session, item_id)


def add(
    session: Session, reward: Reward, places: Sequence[Place], state: str, actor: audit.Actor, now: datetime
) -> str:
    """The same within someone's transaction; its id. A `stopped` one is not in the mall yet."""
    _check(session, reward, places)
    item_id = new_id(now)
    session.execute(
        into(RewardItem),
        {
            "id": item_id,
            "version": 1,
            "state": state,
            "created_at": now,
        },
    )
    _write(session, item_id, 1, reward, actor, now)
    _set_places(session, item_id, places)
    _audit(session, "reward.create", item_id, 1, reward, places, actor, now)
    return item_id


def change(
    *,
    item_id: str,
    version: int,
    reward: Reward,
    places: Sequence[Place],
    actor: audit.Actor,
    now: datetime,
) -> Item | Waiting:
    """Its next version, whole; what was exchanged before keeps what was promised. Of one that is in the mall: what
    gives more, and is generous, waits for a second person.

    Raises `NotFound`, `VersionConflict`, `RewardMalformed`, and `RewardStockBelow` for fewer than are taken.
    """
    with transaction() as session:
        item = locked(session, item_id, version)
        former = reward_at(session, item_id, version)
        if former.kind != reward.kind:
            raise RewardMalformed(reason="kind: an item stays what it is")
        _check_picture(session, reward, former.picture_id)
        _check(session, reward, places)
        if item.state == "live":
            before = offer(session, former, places_of(session, [item_id])[item_id])
            if waiting := _ask(session, item_id, version, reward, places, actor, now, before):
                return waiting
        _next(session, item, item.state, reward, actor, now)
        _set_places(session, item_id, places)
        _audit(session, "reward.change", item_id, version + 1, reward, places, actor, now)
        return show(session, item_id)


def set_state(*, item_id: str, version: int, state: str, actor: audit.Actor, now: datetime) -> Item | Waiting:
    """`stopped`: nobody exchanges for it any more, what was exchanged is handed over all the same; or `live` again,
    a generous one only when a second person agrees.

    Raises `NotFound`, `VersionConflict`.
    """
    with transaction() as session:
        item = locked(session, item_id, version)
        if state == "live" and item.state != state:
            reward, places = reward_at(session, item_id, version), places_of(session, [item_id])[item_id]
            if waiting := _ask(session, item_id, version, reward, places, actor, now):
                return waiting
        _turn(session, item, state, actor, now)
        return show(session, item_id)


def limits(session: Session, item_id: str) -> tuple[Exceeded, ...]:
    """What one person may not give alone of an item there is."""
    found = show(session, item_id)
    return exceeded(session, offer(session, found.reward, found.places))


def _ask(
    session: Session,
    item_id: str,
    version: int,
    reward: Reward,
    places: Sequence[Place],
    actor: audit.Actor,
    now: datetime,
    before: Offer | None = None,
) -> Waiting | None:
    """Put it before a second person, unless the actor may do it alone; the operator always may."""
    if actor.type != "staff" or actor.id is None:
        return None
    wanted = offer(session, reward, places)
    why = exceeded(session, wanted)
    if not why or (before is not None and wanted.gives_no_more_than(before)):
        return None
    asked = {"version": version, "reward": msgspec.to_builtins(reward), "stock": _told(places)}
    approval_id = second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject=item_id,
        details=asked,
        store_id=None,
        staff_id=actor.id,
        now=now,
    )
    return Waiting(approval_id=approval_id, why=why)


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Put it into the mall as the second person saw it.

    Raises `RewardStockBelow`; `ApprovalOutdated` when it has another version since, or whoever asked has lost the right
    or the account.
    """
    if not may_still(session, approved.requested_by, MANAGE_ACTIVITIES, None):
        raise ApprovalOutdated
    actor = audit.Actor(type="staff", id=approved.requested_by)
    places = [Place(**place) for place in approved.details["stock"]]
    try:
        reward = reward_of(approved.details["reward"])
        item = locked(session, approved.subject, approved.details["version"])
        _check(session, reward, places)
    except (VersionConflict, RewardMalformed) as error:
        raise ApprovalOutdated from error
    _next(session, item, "live", reward, actor, now)
    _set_places(session, item.id, places)
    _audit(session, "reward.publish", item.id, item.version, reward, places, actor, now, approved.id)


def put_before(session: Session, item_ids: Sequence[str]) -> list[dict[str, Any]]:
    """Items as a second person sees them in a promotion. They are locked: nobody changes them until the
    transaction ends."""
    lock(session, item_ids)
    found = [show(session, item_id) for item_id in sorted(item_ids)]
    told = [
        {"item_id": one.item_id, "version": one.version, "reward": one.reward, "stock": _told(one.places)}
        for one in found
    ]
    return cast("list[dict[str, Any]]", msgspec.json.decode(msgspec.json.encode(told)))


def lock(session: Session, item_ids: Sequence[str]) -> None:
    """One change of them after the other, until the transaction ends."""
    rows = select(RewardItem.id).where(RewardItem.id.in_(item_ids)).order_by(RewardItem.id)
    session.execute(rows.with_for_update()).all()


def turn(session: Session, item_id: str, state: str, actor: audit.Actor, now: datetime) -> None:
    """The same within someone's transaction, for an item there is, whatever its version; nothing if it is so."""
    item = session.execute(select(RewardItem).where(RewardItem.id == item_id).with_for_update()).scalar_one()
    if item.state != state:
        _turn(session, item, state, actor, now)


def _turn(session: Session, item: RewardItem, state: str, actor: audit.Actor, now: datetime) -> None:
    _next(session, item, state, reward_at(session, item.id, item.version), actor, now)
    audit.record(
        session, actor, "reward.state", "reward", item.id, now=now, version=item.version, state=state
    )


def _check_picture(session: Session, reward: Reward, former: str | None) -> None:
    if not may_name(session, reward.picture_id, former=former):
        raise RewardMalformed(reason="picture_id: there is no such picture")


def _check(session: Session, reward: Reward, places: Sequence[Place]) -> None:
    gives = KINDS.get(reward.kind)
    if gives is None:
        raise RewardMalformed(reason="kind: nothing that is given")
    gives.check(session, reward)
    stores = [place.store_id for place in places]
    if len(set(stores)) < len(stores):
        raise RewardMalformed(reason="stock: a store stands there twice")
    if gives.at_once and stores != [None]:
        raise RewardMalformed(reason="stock: what is given at once is in no store, and stands there once")
    if not gives.at_once and None in stores:
        raise RewardMalformed(reason="stock: goods are in stores")
    named = {*reward.tiers, *reward.tier_prices}
    known = set(session.scalars(select(Tier.code).where(Tier.code.in_(named))))
    if named - known:
        raise RewardMalformed(reason="tiers, tier_prices: no such tier")
    if reward.instead_of is not None and session.get(RewardItem, reward.instead_of) is None:
        raise RewardMalformed(reason="instead_of: there is no such reward item")


def _next(
    session: Session, item: RewardItem, state: str, reward: Reward, actor: audit.Actor, now: datetime
) -> None:
    item.version, item.state = item.version + 1, state
    session.flush()
    _write(session, item.id, item.version, reward, actor, now)


def _write(
    session: Session, item_id: str, version: int, reward: Reward, actor: audit.Actor, now: datetime
) -> None:
    session.execute(
        into(RewardVersion),
        {
            "item_id": item_id,
            "version": version,
            "reward": msgspec.to_builtins(reward),
            "created_by": actor.id if actor.type == "staff" else None,
            "created_at": now,
        },
    )


_SET = text("""
    INSERT INTO reward_stock AS s (item_id, store_id, stock) VALUES (:item_id, :store_id, :stock)
    ON CONFLICT ON CONSTRAINT uq_reward_stock_place DO UPDATE SET stock = excluded.stock, offered = true
        WHERE excluded.stock IS NULL OR s.taken <= excluded.stock""")


def _set_places(session: Session, item_id: str, places: Sequence[Place]) -> None:
    """The item is locked: nobody else sets its stock. Who exchanges at this moment waits, or is waited for."""
    session.execute(update(RewardStock).where(RewardStock.item_id == item_id).values(offered=False))
    for place in places:
        values = {"item_id": item_id, "store_id": place.store_id, "stock": place.stock}
        if not session.execute(_SET, values).rowcount:  # type: ignore[attr-defined]
            taken = session.execute(
                select(RewardStock.taken).where(
                    RewardStock.item_id == item_id, RewardStock.store_id.is_not_distinct_from(place.store_id)
                )
            ).scalar_one()
            raise RewardStockBelow(taken=taken)


def _audit(
    session: Session,
    action: str,
    item_id: str,
    version: int,
    reward: Reward,
    places: Sequence[Place],
    actor: audit.Actor,
    now: datetime,
    approval_id: str | None = None,
) -> None:
    audit.record(
        session,
        actor,
        action,
        "reward",
        item_id,
        now=now,
        version=version,
        reward=msgspec.to_builtins(reward),
        stock=_told(places),
        approval_id=approval_id,
    )


def _told(places: Sequence[Place]) -> list[dict[str, int | None]]:
    return [{"store_id": place.store_id, "stock": place.stock} for place in places]
