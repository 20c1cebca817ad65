"""What an entry of the audit log holds, as it may be shown: numbers and codes in place of our own ids."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, text

#: A list of members is told up to so many; of the others it is told how many.
MOST_MEMBERS = 50
#: What somebody typed. Nothing personal belongs there, and some write it all the same.
_TYPED = frozenset({"note", "reason"})
_PHONE = re.compile(r"(?<!\d)(?:\+?86[\s-]?)?1[3-9]\d(?:[\s-]?\d{4}){2}(?!\d)|\+\d[\d\s-]{6,16}\d")
_EMAIL = re.compile(r"[^\s@<>,;:，；：]+@[^\s@<>,;:，；：]+\.[A-Za-z]{2,}")
_GRANT = re.compile(r"([a-z]+)@(\d+)")


@dataclass
class Ids:
    members: set[int] = field(default_factory=set)
    stores: set[int] = field(default_factory=set)
    terminals: set[int] = field(default_factory=set)


_MEMBERS = text("SELECT id, member_no FROM members WHERE id = ANY(:ids)")
_STORES = text("SELECT id, code FROM stores WHERE id = ANY(:ids)")
_TERMINALS = text("SELECT id, code FROM terminals WHERE id = ANY(:ids)")


@dataclass(frozen=True, kw_only=True)
class Names:
    """What people call them, by our ids."""

    members: Mapping[int, str]
    stores: Mapping[int, str]
    terminals: Mapping[int, str]

    @classmethod
    def asked(cls, connection: Connection, ids: Ids) -> "Names":
        def of(question: Any, wanted: set[int]) -> dict[int, str]:
            if not wanted:
                return {}
            return {row[0]: row[1] for row in connection.execute(question, {"ids": sorted(wanted)})}

        return cls(
            members=of(_MEMBERS, ids.members),
            stores=of(_STORES, ids.stores),
            terminals=of(_TERMINALS, ids.terminals),
        )


def named_in(rows: Sequence[Any]) -> Ids:
    """Everybody and everything of whom these rows hold an id."""
    ids = Ids()
    for row in rows:
        if row.store_id is not None:
            ids.stores.add(row.store_id)
        if row.actor_type == "member":
            ids.members.add(row.actor_id)
        if row.object_type == "member" and row.object_id.isdigit():
            ids.members.add(int(row.object_id))
        for key, value in _within(row.data):
            _collect(key, value, ids)
    return ids


def _within(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _within(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _within(inner)


def _collect(key: str, value: Any, ids: Ids) -> None:
    if key == "members" and _are_ids(value):
        ids.members.update(value[:MOST_MEMBERS])
    elif key == "stores" and _are_ids(value):
        ids.stores.update(value)
    elif key == "grants" and isinstance(value, list):
        ids.stores.update(int(found[2]) for found in map(_GRANT.fullmatch, map(str, value)) if found)
    elif isinstance(value, int) and key in ("member_id", "store_id", "terminal_id"):
        {"member_id": ids.members, "store_id": ids.stores, "terminal_id": ids.terminals}[key].add(value)


def _are_ids(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(one, int) for one in value)


def shown(data: Mapping[str, Any], names: Names, stores: Collection[int] | None) -> dict[str, Any]:
    """`stores`: the reader learns of no others; None: of all."""
    told: dict[str, Any] = {}
    for key, value in data.items():
        told |= _shown(key, value, names, stores)
    return told


def _shown(key: str, value: Any, names: Names, stores: Collection[int] | None) -> dict[str, Any]:
    def store(store_id: int) -> str | None:
        return names.stores.get(store_id) if stores is None or store_id in stores else None

    if key == "members" and _are_ids(value):
        more = {"members_more": len(value) - MOST_MEMBERS} if len(value) > MOST_MEMBERS else {}
        return {key: [names.members.get(one) for one in value[:MOST_MEMBERS]], **more}
    if key == "stores" and _are_ids(value):
        return {key: sorted(code for code in map(store, value) if code is not None)}
    if key == "grants" and isinstance(value, list):
        return {key: [_grant(str(one), store) for one in value]}
    if key == "member_id":
        return {"member_no": names.members.get(value)}
    if key == "store_id":
        return {"store": None if value is None else store(value)}
    if key == "terminal_id":
        return {"terminal": names.terminals.get(value)}
    if key in _TYPED and isinstance(value, str):
        return {key: _EMAIL.sub("***", _PHONE.sub("***", value))}
    if isinstance(value, dict):
        return {key: shown(value, names, stores)}
    if isinstance(value, list):
        return {key: [shown(one, names, stores) if isinstance(one, dict) else one for one in value]}
    return {key: value}


def _grant(words: str, store: Any) -> str:
    found = _GRANT.fullmatch(words)
    return words if found is None else f"{found[1]}@{store(int(found[2])) or '?'}"
