"""Adding people, giving and taking roles, disabling, resetting passwords."""

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit
from app.db import into, reading, transaction
from app.errors import Conflict, Forbidden, Invalid, NotFound, VersionConflict
from app.staff.models import Staff, StaffRole
from app.staff.passwords import TEMPORARY_LIFE, hashed, temporary
from app.staff.roles import MANAGE_STAFF, RIGHTS, Grant, stores_with
from app.staff.sign_in import end_sessions

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


class DisabledFromAbove(Forbidden):
    """Somebody with a wider reach took the access away, and only such a person gives it back."""

    code = "disabled_from_above"


@dataclass(frozen=True, kw_only=True)
class Boss:
    """Who manages staff: the operator at the command line (no grants asked) or a staff member with theirs."""

    actor: audit.Actor
    grants: tuple[Grant, ...] | None

    def may_give(self, grant: Grant) -> bool:
        """Admins give any role; managers give clerk and marketer, in their own stores."""
        if self.grants is None or Grant("admin", None) in self.grants:
            return True
        return grant.role in ("clerk", "marketer") and self.reaches(grant)

    @property
    def rank(self) -> int:
        """2 for admins and the operator, 1 for those who manage people in all stores, 0 in some."""
        if self.grants is None or Grant("admin", None) in self.grants:
            return 2
        return 1 if stores_with(self.grants, MANAGE_STAFF) is None else 0

    def reaches(self, grant: Grant) -> bool:
        """Whether the grant is for a store in which this boss manages people."""
        stores = None if self.grants is None else stores_with(self.grants, MANAGE_STAFF)
        return stores is None or grant.store_id in stores


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
    own_password: bool = False,
) -> StaffView:
    """Add a person. The password is temporary (`TEMPORARY_LIFE`) unless it is one that they chose themselves.

    Raises `LoginTaken`, `LoginUnusable`, `PasswordTooWeak`, `RoleUnknown`; `Forbidden` for a role not to give.
    """
    login = login.strip().lower()
    if not _LOGIN.fullmatch(login) or not _STAFF_NO.fullmatch(staff_no):
        raise LoginUnusable
    _check_grants(grants, boss)
    password_hash = hashed(password, login)
    try:
        with transaction() as session:
            person = Staff(
                login=login,
                staff_no=staff_no,
                name=name,
                password_hash=password_hash,
                password_expires_at=None if own_password else now + TEMPORARY_LIFE,
                created_at=now,
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

    Raises `NotFound` for people outside the boss's reach, `VersionConflict`, `RoleUnknown`, `Forbidden`,
    `DisabledFromAbove`, `LastAdmin`.
    """
    with transaction() as session:
        admins = _admins(session)
        person = reachable(session, staff_id, boss)
        if person.version != version:
            raise VersionConflict(version=person.version)
        if grants is not None:
            _check_grants(grants, boss)
            session.execute(delete(StaffRole).where(StaffRole.staff_id == staff_id))
            _write_grants(session, staff_id, grants)
        person.name = name or person.name
        if status is not None:
            _set_status(person, status, boss)
        person.version += 1
        if person.status == "disabled":
            end_sessions(session, staff_id, now)
        session.flush()
        if admins and not _admins(session):
            raise LastAdmin
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


def _set_status(person: Staff, status: str, boss: Boss) -> None:
    former = person.disabled_rank
    if status == "active" and former is not None and boss.rank < former:
        raise DisabledFromAbove
    person.status = status
    # Who disables once more what was disabled from above does not bring it within their own reach.
    person.disabled_rank = None if status == "active" else max(boss.rank, former or 0)


def reset_password(*, staff_id: int, boss: Boss, now: datetime) -> str:
    """A new temporary password, told once, good for `TEMPORARY_LIFE`; all sessions of the person end, and so does
    their PIN.

    Raises `NotFound`, `Forbidden`.
    """
    login = view(staff_id).login
    password = temporary(login)
    password_hash = hashed(password, login)  # takes its time on purpose: not while the row is locked
    with transaction() as session:
        person = reachable(session, staff_id, boss)
        person.password_hash, person.password_expires_at = password_hash, now + TEMPORARY_LIFE
        # Whoever knew the password may have set the PIN.
        person.pin_hash = None
        person.version += 1
        end_sessions(session, staff_id, now)
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


def reachable(session: Session, staff_id: int, boss: Boss) -> Staff:
    """The person, locked. A manager changes those whose every role they could have given themselves.

    Raises `NotFound` for people of other stores, `Forbidden` for those of the manager's own who stand higher.
    """
    person = session.get(Staff, staff_id, with_for_update=True)
    if person is None:
        raise NotFound
    rows = session.execute(
        select(StaffRole.role, StaffRole.store_id).where(StaffRole.staff_id == staff_id)
    ).all()
    grants = [Grant(row.role, row.store_id) for row in rows]
    if not all(boss.reaches(grant) for grant in grants):
        raise NotFound
    if not all(boss.may_give(grant) for grant in grants):
        raise Forbidden
    return person


def _check_grants(grants: tuple[Grant, ...], boss: Boss) -> None:
    if any(grant.role not in RIGHTS for grant in grants):
        raise RoleUnknown
    if not grants or not all(boss.may_give(grant) for grant in grants):
        raise Forbidden


def _write_grants(session: Session, staff_id: int, grants: tuple[Grant, ...]) -> None:
    for grant in dict.fromkeys(grants):
        session.execute(
            into(StaffRole), {"staff_id": staff_id, "role": grant.role, "store_id": grant.store_id}
        )


def _admins(session: Session) -> int:
    """How many active admins there are. Their roles are locked first, so that two cannot remove each other at once;
    counting is a statement of its own, because one that waited for a lock still sees what was there before."""
    admin = (StaffRole.role == "admin") & StaffRole.store_id.is_(None)
    session.execute(select(StaffRole.id).where(admin).order_by(StaffRole.id).with_for_update())
    left = select(func.count()).select_from(StaffRole).join(Staff, Staff.id == StaffRole.staff_id)
    return session.execute(left.where(admin, Staff.status == "active")).scalar_one()


def _grant_words(grants: tuple[Grant, ...]) -> list[str]:
    return [grant.role if grant.store_id is None else f"{grant.role}@{grant.store_id}" for grant in grants]
