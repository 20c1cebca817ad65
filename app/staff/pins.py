"""A clerk's PIN: at a register whose key names only the machine, it proves who asks.

Six digits that the person sets in a session of their own, with their password. Nobody else ever knows it: a manager can
take one away, not make one. A register without it works on, with a second person (app/approvals/second_person.py).
"""

import re
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select, update

from app import audit
from app.db import reading, transaction
from app.errors import Invalid
from app.staff.accounts import Boss, reachable
from app.staff.clerks import PinWrong
from app.staff.models import Staff
from app.staff.own_password import PER_PERSON, CurrentPasswordWrong
from app.staff.passwords import hashed_pin, matches
from app.staff.sign_in import SignedInStaff
from app.stores.tills import Till
from app.throttle import Limit, Throttle

#: Wrong PINs. A million of them are few: so many a day, at all tills together, and it takes centuries on average.
PER_CLERK = Limit("pin_clerk", 20, 24 * 3600)
PER_CLERK_AND_TILL = Limit("pin_clerk_till", 5, 15 * 60)
#: Whoever tries one PIN with many names.
PER_TILL = Limit("pin_till", 20, 15 * 60)
_SIX_DIGITS = re.compile(r"[0-9]{6}", re.ASCII)
_RUNS = ("01234567890", "09876543210")


class PinTooWeak(Invalid):
    """Six digits, three different ones at least, and not one after the other."""

    code = "staff_pin_too_weak"


def prove(till: Till, pin: str | None, *, throttle: Throttle) -> Till:
    """The till with its clerk proven by the PIN; without one as it is.

    A wrong one is only noted: who asks again for an answer that was lost gets it, anything else is refused once the
    clerk is looked for (app/staff/clerks.py). No transaction may be open: the hash takes its time on purpose. Raises
    `TooMany` after failures.
    """
    if pin is None or till.staff_no is None:
        return till
    limits = (
        (PER_CLERK_AND_TILL, (till.staff_no, till.terminal_id)),
        (PER_TILL, (till.terminal_id,)),
        (PER_CLERK, (till.staff_no,)),
    )
    try:
        with ExitStack() as held:
            for limit, who in limits:
                held.enter_context(throttle.failing(limit, *who, failure=PinWrong))
            _check(till.staff_no, pin)
    except PinWrong:
        return replace(till, pin_wrong=True)
    return replace(till, proven=True)


def _check(staff_no: str, pin: str) -> None:
    mine = select(Staff.pin_hash).where(Staff.staff_no == staff_no, Staff.status == "active")
    with reading() as connection:
        pin_hash = connection.execute(mine).scalar_one_or_none()
    if not matches(pin, pin_hash):
        raise PinWrong


def set_own_pin(*, person: SignedInStaff, password: str, pin: str, throttle: Throttle, now: datetime) -> None:
    """Set one's PIN, in place of a former one.

    Whoever finds a browser signed in must know the password as well. Raises `CurrentPasswordWrong`, `PinTooWeak`,
    `TooMany` after wrong passwords.
    """
    if not _SIX_DIGITS.fullmatch(pin) or len(set(pin)) < 3 or any(pin in run for run in _RUNS):
        raise PinTooWeak
    with throttle.failing(PER_PERSON, person.id, failure=CurrentPasswordWrong):
        _set(person, password, hashed_pin(pin), now)


def _set(person: SignedInStaff, password: str, pin_hash: str, now: datetime) -> None:
    with reading() as connection:
        held = connection.execute(select(Staff.password_hash).where(Staff.id == person.id)).scalar_one()
    if not matches(password, held):
        raise CurrentPasswordWrong
    with transaction() as session:
        changed = session.execute(
            update(Staff)
            .where(Staff.id == person.id, Staff.password_hash == held)
            .values(pin_hash=pin_hash)
            .returning(Staff.id)
        ).one_or_none()
        if changed is None:
            raise CurrentPasswordWrong
        actor = audit.Actor(type="staff", id=person.id)
        audit.record(session, actor, "staff.set_pin", "staff", person.id, now=now)


def reset_pin(*, staff_id: int, boss: Boss, now: datetime) -> None:
    """Take a PIN away that somebody has seen; the person sets another one. Raises `NotFound`, `Forbidden`."""
    with transaction() as session:
        person = reachable(session, staff_id, boss)
        person.pin_hash = None
        person.version += 1
        # Not an act on the account: it opens nothing to the manager, who stays independent of the person.
        audit.record(session, boss.actor, "staff.reset_pin", "staff_pin", staff_id, now=now)
