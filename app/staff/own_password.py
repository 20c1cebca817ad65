"""Changing one's own password: the temporary one that a manager told, or any other."""

from datetime import datetime

from sqlalchemy import select, update

from app import audit
from app.db import reading, transaction
from app.errors import Invalid
from app.staff.models import Staff
from app.staff.passwords import hashed, matches
from app.staff.sign_in import SignedInStaff, end_sessions
from app.throttle import Limit, Throttle

#: Failures. Whoever finds a browser signed in must not guess on until the password is theirs.
PER_PERSON = Limit("own_password", 5, 15 * 60)


class CurrentPasswordWrong(Invalid):
    code = "current_password_wrong"


class PasswordUnchanged(Invalid):
    code = "password_unchanged"


def change_own_password(
    *, person: SignedInStaff, current: str, new: str, throttle: Throttle, now: datetime
) -> None:
    """Set a new password; every other session of the person ends.

    Raises `CurrentPasswordWrong`, `PasswordUnchanged`, `PasswordTooWeak`, `TooMany` after failures.
    """
    with throttle.failing(PER_PERSON, person.id, failure=CurrentPasswordWrong):
        _change(person, current, new, now)


def _change(person: SignedInStaff, current: str, new: str, now: datetime) -> None:
    with reading() as connection:
        account = connection.execute(
            select(Staff.login, Staff.password_hash).where(Staff.id == person.id)
        ).one()
    # No transaction is open here: the hashes take their time on purpose.
    if not matches(current, account.password_hash):
        raise CurrentPasswordWrong
    if new == current:
        raise PasswordUnchanged
    new_hash = hashed(new, account.login)
    with transaction() as session:
        changed = session.execute(
            update(Staff)
            .where(Staff.id == person.id, Staff.password_hash == account.password_hash)
            .values(password_hash=new_hash, password_expires_at=None)
            .returning(Staff.id)
        ).one_or_none()
        if changed is None:
            raise CurrentPasswordWrong
        end_sessions(session, person.id, now, but=person.session_hash)
        actor = audit.Actor(type="staff", id=person.id)
        audit.record(session, actor, "staff.change_password", "staff", person.id, now=now)
