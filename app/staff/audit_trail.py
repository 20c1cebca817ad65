"""Reading the audit log: who did what, when and where, newest first."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, text

from app.db import reading
from app.staff.audit_shown import Names, named_in, shown

#: The key of an entry in the order of the list: when, and its number.
Place = tuple[datetime, int]
#: Whom a number that was looked up belonged to (app/checkout/find_by_phone.py).
NOBODY = "nobody"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`actor` is a number of staff or of a member; None for the operator and the system. `object_id` is what the API
    calls that thing, None for a member who is not there any more. `store` is None for what is about no store, or
    about several."""

    id: int
    at: datetime
    actor_type: str
    actor: str | None
    action: str
    object_type: str
    object_id: str | None
    store: str | None
    data: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """`action` is a whole one, or what stands before the dot. An object has type and id, of a member the number.
    `stores`: of these alone; None: also what is about no store. `[since, until)`."""

    actor: str | None = None
    action: str | None = None
    object_type: str | None = None
    object_id: str | None = None
    stores: Collection[int] | None = None
    since: datetime | None = None
    until: datetime | None = None


# Every action there is, each found by one step down the index.
_ACTIONS = text("""
    WITH RECURSIVE known AS (
        (SELECT action FROM audit_log ORDER BY action LIMIT 1)
        UNION ALL SELECT (SELECT a.action FROM audit_log a WHERE a.action > k.action ORDER BY a.action LIMIT 1)
        FROM known k WHERE k.action IS NOT NULL)
    SELECT action FROM known WHERE split_part(action, '.', 1) = :family""")
_NEWEST = "ORDER BY a.at DESC, a.id DESC LIMIT :limit"


def entries(*, wanted: Wanted, limit: int, before: Place | None) -> list[Entry]:
    """Newest first, up to `limit`, older than `before`. Numbers and words that nobody has give none."""
    values: dict[str, Any] = {"limit": limit}
    with reading() as connection:
        actions = _actions(connection, wanted.action)
        where = _where(wanted, before, values)
        source = _source(wanted, actions, where, values)
        found = connection.execute(text(_statement(source)), values).all()
        names = Names.asked(connection, named_in(found))
    return [_entry(row, names, wanted.stores) for row in found]


def _actions(connection: Connection, action: str | None) -> list[str] | None:
    if action is None or "." in action:
        return None if action is None else [action]
    return list(connection.execute(_ACTIONS, {"family": action}).scalars())


def _where(wanted: Wanted, before: Place | None, values: dict[str, Any]) -> list[str]:
    """What each row has to be, but for its action and store. Only what is asked for stands there: a statement that
    holds every filter and switches some off is planned for all of them, and reads the whole log."""
    where = []
    if wanted.object_id is not None:
        by_number = "(SELECT m.id::text FROM members m WHERE m.member_no = :object_id)"
        of_member = wanted.object_type == "member" and wanted.object_id != NOBODY
        where.append(
            f"a.object_type = :object_type AND a.object_id = {by_number if of_member else ':object_id'}"
        )
        values["object_type"], values["object_id"] = wanted.object_type, wanted.object_id
    for name, sign, bound in (("since", ">=", wanted.since), ("until", "<", wanted.until)):
        if bound is not None:
            where.append(f"a.at {sign} :{name}")
            values[name] = bound
    if before is not None:
        where.append("(a.at, a.id) < (:before_at, :before_id)")
        values["before_at"], values["before_id"] = before
    return where


_BY_ACTOR = "(SELECT id FROM staff WHERE staff_no = :actor) w (actor_id)"
_BY_ACTION = "unnest(CAST(:actions AS text[])) w (action)"
_BY_STORE = "unnest(CAST(:stores AS bigint[])) w (store_id)"


def _source(wanted: Wanted, actions: list[str] | None, where: list[str], values: dict[str, Any]) -> str:
    """The page: by staff, or else by action or by store alone, down the index of that filter (`_down`)."""
    values |= {"actor": wanted.actor} if wanted.actor is not None else {}
    values |= {"actions": actions} if actions is not None else {}
    values |= {"stores": sorted(wanted.stores)} if wanted.stores is not None else {}
    filters = {
        "actor_id": (wanted.actor, "a.actor_id = (SELECT id FROM staff WHERE staff_no = :actor)"),
        "action": (actions, "a.action = ANY(:actions)"),
        "store_id": (wanted.stores, "a.store_id = ANY(:stores)"),
    }
    asked = {column: condition for column, (given, condition) in filters.items() if given is not None}
    where = [*where, "a.actor_type = 'staff'"] if "actor_id" in asked else where
    if wanted.object_id is None and "actor_id" in asked:
        del asked["actor_id"]
        return _down("actor_id", _BY_ACTOR, [*where, *asked.values()])
    if wanted.object_id is None and list(asked) == ["action"]:
        return _down("action", _BY_ACTION, where)
    if wanted.object_id is None and list(asked) == ["store_id"]:
        return _down("store_id", _BY_STORE, [*where, "a.store_id IS NOT NULL"])
    return _page([*where, *asked.values()], _NEWEST)


def _page(where: list[str], order: str) -> str:
    return f"SELECT a.* FROM audit_log a {'WHERE ' if where else ''}{' AND '.join(where)} {order}"  # noqa: S608


def _down(column: str, among: str, where: list[str]) -> str:
    """The newest of each, and the newest of these.

    Who did something last a year ago, or never, would have the planner read the whole log from its newest end, since it
    reckons with the average. Two bounds instead of `=` leave the column in the order, which one index alone has.
    """
    bounds = f"a.{column} >= w.{column} AND a.{column} <= w.{column}"
    each = _page([bounds, *where], f"ORDER BY a.{column} DESC, a.at DESC, a.id DESC LIMIT :limit")
    return f"SELECT a.* FROM {among} CROSS JOIN LATERAL ({each}) a {_NEWEST}"  # noqa: S608


def _statement(source: str) -> str:
    return f"""
        SELECT a.id, a.at, a.actor_type, a.actor_id, p.staff_no, a.action, a.object_type, a.object_id, a.store_id,
            a.data
        FROM ({source}) a LEFT JOIN staff p ON a.actor_type = 'staff' AND p.id = a.actor_id
        ORDER BY a.at DESC, a.id DESC"""  # noqa: S608 - of words that stand in this file


def _entry(row: Any, names: Names, stores: Collection[int] | None) -> Entry:
    of_member = row.object_type == "member" and row.object_id.isdigit()
    return Entry(
        id=row.id,
        at=row.at,
        actor_type=row.actor_type,
        actor=names.members.get(row.actor_id) if row.actor_type == "member" else row.staff_no,
        action=row.action,
        object_type=row.object_type,
        object_id=names.members.get(int(row.object_id)) if of_member else row.object_id,
        store=names.stores.get(row.store_id),
        data=shown(row.data, names, stores),
    )
