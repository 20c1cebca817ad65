"""A member whose battery is dead: the clerk types the phone number, and gets a ticket that earns and nothing more.

A number proves nothing, anybody may know it. So the ticket spends nothing, a clerk's name stands under every look-up,
looking up is limited and logged, and the member's receipt says how they were found. Nobody, and somebody whose
membership rests, look the same.
"""

import hashlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, ClassVar, Self

from msgspec import Meta
from sqlalchemy import Row, select, text
from sqlalchemy.orm import Session

from app import audit, idempotency, policies
from app.checkout.daily_models import PhoneFind
from app.checkout.models import ScanTicket
from app.checkout.scan import TICKET_LIFE
from app.db import into, transaction
from app.errors import Conflict, Forbidden, NotFound, TooMany
from app.ids import new_id, new_secret
from app.members.phones import PhoneVault, dialled
from app.staff.clerks import named_clerk
from app.staff.models import Staff
from app.stores.tills import Till
from app.throttle import Limit, Throttle
from app.tiers.card import TierName, masked_name

PER_TERMINAL = Limit("find_by_phone", 10, 10 * 60)
#: Several clerks after one person.
PER_NUMBER = Limit("find_by_phone_number", 5, 3600)
_DAY = timedelta(hours=24)


class FindByPhonePolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whether clerks may find members by phone, and how often one of them within 24 hours."""

    NAME: ClassVar[str] = "find_by_phone"

    enabled: bool = True
    per_clerk_a_day: Annotated[int, Meta(ge=1, le=1_000)] = 20

    def loosens(self, former: Self) -> bool:
        return (self.enabled and not former.enabled) or self.per_clerk_a_day > former.per_clerk_a_day


class FindByPhoneOff(Forbidden):
    """The brand does not let clerks find members by phone."""

    code = "find_by_phone_off"


class MemberNotFound(NotFound):
    """No active member has this number."""

    code = "member_not_found"


class TicketEarnsOnly(Conflict):
    """The member was found by phone: the ticket earns in the sale that is rung up, and opens nothing else."""

    code = "ticket_earns_only"


@dataclass(frozen=True, kw_only=True)
class Found:
    """As a scan, but without what there is to spend: the clerk may not spend it."""

    ticket: str
    expires_at: datetime
    name: str
    tier: TierName


def find_by_phone(
    *,
    till: Till,
    phone: str,
    request: idempotency.Request,
    vault: PhoneVault,
    throttle: Throttle,
    now: datetime,
) -> Found:
    """Find the member with that number; the same key gives the same ticket again.

    Raises `PhoneMalformed`, `MemberNotFound`, `FindByPhoneOff`, `TooMany` (terminal, number, or clerk), `Forbidden`
    without a clerk who may sell here, `KeyReused`, `Busy`.
    """
    index = vault.index(dialled(phone))
    # What was asked holds the number, and a plain hash of one is soon guessed.
    request = replace(request, hash=vault.blind(request.hash))
    # Before it could count once more.
    former = idempotency.given(request, Found)
    if former is not None:
        return former
    throttle.hit(PER_TERMINAL, till.terminal_id)
    throttle.hit(PER_NUMBER, hashlib.sha256(index).hexdigest()[:16])
    with transaction() as session:
        former = idempotency.claim(session, request, Found)
        if former is not None:
            return former
        found = _find(session, till, index, now)
        if found is not None:
            idempotency.remember(session, request, found, now)
    # Only now: the look-up is on record, whatever came of it.
    if found is None:
        raise MemberNotFound
    return found


def _find(session: Session, till: Till, index: bytes, now: datetime) -> Found | None:
    till, staff_id = named_clerk(session, till)
    _check_limit(session, staff_id, now)
    member = session.execute(_MEMBER, {"index": index}).one_or_none()
    _write_down(session, till, staff_id, None if member is None else member.id, now)
    return None if member is None else _ticket(session, till, member, now)


_MEMBER = text("""
    SELECT m.id, m.name, t.code, t.name_zh, t.name_en FROM members m JOIN tiers t ON t.id = m.tier_id
    WHERE m.phone_index = :index AND m.status = 'active'""")
_LATEST = text("""
    SELECT count(*) AS n, min(at) AS since FROM (
        SELECT at FROM phone_finds WHERE staff_id = :staff_id AND at > :since ORDER BY at DESC LIMIT :most) x""")


def _check_limit(session: Session, staff_id: int, now: datetime) -> None:
    """In the database, because it must hold without Redis as well; one look-up of a clerk after the other."""
    policy = policies.in_force(session, FindByPhonePolicy).value
    if not policy.enabled:
        raise FindByPhoneOff
    one_at_a_time(session, staff_id)
    values = {"staff_id": staff_id, "since": now - _DAY, "most": policy.per_clerk_a_day}
    latest = session.execute(_LATEST, values).one()
    if latest.n >= policy.per_clerk_a_day:
        wait = min(latest.since + _DAY - now, _DAY)  # servers' clocks are not quite one
        raise TooMany(retry_after_s=max(1, math.ceil(wait.total_seconds())))


def one_at_a_time(session: Session, staff_id: int) -> None:
    """Whatever is counted by clerk waits here. Not a full lock: others name the clerk and need not wait."""
    session.execute(select(Staff.id).where(Staff.id == staff_id).with_for_update(key_share=True))


def _write_down(session: Session, till: Till, staff_id: int, member_id: int | None, now: datetime) -> None:
    session.execute(
        into(PhoneFind),
        {
            "id": new_id(now),
            "store_id": till.store_id,
            "terminal_id": till.terminal_id,
            "staff_id": staff_id,
            "member_id": member_id,
            "at": now,
        },
    )
    audit.record(
        session,
        audit.Actor(type="staff", id=staff_id),
        "member.find_by_phone",
        "member",
        "nobody" if member_id is None else member_id,
        now=now,
        store_id=till.store_id,
        terminal_id=till.terminal_id,
    )


def _ticket(session: Session, till: Till, member: Row[Any], now: datetime) -> Found:
    found = Found(
        ticket=new_secret(),
        expires_at=now + TICKET_LIFE,
        name=masked_name(member.name),
        tier=TierName(code=member.code, zh=member.name_zh, en=member.name_en),
    )
    session.execute(
        into(ScanTicket),
        {
            "id": found.ticket,
            "member_id": member.id,
            "terminal_id": till.terminal_id,
            "staff_id": till.staff_id,
            "created_at": now,
            "expires_at": found.expires_at,
            "found_by": "phone",
        },
    )
    return found
