"""Adding people, giving and taking roles, disabling, resetting passwords."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.db import reading, transaction
from app.errors import Conflict, Forbidden, Invalid, NotFound, VersionConflict
from app.staff.models import Staff, StaffRole, StaffSession
from app.staff.passwords import hashed, temporary
from app.staff.roles import MANAGE_STAFF, RIGHTS, Grant, stores_with

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")
_STAFF_NO = re.compile(r"[A-Z0-9]{1,16}")


class LoginTaken(Conflict):
    """The login or the staff number belongs to somebody else."""

    code = "login_taken"


class LoginUnusable(Invalid):
    code = "login_unusable"


class RoleUnknown(Invalid):
    code = "role_unknown"


class LastAdmin(Conflict):
    """Somebody must remain who can let others in."""

    code = "last_admin"


@dataclass(frozen=True, kw_only=True)
class Boss:
    """Who manages staff: the operator at the command line (no grants asked) or a staff member with theirs."""

    actor: audit.Actor
    grants: tuple[Grant, ...] | None

    def may_give(self, grant: Grant) -> bool:
        """Admins give any role; managers give clerk and marketer, in their own stores."""
        if self.grants is None or Grant("admin", None) in self.grants:
            return True
        stores = stores_with(self.grants, MANAGE_STAFF) or frozenset()
        return grant.role in ("clerk", "marketer") and grant.store_id in stores


@dataclass(frozen=True, kw_only=True)
class StaffView:
    id: int
    login: str
    staff_no: str
    name: str
    status: str
    version: int
    grants: tuple[Grant, ...]


def add(
    *,
    login: str,
    staff_no: str,
    name: str,
    password: str,
    grants: tuple[Grant, ...],
    boss: Boss,
    now: datetime,
) -> StaffView:
    """Raises `LoginTaken`, `LoginUnusable`, `PasswordTooWeak`, `RoleUnknown`; `Forbidden` for a role not to give."""
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login) or not _STAFF_NO.fullmatch(staff_no):
        raise LoginUnusable
    _check_grants(grants, boss)
    password_hash = hashed(password, login)
    try:
        with transaction() as session:
            person = Staff(
                login=login, staff_no=staff_no, name=name, password_hash=password_hash, created_at=now
            )
            session.add(person)
            session.flush()
            _write_grants(session, person.id, grants)
            audit.record(
                session, boss.actor, "staff.add", "staff", person.id, now=now, grants=_grant_words(grants)
            )
            staff_id = person.id
    except IntegrityError as error:
        raise LoginTaken from error
    return view(staff_id)


def change(
    *,
    staff_id: int,
    version: int,
    name: str | None,
    status: str | None,
    grants: tuple[Grant, ...] | None,
    boss: Boss,
    now: datetime,
) -> StaffView:
    """Rename, disable or enable, replace the roles; counts from the person's next request on.

    Raises `NotFound` for people outside the boss's reach, `VersionConflict`, `RoleUnknown`, `Forbidden`, `LastAdmin`.
    """
    with transaction() as session:
        person = _reachable(session, staff_id, boss)
        if person.version != version:
            raise VersionConflict(version=person.version)
        if grants is not None:
            _check_grants(grants, boss)
            session.execute(delete(StaffRole).where(StaffRole.staff_id == staff_id))
            _write_grants(session, staff_id, grants)
        person.name, person.status = name or person.name, status or person.status
        person.version += 1
        if person.status == "disabled":
            _end_sessions(session, staff_id, now)
        session.flush()
        _keep_an_admin(session)
        audit.record(
            session,
            boss.actor,
            "staff.change",
            "staff",
            staff_id,
            now=now,
            status=person.status,
            grants=None if grants is None else _grant_words(grants),
        )
    return view(staff_id)


def reset_password(*, staff_id: int, boss: Boss, now: datetime) -> str:
    """A new temporary password, told once; all sessions of the person end. Raises `NotFound`."""
    password = temporary()
    with transaction() as session:
        person = _reachable(session, staff_id, boss)
        person.password_hash = hashed(password, person.login)
        person.version += 1
        _end_sessions(session, staff_id, now)
        audit.record(session, boss.actor, "staff.reset_password", "staff", staff_id, now=now)
    return password


def view(staff_id: int) -> StaffView:
    """Raises `NotFound`."""
    found = _views("p.id = :id", {"id": staff_id, "limit": 1})
    if not found:
        raise NotFound
    return found[0]


def by_login(login: str) -> StaffView:
    """Raises `NotFound`."""
    found = _views("p.login = :login", {"login": login.strip().lower(), "limit": 1})
    if not found:
        raise NotFound
    return found[0]


def listing(*, boss: Boss, limit: int, after: int | None) -> list[StaffView]:
    """The people within the boss's reach, in the order in which they were added."""
    stores = None if boss.grants is None else stores_with(boss.grants, MANAGE_STAFF)
    return _views(
        """p.id > :after AND (CAST(:stores AS bigint[]) IS NULL OR (
            EXISTS (SELECT FROM staff_roles r WHERE r.staff_id = p.id AND r.store_id = ANY(:stores))
            AND NOT EXISTS (SELECT FROM staff_roles r WHERE r.staff_id = p.id
                AND (r.store_id IS NULL OR r.store_id <> ALL(:stores)))))""",
        {"after": after or 0, "stores": None if stores is None else sorted(stores), "limit": limit},
    )


def _views(where: str, arguments: dict[str, object]) -> list[StaffView]:
    with reading() as connection:
        rows = connection.execute(
            text(f"""
                SELECT p.id, p.login, p.staff_no, p.name, p.status, p.version,
                    coalesce((SELECT json_agg(json_build_array(r.role, r.store_id) ORDER BY r.id)
                        FROM staff_roles r WHERE r.staff_id = p.id), '[]') AS grants
                FROM staff p WHERE {where} ORDER BY p.id LIMIT :limit"""),  # noqa: S608  # literals of this module
            arguments,
        ).all()
    return [
        StaffView(
            id=row.id,
            login=row.login,
            staff_no=row.staff_no,
            name=row.name,
            status=row.status,
            version=row.version,
            grants=tuple(Grant(role, store_id) for role, store_id in row.grants),
        )
        for row in rows
    ]


def _reachable(session: Session, staff_id: int, boss: Boss) -> Staff:
    """The person, locked. A manager reaches those whose every role they could have given themselves."""
    person = session.get(Staff, staff_id, with_for_update=True)
    if person is None:
        raise NotFound
    roles = session.execute(
        select(StaffRole.role, StaffRole.store_id).where(StaffRole.staff_id == staff_id)
    ).all()
    if boss.grants is not None and not all(boss.may_give(Grant(r.role, r.store_id)) for r in roles):
        raise NotFound
    return person


def _check_grants(grants: tuple[Grant, ...], boss: Boss) -> None:
    if any(grant.role not in RIGHTS for grant in grants):
        raise RoleUnknown
    if not grants or not all(boss.may_give(grant) for grant in grants):
        raise Forbidden


def _write_grants(session: Session, staff_id: int, grants: tuple[Grant, ...]) -> None:
    for grant in dict.fromkeys(grants):
        session.execute(insert(StaffRole).values(staff_id=staff_id, role=grant.role, store_id=grant.store_id))


def _end_sessions(session: Session, staff_id: int, now: datetime) -> None:
    session.execute(
        update(StaffSession)
        .where(StaffSession.staff_id == staff_id, StaffSession.revoked_at.is_(None))
        .values(revoked_at=now)
    )


def _keep_an_admin(session: Session) -> None:
    left = session.execute(
        text("""SELECT count(*) FROM staff p JOIN staff_roles r ON r.staff_id = p.id
            WHERE p.status = 'active' AND r.role = 'admin' AND r.store_id IS NULL""")
    ).scalar_one()
    if left == 0:
        raise LastAdmin


def _grant_words(grants: tuple[Grant, ...]) -> list[str]:
    return [grant.role if grant.store_id is None else f"{grant.role}@{grant.store_id}" for grant in grants]
