"""What members may change about themselves."""

from datetime import date, datetime
from typing import TypedDict

import psycopg
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app import audit, idempotency
from app.db import transaction
from app.errors import Conflict, Invalid, Unauthenticated
from app.facts.tell import tell
from app.members.home import open_store
from app.members.models import Member
from app.members.names import cleaned
from app.members.phones import PhoneVault

_EARLIEST_BIRTHDAY = date(1900, 1, 1)
_ONE_MEMBER_A_NUMBER = "uq_members_phone_index"
#: Guardian consent is needed below 14 (PIPL Art. 31); we do not ask for it, so such birthdays are refused.
_YOUNGEST_YEARS = 14


class BirthdayAlreadySet(Conflict):
    """Once only: a birthday gift each week is not what it is for."""

    code = "birthday_already_set"


class BirthdayImpossible(Invalid):
    """Too young, not yet born, or born before 1900."""

    code = "birthday_impossible"


class PhoneInUse(Conflict):
    """The number belongs to another member; joining two accounts is done at the counter."""

    code = "phone_in_use"


class Changes(TypedDict, total=False):
    name: str
    birthday: date
    language: str
    home_store: str


def change(session: Session, member_id: int, changes: Changes, *, now: datetime) -> None:
    """Apply what is given; an empty name clears it.

    Raises `NameImpossible`, `BirthdayAlreadySet`, `BirthdayImpossible`, `NotFound` for a store that is not open.
    """
    if not changes:
        return
    if "name" in changes:
        changes = {**changes, "name": cleaned(changes["name"])}
    member = locked(session, member_id)
    if "birthday" in changes:
        _check_birthday(member, changes["birthday"], now)
        member.birthday_set_at = member.birthday_set_at or now
    for field, value in changes.items():
        if field == "home_store":
            member.home_store_id = open_store(session, changes["home_store"])
        else:
            setattr(member, field, value)
    me = audit.Actor(type="member", id=member_id)
    audit.record(session, me, "member.change", "member", member_id, now=now, fields=sorted(changes))
    if {"name", "birthday"} & set(changes):
        _tell(session, member, now)


def bind_phone(
    *,
    member_id: int,
    phone: str,
    vault: PhoneVault,
    request: idempotency.Request,
    answer: object,
    now: datetime,
) -> None:
    """Keep the verified number and the answer to `request`.

    Raises `PhoneInUse` when another member has the number, `KeyReused` when the key served for another number
    meanwhile, `PhoneMalformed`, `Busy`.
    """
    try:
        with transaction() as session:
            if idempotency.claim(session, request, type(answer)) is not None:
                return  # a twin that had the same number from the same code was faster
            member = locked(session, member_id)
            member.phone_cipher = vault.seal(phone, member.public_id)
            member.phone_index = vault.index(phone)
            me = audit.Actor(type="member", id=member_id)
            audit.record(session, me, "member.bind_phone", "member", member_id, now=now)
            _tell(session, member, now)
            idempotency.remember(session, request, answer, now)
    except IntegrityError as error:
        if _constraint(error) == _ONE_MEMBER_A_NUMBER:
            _tell_in_use(member_id, now)
            raise PhoneInUse from None  # the driver's words hold the index
        raise


def _tell_in_use(member_id: int, now: datetime) -> None:
    """That they hold a number of somebody else's, or of a membership of their own that ended."""
    with transaction() as session:
        member = session.get_one(Member, member_id)
        tell(session, "phone_in_use", subject=member.public_id, member_id=member_id, payload={}, now=now)


def _tell(session: Session, member: Member, now: datetime) -> None:
    """Which fields are told stands in the record, where whoever reacts looks."""
    tell(session, "profile_changed", subject=member.public_id, member_id=member.id, payload={}, now=now)


def locked(session: Session, member_id: int) -> Member:
    """The member, held until the transaction ends. Raises `Unauthenticated` for a membership that stopped.

    Not against rows that only refer to them, as in app/identity/consent.py: a worker writes such into the inbox.
    """
    mine = select(Member).where(Member.id == member_id).with_for_update(key_share=True)
    member = session.execute(mine).scalar_one()
    if member.status != "active":
        # Consent was taken back, or the member frozen, while the request was on its way.
        raise Unauthenticated
    return member


def _check_birthday(member: Member, birthday: date, now: datetime) -> None:
    if member.birthday is not None and member.birthday != birthday:
        raise BirthdayAlreadySet
    # The day in UTC: in China a birthday counts from 8 o'clock in the morning, late but never early.
    if birthday < _EARLIEST_BIRTHDAY or age_years(birthday, now.date()) < _YOUNGEST_YEARS:
        raise BirthdayImpossible


def age_years(birthday: date, day: date) -> int:
    """Completed years of life on that day; who was born on 29 February completes one on 1 March."""
    return day.year - birthday.year - ((day.month, day.day) < (birthday.month, birthday.day))


def _constraint(error: IntegrityError) -> str | None:
    return error.orig.diag.constraint_name if isinstance(error.orig, psycopg.Error) else None
