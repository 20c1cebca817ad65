"""What members agreed to and took back: an append-only record, the newest row counts (PIPL Art. 14, 15).

Taking it back also stops the membership, in the same transaction: status `withdrawn`, and every code that a phone may
hold is void. Agreeing again starts it where it stopped. Other transactions may have looked just before, so what they
leave behind (a ticket, a message) must look at the status itself when it is used.
"""

from datetime import datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

import scan_codes
from app.db import into
from app.members.models import Consent, Member

MEMBERSHIP = "membership"


def agreed_version(session: Session, member_id: int) -> str | None:
    """The version of the text the member last agreed to, None after a withdrawal."""
    newest = session.execute(
        select(Consent.action, Consent.policy_version)
        .where(Consent.member_id == member_id, Consent.purpose == MEMBERSHIP)
        .order_by(Consent.id.desc())
        .limit(1)
    ).one_or_none()
    return newest.policy_version if newest and newest.action == "given" else None


def agree(session: Session, member_id: int, *, policy_version: str, source: str, now: datetime) -> None:
    """Record that the member agreed to this version of the text at `source`; takes up a membership that stopped."""
    _record(session, member_id, "given", policy_version, source, now)
    # Codes are taken again as after a renewal: none that was on a screen, the next one at once.
    free = func.least(Member.codes_valid_from_step, scan_codes.step_of(now) + 1)
    session.execute(
        update(Member)
        .where(Member.id == member_id, Member.status == "withdrawn")
        .values(status="active", codes_valid_from_step=free)
    )


def withdraw(session: Session, member_id: int, *, policy_version: str, source: str, now: datetime) -> None:
    """Record that the member took back what they agreed to (`policy_version`), and stop the membership."""
    _record(session, member_id, "withdrawn", policy_version, source, now)
    # Beyond the longest pack that was handed out; one step more, because servers' clocks may differ by one.
    beyond = func.greatest(Member.codes_valid_from_step, scan_codes.step_of(now)) + scan_codes.PACK_MAX + 1
    # A membership that was frozen meanwhile stays so: consent is asked for at the next login all the same.
    stopped = case((Member.status == "active", "withdrawn"), else_=Member.status)
    session.execute(
        update(Member).where(Member.id == member_id).values(status=stopped, codes_valid_from_step=beyond)
    )


def is_withdrawn(session: Session, member_id: int) -> bool:
    """Whether the membership stopped because the member took consent back."""
    return session.execute(select(Member.status).where(Member.id == member_id)).scalar_one() == "withdrawn"


def _record(
    session: Session, member_id: int, action: str, policy_version: str, source: str, now: datetime
) -> None:
    session.execute(
        into(Consent),
        {
            "member_id": member_id,
            "purpose": MEMBERSHIP,
            "policy_version": policy_version,
            "action": action,
            "source": source,
            "at": now,
        },
    )
