"""Opening stores and tills, and the API keys their machines present."""

import re
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfoNotFoundError

from sqlalchemy import ColumnElement, select, text, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.clock import zone
from app.db import into, reading, transaction
from app.errors import Conflict, Invalid, NotFound, VersionConflict
from app.ids import new_id, new_secret
from app.stores.models import ApiKey, Store, Terminal
from app.stores.tills import key_hash

_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")
KEY_PREFIX = "mc_"


class CodeTaken(Conflict):
    code = "code_taken"


class CodeUnusable(Invalid):
    """Codes of stores and tills: capital letters, digits and hyphens, at most 32."""

    code = "code_unusable"


class TimeZoneUnknown(Invalid):
    code = "time_zone_unknown"


@dataclass(frozen=True, kw_only=True)
class StoreView:
    id: int
    code: str
    name: str
    time_zone: str
    status: str
    version: int


@dataclass(frozen=True, kw_only=True)
class TerminalView:
    code: str
    name: str
    store_code: str
    status: str


@dataclass(frozen=True, kw_only=True)
class ApiKeyView:
    """`hint` is the last four characters: enough to recognise a key, not to use it."""

    id: str
    name: str
    hint: str
    store_code: str
    terminal_code: str
    created_at: datetime
    revoked_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class NewApiKey:
    """`key` is shown this once."""

    id: str
    key: str


def open_store(*, code: str, name: str, time_zone: str, actor: audit.Actor, now: datetime) -> StoreView:
    """Raises `CodeTaken`, `CodeUnusable`, `TimeZoneUnknown`."""
    _check_code(code)
    _check_zone(time_zone)
    try:
        with transaction() as session:
            store = Store(code=code, name=name, time_zone=time_zone, created_at=now, status="open", version=1)
            session.add(store)
            session.flush()
            audit.record(session, actor, "store.open", "store", code, now=now, store_id=store.id)
            return _store_view(store)
    except IntegrityError as error:
        raise CodeTaken from error


def change_store(
    *,
    code: str,
    version: int,
    name: str | None,
    status: str | None,
    actor: audit.Actor,
    now: datetime,
) -> StoreView:
    """Rename, close or reopen. Raises `NotFound`, `VersionConflict`."""
    with transaction() as session:
        store = session.execute(
            select(Store).where(Store.code == code).with_for_update()
        ).scalar_one_or_none()
        if store is None:
            raise NotFound
        if store.version != version:
            raise VersionConflict(version=store.version)
        store.name, store.status = name or store.name, status or store.status
        store.version += 1
        audit.record(
            session, actor, "store.change", "store", code, now=now, store_id=store.id, status=store.status
        )
        return _store_view(store)


def add_terminal(*, store_code: str, code: str, name: str, actor: audit.Actor, now: datetime) -> TerminalView:
    """Raises `NotFound` for an unknown store, `CodeTaken`, `CodeUnusable`."""
    _check_code(code)
    try:
        with transaction() as session:
            store_id = store_by_code(session, store_code)
            session.execute(
                into(Terminal),
                {
                    "store_id": store_id,
                    "code": code,
                    "name": name,
                    "created_at": now,
                },
            )
            audit.record(
                session, actor, "terminal.add", "terminal", f"{store_code}/{code}", now=now, store_id=store_id
            )
    except IntegrityError as error:
        raise CodeTaken from error
    return TerminalView(code=code, name=name, store_code=store_code, status="active")


def create_api_key(
    *, store_code: str, terminal_code: str, name: str, actor: audit.Actor, now: datetime
) -> NewApiKey:
    """A key for the machine at that till. Raises `NotFound`."""
    key, key_id = KEY_PREFIX + new_secret(), new_id(now)
    with transaction() as session:
        store_id, terminal_id = terminal_by_code(session, store_code, terminal_code)
        session.execute(
            into(ApiKey),
            {
                "id": key_id,
                "terminal_id": terminal_id,
                "name": name,
                "key_hash": key_hash(key),
                "hint": key[-4:],
                "created_by": actor.id if actor.type == "staff" else None,
                "created_at": now,
            },
        )
        audit.record(session, actor, "api_key.create", "api_key", key_id, now=now, store_id=store_id)
    return NewApiKey(id=key_id, key=key)


def store_of_api_key(key_id: str) -> int:
    """The store a key belongs to. Raises `NotFound`."""
    with reading() as connection:
        store_id = connection.execute(
            select(Terminal.store_id)
            .join(ApiKey, ApiKey.terminal_id == Terminal.id)
            .where(ApiKey.id == key_id)
        ).scalar_one_or_none()
    if store_id is None:
        raise NotFound
    return int(store_id)


def revoke_api_key(*, key_id: str, actor: audit.Actor, now: datetime) -> None:
    """From the next request on the key is worth nothing. Revoking twice is harmless. Raises `NotFound`."""
    with transaction() as session:
        key = session.execute(
            update(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None)).values(revoked_at=now)
        )
        if key.rowcount == 0:  # type: ignore[attr-defined]
            if session.get(ApiKey, key_id) is None:
                raise NotFound
            return
        audit.record(session, actor, "api_key.revoke", "api_key", key_id, now=now)


_STORES = select(Store.id, Store.code, Store.name, Store.time_zone, Store.status, Store.version)


def list_stores(*, store_ids: frozenset[int] | None, limit: int, after: str | None) -> list[StoreView]:
    """By code; only the given stores unless `store_ids` is None."""
    return _by_code(true() if store_ids is None else Store.id.in_(store_ids), limit, after)


def open_stores(*, limit: int, after: str | None) -> list[StoreView]:
    """By code; those that have not been closed."""
    return _by_code(Store.status == "open", limit, after)


def _by_code(which: ColumnElement[bool], limit: int, after: str | None) -> list[StoreView]:
    behind = _STORES.where(which, Store.code > (after or "")).order_by(Store.code).limit(limit)
    with reading() as connection:
        return [StoreView(**row._mapping) for row in connection.execute(behind)]


def list_api_keys(*, store_ids: frozenset[int] | None, limit: int, after: str | None) -> list[ApiKeyView]:
    """Oldest first; only of the given stores unless `store_ids` is None."""
    with reading() as connection:
        rows = connection.execute(
            text("""
                SELECT k.id, k.name, k.hint, s.code AS store_code, t.code AS terminal_code, k.created_at, k.revoked_at
                FROM api_keys k JOIN terminals t ON t.id = k.terminal_id JOIN stores s ON s.id = t.store_id
                WHERE k.id > :after AND (CAST(:stores AS bigint[]) IS NULL OR s.id = ANY(:stores))
                ORDER BY k.id LIMIT :limit"""),
            {
                "after": after or "",
                "stores": None if store_ids is None else sorted(store_ids),
                "limit": limit,
            },
        ).all()
    return [ApiKeyView(**row._mapping) for row in rows]


def store_ids(codes: set[str], *, among: frozenset[int] | None = None) -> dict[str, int]:
    """Internal ids by code. Raises `NotFound` if one of them is unknown or not `among` the given (None: all)."""
    with reading() as connection:
        rows = connection.execute(select(Store.code, Store.id).where(Store.code.in_(codes))).all()
    found = {row.code: row.id for row in rows if among is None or row.id in among}
    if len(found) < len(codes):
        raise NotFound
    return found


def store_codes(ids: set[int]) -> dict[int, str]:
    """Codes by internal id."""
    with reading() as connection:
        rows = connection.execute(select(Store.id, Store.code).where(Store.id.in_(ids))).all()
    return {row.id: row.code for row in rows}


def store_by_code(session: Session, code: str) -> int:
    """Raises `NotFound`."""
    store_id = session.execute(select(Store.id).where(Store.code == code)).scalar_one_or_none()
    if store_id is None:
        raise NotFound
    return int(store_id)


def terminal_by_code(session: Session, store_code: str, terminal_code: str) -> tuple[int, int]:
    """(store, terminal). Raises `NotFound`."""
    row = session.execute(
        select(Store.id, Terminal.id)
        .join(Terminal, Terminal.store_id == Store.id)
        .where(
            Store.code == store_code,
            Store.status == "open",
            Terminal.code == terminal_code,
            Terminal.status == "active",
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    return int(row[0]), int(row[1])


def _store_view(store: Store) -> StoreView:
    return StoreView(
        id=store.id,
        code=store.code,
        name=store.name,
        time_zone=store.time_zone,
        status=store.status,
        version=store.version,
    )


def _check_code(code: str) -> None:
    if not _CODE.fullmatch(code):
        raise CodeUnusable


def _check_zone(name: str) -> None:
    try:
        zone(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise TimeZoneUnknown from None
