"""What a member holds: coupons that may be used, were used or ended, and why one cannot be used in a store."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import psycopg

from app.clock import HOME_ZONE, zone
from app.coupons.explain import Names
from app.coupons.face import Face
from app.coupons.faces import these_faces
from app.coupons.void import EXCHANGE_CANCELLED
from app.db import ask, statements
from app.errors import NotFound
from app.points.fitting import MemberFacts, StoreFacts, Unmet, unmet
from app.points.lots import valid_through

SOON = timedelta(days=7)
State = Literal["usable", "used", "ended"]
#: Stable words, with texts in app/texts/words_coupons.py under `coupon.why.`.
Reason = Literal[
    "not_yet",
    "ended",
    "used",
    "recalled",
    "exchange_cancelled",
    "not_here",
    "not_your_tier",
    "not_birthday",
    "not_now",
]
_REASONS: dict[Unmet, Reason] = {
    "store": "not_here",
    "tier": "not_your_tier",
    "birthday": "not_birthday",
    "time": "not_now",
}


@dataclass(frozen=True, kw_only=True)
class Held:
    """A coupon as its holder sees it. `reason` is why it cannot be used now, None if it can.

    Where somebody is was told, the store counts too. `offered_until`: there is a link to pass it on.
    """

    coupon_id: str
    template_id: str
    face_id: int
    face: Face
    uses: int
    uses_left: int
    valid_from: datetime
    valid_until: datetime
    valid_through: date
    ends_soon: bool
    reason: Reason | None
    offered_until: datetime | None


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """Up to as many coupons as were asked for, and the names that their rules mention."""

    coupons: tuple[Held, ...]
    names: Names


_COLUMNS = """c.id, c.template_id, c.face_id, c.uses, c.uses + c.restored - c.used AS uses_left, c.state,
            c.valid_from, c.valid_until, c.offer_until,
            CASE WHEN c.state = 'void' AND c.source = 'reward' THEN EXISTS (SELECT FROM coupon_events e
                WHERE e.coupon_id = c.id AND e.kind = 'recalled' AND e.note = %(cancelled)s) END AS cancelled"""
_PICKED = {
    "usable": """c.state = 'held' AND c.valid_until > %(now)s AND (%(after)s::text IS NULL OR (c.valid_until, c.id) >
            (SELECT p.valid_until, p.id FROM coupons p WHERE p.id = %(after)s AND p.member_id = %(member_id)s))""",
    "used": "c.state = 'used' AND (%(after)s::text IS NULL OR c.id < %(after)s)",
    "ended": """(c.state = 'void' OR c.state = 'held' AND c.valid_until <= %(now)s)
            AND (%(after)s::text IS NULL OR c.id < %(after)s)""",
    "one": "c.id = %(after)s",
}
# What ends first comes first; of the others, what came last.
_ORDERS = {"usable": "c.valid_until, c.id"}
# The member, the store and the coupons in one trip: a row for each coupon, and one if there is none.
_LOOK = """
    SELECT m.birthday, t.code AS tier, s.id AS store_id, s.time_zone, c.*
    FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN stores s ON s.code = %(store)s AND s.status = 'open'
    LEFT JOIN LATERAL (
        SELECT {columns} FROM coupons c WHERE c.member_id = %(member_id)s AND {picked}
        ORDER BY {order} LIMIT %(limit)s) c ON true
    WHERE m.id = %(member_id)s ORDER BY {order}"""
_LOOKS = {
    what: _LOOK.format(columns=_COLUMNS, picked=picked, order=_ORDERS.get(what, "c.id DESC"))
    for what, picked in _PICKED.items()
}
_NAMES = """
    SELECT s.id, '' AS code, s.name AS zh, s.name AS en FROM stores s WHERE s.id = ANY(%(stores)s)
    UNION ALL SELECT 0, t.code, t.name_zh, t.name_en FROM tiers t WHERE t.code = ANY(%(tiers)s)"""


def wallet(
    *, member_id: int, state: State, store: str | None, limit: int, after: str | None, now: datetime
) -> Wallet:
    """The member's coupons: what ends first of those to be used, the newest first of the others.

    `store` is the code of the one the member is in. Raises `NotFound` for a store that is not there.
    """
    with statements() as connection:
        return _read(connection, state, member_id, store, limit, after, now)


def one(*, member_id: int, coupon_id: str, store: str | None, now: datetime) -> Wallet:
    """The coupon alone, if the member holds it. Raises `NotFound`."""
    with statements() as connection:
        found = _read(connection, "one", member_id, store, 1, coupon_id, now)
    if not found.coupons:
        raise NotFound
    return found


def names_of(connection: psycopg.Connection[Any], faces: Iterable[Face]) -> Names:
    """What the stores and tiers are called that the faces mention; no statement if they mention none."""
    stores: set[int] = set()
    tiers: set[str] = set()
    for face in faces:
        stores |= face.conditions.stores or set()
        tiers |= face.conditions.tiers or set()
    if not stores and not tiers:
        return Names()
    rows = ask(connection, _NAMES, {"stores": sorted(stores), "tiers": sorted(tiers)})
    return Names(
        stores={row.id: row.zh for row in rows if row.id},
        tiers={row.code: (row.zh, row.en) for row in rows if not row.id},
    )


def _read(
    connection: psycopg.Connection[Any],
    what: str,
    member_id: int,
    store: str | None,
    limit: int,
    after: str | None,
    now: datetime,
) -> Wallet:
    values = {
        "member_id": member_id,
        "store": store,
        "limit": limit,
        "after": after,
        "now": now,
        "cancelled": EXCHANGE_CANCELLED,
    }
    rows = ask(connection, _LOOKS[what], values)
    if store is not None and rows[0].store_id is None:
        raise NotFound
    rows = [row for row in rows if row.id is not None]
    faces = these_faces(connection, (row.face_id for row in rows))
    held = tuple(_held(row, faces, now) for row in rows)
    return Wallet(coupons=held, names=names_of(connection, {one.face_id: one.face for one in held}.values()))


def _held(row: Any, faces: Mapping[int, Face], now: datetime) -> Held:
    face = faces[row.face_id]
    return Held(
        coupon_id=row.id,
        template_id=row.template_id,
        face_id=row.face_id,
        face=face,
        uses=row.uses,
        uses_left=row.uses_left,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
        valid_through=valid_through(row.valid_until, HOME_ZONE),
        ends_soon=row.state == "held" and now < row.valid_until <= now + SOON,
        reason=_reason(row, face, now),
        offered_until=row.offer_until if row.offer_until is not None and row.offer_until > now else None,
    )


def _reason(row: Any, face: Face, now: datetime) -> Reason | None:
    if row.state == "void":
        return "exchange_cancelled" if row.cancelled else "recalled"
    if row.state == "used":
        return "used"
    if row.valid_until <= now:
        return "ended"
    if row.valid_from > now:
        return "not_yet"
    if row.store_id is None:
        return None
    member = MemberFacts(tier=row.tier, birthday=row.birthday)
    here = StoreFacts(id=row.store_id, time_zone=row.time_zone)
    missing = unmet(face.conditions, member, here, now.astimezone(zone(row.time_zone)))
    return None if missing is None else _REASONS[missing]
