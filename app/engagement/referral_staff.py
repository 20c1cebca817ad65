"""Which members work here: said by whoever manages the person, since nothing else tells."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app import audit
from app.db import reading, transaction
from app.engagement.referral_models import StaffMembership
from app.errors import Conflict, NotFound
from app.staff.accounts import Boss, reachable


class MembershipTaken(Conflict):
    """The membership is another person's."""

    code = "membership_taken"


@dataclass(frozen=True, kw_only=True)
class Membership:
    member_no: str
    since: datetime


_MEMBER = text("SELECT id FROM members WHERE member_no = :member_no")
_OF = text("""
    SELECT m.member_no, l.created_at AS since FROM staff_memberships l JOIN members m ON m.id = l.member_id
    WHERE l.staff_id = :staff_id ORDER BY l.created_at, m.id LIMIT 100""")


def memberships(*, staff_id: int, boss: Boss) -> list[Membership]:
    """Of one person, the oldest first; nobody has a hundred. Raises `NotFound` for people outside the boss's reach."""
    with transaction() as session:
        reachable(session, staff_id, boss)
    with reading() as connection:
        return [Membership(**row._mapping) for row in connection.execute(_OF, {"staff_id": staff_id})]


def add(*, staff_id: int, member_no: str, boss: Boss, now: datetime) -> None:
    """Say that the member is this person; twice is once. Raises `NotFound`, `MembershipTaken`."""
    with transaction() as session:
        reachable(session, staff_id, boss)
        member_id = _member(session, member_no)
        row = insert(StaffMembership).values(member_id=member_id, staff_id=staff_id, created_at=now)
        fresh = row.on_conflict_do_nothing().returning(StaffMembership.member_id)
        if session.execute(fresh).one_or_none() is not None:
            _record(session, boss, "staff.add_membership", staff_id, member_id, now)
        elif session.get_one(StaffMembership, member_id).staff_id != staff_id:
            raise MembershipTaken


def remove(*, staff_id: int, member_no: str, boss: Boss, now: datetime) -> None:
    """Raises `NotFound`, also when it is none of theirs."""
    with transaction() as session:
        reachable(session, staff_id, boss)
        member_id = _member(session, member_no)
        gone = delete(StaffMembership).where(
            StaffMembership.member_id == member_id, StaffMembership.staff_id == staff_id
        )
        if not session.execute(gone).rowcount:  # type: ignore[attr-defined]
            raise NotFound
        _record(session, boss, "staff.remove_membership", staff_id, member_id, now)


def _member(session: Session, member_no: str) -> int:
    found = session.execute(_MEMBER, {"member_no": member_no}).scalar()
    if found is None:
        raise NotFound
    return int(found)


def _record(session: Session, boss: Boss, action: str, staff_id: int, member_id: int, now: datetime) -> None:
    audit.record(session, boss.actor, action, "staff", staff_id, now=now, member_id=member_id)
