"""Signing in and out, and who a session belongs to: read at each request, so that every change counts at once."""

import hashlib
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, select, text, update
from sqlalchemy.orm import Session

from app.db import reading, transaction
from app.errors import Forbidden, NotFound, Unauthenticated
from app.ids import new_secret
from app.pruning import always, forget
from app.staff.models import Staff, StaffRole, StaffSession
from app.staff.passwords import matches
from app.staff.roles import SELL, Grant, stores_with
from app.stores.setup import terminal_by_code
from app.stores.tills import Till
from app.throttle import Limit, Throttle, network_of

#: A wrong password costs one of each, a right one nothing; waiting is the only penalty: a lock-out for good would be
#: a weapon in the hands of whoever knows a login. For the same reason the tight limit is that of a login *from one
#: address*: strangers lock out themselves. The one over all addresses is there for those who have many.
PER_LOGIN_AND_ADDRESS = Limit("sign_in_login_address", 5, 15 * 60)
PER_LOGIN = Limit("sign_in_login", 50, 15 * 60)
PER_ADDRESS = Limit("sign_in_address", 30, 15 * 60)
#: Of a login in a browser where it signed in before (app/staff/devices.py), instead of those above: whatever strangers
#: do at the same address, a shop behind one address or on the guests' Wi-Fi goes on signing in.
PER_DEVICE = Limit("sign_in_device", 5, 15 * 60)
TILL_HOURS, OFFICE_HOURS = 12, 8
_IDLE = timedelta(hours=2)
_SEEN_EVERY = timedelta(minutes=5)


class WrongPassword(Unauthenticated):
    """Also for an unknown login and a disabled account: which of them it was is nobody's business."""

    code = "wrong_login_or_password"


class TemporaryPasswordExpired(Forbidden):
    """Nobody signed in with it in time; a manager has to give a new one."""

    code = "temporary_password_expired"


class PasswordChangeRequired(Forbidden):
    """The password is one that somebody else made: nothing else may be done before it is changed."""

    code = "password_change_required"


@dataclass(frozen=True, kw_only=True)
class SignedInStaff:
    """`till` is set for a session opened at a till, `must_change_password` for one opened with a temporary password."""

    id: int
    staff_no: str
    name: str
    language: str
    grants: tuple[Grant, ...]
    till: Till | None
    session_hash: bytes
    must_change_password: bool


@dataclass(frozen=True, kw_only=True)
class OpenedSession:
    token: str
    expires_at: datetime
    must_change_password: bool


class _Person(NamedTuple):
    id: int
    password_hash: str
    password_expires_at: datetime | None


def session_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def sign_in(
    *,
    login: str,
    password: str,
    terminal: tuple[str, str] | None,
    address: str,
    device: str | None = None,
    throttle: Throttle,
    now: datetime,
) -> OpenedSession:
    """Open a session; with `terminal` (store code, terminal code) as a clerk at that till.

    `device` is the browser's mark for that login (`devices.known`), None for a stranger's.

    Raises `WrongPassword`, `TooMany` after failures, `TemporaryPasswordExpired`, `Forbidden` for whoever may sell in no
    store, `NotFound` for an unknown till and for one in a store where the person may not sell: which other stores there
    are is not told.
    """
    login = login.strip().lower()
    with ExitStack() as limits:
        for limit, who in _limits(login, network_of(address), device):
            limits.enter_context(throttle.failing(limit, *who, failure=WrongPassword))
        person = _person(login, password)
    if person.password_expires_at is not None and person.password_expires_at <= now:
        raise TemporaryPasswordExpired
    token = new_secret()
    expires_at = now + timedelta(hours=TILL_HOURS if terminal else OFFICE_HOURS)
    with transaction() as session:
        _still(session, person.id, person.password_hash)
        terminal_id = None
        if terminal is not None:
            selling = stores_with(_grants(session, person.id), SELL)
            if selling == frozenset():
                raise Forbidden(right=SELL)
            store_id, terminal_id = terminal_by_code(session, *terminal)
            if selling is not None and store_id not in selling:
                raise NotFound
        session.add(
            StaffSession(
                token_hash=session_hash(token),
                staff_id=person.id,
                terminal_id=terminal_id,
                created_at=now,
                last_seen_at=now,
                expires_at=expires_at,
            )
        )
    return OpenedSession(
        token=token, expires_at=expires_at, must_change_password=person.password_expires_at is not None
    )


def _limits(login: str, caller: str, device: str | None) -> list[tuple[Limit, tuple[str, ...]]]:
    if device is not None:
        return [(PER_DEVICE, (login, device))]
    return [(PER_LOGIN_AND_ADDRESS, (login, caller)), (PER_ADDRESS, (caller,)), (PER_LOGIN, (login,))]


def _person(login: str, password: str) -> _Person:
    """Raises `WrongPassword`."""
    with reading() as connection:
        person = connection.execute(
            select(Staff.id, Staff.password_hash, Staff.password_expires_at, Staff.status).where(
                Staff.login == login
            )
        ).one_or_none()
    active = person is not None and person.status == "active"
    # No transaction is open here: the hash takes its time on purpose.
    if (
        not matches(password, person.password_hash if person is not None and active else None)
        or person is None
    ):
        raise WrongPassword
    return _Person(person.id, person.password_hash, person.password_expires_at)


def _still(session: Session, staff_id: int, password_hash: str) -> None:
    """Hold the account as it was when the password was checked: whoever resets it meanwhile ends every session,
    and one opened after that with the former password would stay."""
    unchanged = session.execute(
        select(Staff.id)
        .where(Staff.id == staff_id, Staff.password_hash == password_hash, Staff.status == "active")
        .with_for_update(read=True)
    ).one_or_none()
    if unchanged is None:
        raise WrongPassword


_WHO = text("""
    SELECT p.id, p.staff_no, p.name, p.language, p.password_expires_at, s.last_seen_at,
        t.id AS terminal_id, st.id AS store_id, st.code, st.name AS store_name, st.time_zone,
        coalesce((SELECT json_agg(json_build_array(r.role, r.store_id)) FROM staff_roles r WHERE r.staff_id = p.id),
            '[]') AS grants
    FROM staff_sessions s JOIN staff p ON p.id = s.staff_id AND p.status = 'active'
    LEFT JOIN terminals t ON t.id = s.terminal_id AND t.status = 'active'
    LEFT JOIN stores st ON st.id = t.store_id AND st.status = 'open'
    WHERE s.token_hash = :hash AND s.revoked_at IS NULL AND s.expires_at > :now AND s.last_seen_at > :idle_since
        AND (s.terminal_id IS NULL OR st.id IS NOT NULL)
        AND (p.password_expires_at IS NULL OR p.password_expires_at > :now)""")


def signed_in(token: str, *, now: datetime) -> SignedInStaff:
    """Who holds the token, with the roles of this moment. Raises `Unauthenticated`."""
    hashed = session_hash(token)
    with reading() as connection:
        row = connection.execute(_WHO, {"hash": hashed, "now": now, "idle_since": now - _IDLE}).one_or_none()
        if row is None:
            raise Unauthenticated
        if row.last_seen_at < now - _SEEN_EVERY:
            connection.execute(
                update(StaffSession).where(StaffSession.token_hash == hashed).values(last_seen_at=now)
            )
    till = None
    if row.terminal_id is not None:
        till = Till(
            store_id=row.store_id,
            store_code=row.code,
            store_name=row.store_name,
            time_zone=row.time_zone,
            terminal_id=row.terminal_id,
            staff_id=row.id,
            proven=True,
        )
    return SignedInStaff(
        id=row.id,
        staff_no=row.staff_no,
        name=row.name,
        language=row.language,
        grants=tuple(Grant(role, store_id) for role, store_id in row.grants),
        till=till,
        session_hash=hashed,
        must_change_password=row.password_expires_at is not None,
    )


def require_own_password(person: SignedInStaff) -> None:
    """Raises `PasswordChangeRequired` while the password is one that somebody else made."""
    if person.must_change_password:
        raise PasswordChangeRequired


def sign_out(person: SignedInStaff, *, now: datetime) -> None:
    with transaction() as session:
        session.execute(
            update(StaffSession).where(StaffSession.token_hash == person.session_hash).values(revoked_at=now)
        )


def end_sessions(session: Session, staff_id: int, now: datetime, *, but: bytes = b"") -> None:
    """End the person's sessions, except the one with the token hash `but`."""
    session.execute(
        update(StaffSession)
        .where(
            StaffSession.staff_id == staff_id,
            StaffSession.revoked_at.is_(None),
            StaffSession.token_hash != but,
        )
        .values(revoked_at=now)
    )


def may_still(session: Session, staff_id: int, right: str, store_id: int | None) -> bool:
    """Whether the person is active and has the right in that store (None: in all stores) at this moment."""
    status = session.execute(select(Staff.status).where(Staff.id == staff_id)).scalar_one()
    where = stores_with(_grants(session, staff_id), right)
    return status == "active" and (where is None or store_id in where)


def _grants(connection: Connection | Session, staff_id: int) -> tuple[Grant, ...]:
    rows = connection.execute(
        select(StaffRole.role, StaffRole.store_id).where(StaffRole.staff_id == staff_id)
    )
    return tuple(Grant(row.role, row.store_id) for row in rows)


def prune(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget sessions whose time was over before `before`, ended early or not; how many."""
    return forget("staff_sessions", "expires_at", before=before, keep_going=keep_going)
