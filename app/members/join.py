"""A member comes into being, together with the consent that allows it."""

import secrets
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from app.facts.tell import tell
from app.ids import new_id
from app.members.models import Consent, Member

MEMBERSHIP = "membership"


def join(session: Session, *, policy_version: str, source: str, language: str, now: datetime) -> Member:
    """Create a member who agreed to `policy_version` at `source` (the name of the chat app)."""
    member = session.get_one(Member, _insert_with_free_number(session, language, now))
    agree(session, member.id, policy_version=policy_version, source=source, now=now)
    tell(session, "member_joined", subject=member.public_id, member_id=member.id, payload={}, now=now)
    return member


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
    """Record that the member agreed to this version of the text."""
    session.execute(
        insert(Consent).values(
            member_id=member_id,
            purpose=MEMBERSHIP,
            policy_version=policy_version,
            action="given",
            source=source,
            at=now,
        )
    )


def _insert_with_free_number(session: Session, language: str, now: datetime) -> int:
    """Member numbers are random, so that nobody reads our growth off them; a taken one is drawn again."""
    while True:
        number = str(1_000_000_000 + secrets.randbelow(9_000_000_000))
        row = session.execute(
            upsert(Member)
            .values(public_id=new_id(now), member_no=number, language=language, joined_at=now)
            .on_conflict_do_nothing(index_elements=["member_no"])
            .returning(Member.id)
        ).one_or_none()
        if row is not None:
            return int(row.id)
