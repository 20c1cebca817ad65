"""What members agreed to and took back: an append-only record, the newest row counts (PIPL Art. 14, 15)."""

from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.members.models import Consent

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
    """Record that the member agreed to this version of the text at `source`."""
    _record(session, member_id, "given", policy_version, source, now)


def withdraw(session: Session, member_id: int, *, policy_version: str, source: str, now: datetime) -> None:
    """Record that the member took back what they agreed to; `policy_version` is the text it was."""
    _record(session, member_id, "withdrawn", policy_version, source, now)


def _record(
    session: Session, member_id: int, action: str, policy_version: str, source: str, now: datetime
) -> None:
    session.execute(
        insert(Consent).values(
            member_id=member_id,
            purpose=MEMBERSHIP,
            policy_version=policy_version,
            action=action,
            source=source,
            at=now,
        )
    )
