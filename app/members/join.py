"""A member comes into being, together with the consent that allows it."""

import secrets
from datetime import datetime

from sqlalchemy.orm import Session

from app.db import into
from app.facts.tell import tell
from app.ids import new_id
from app.members.consent import agree
from app.members.models import Member


def join(session: Session, *, policy_version: str, source: str, language: str, now: datetime) -> Member:
    """Create a member who agreed to `policy_version` at `source` (the name of the chat app)."""
    member = session.get_one(Member, _insert_with_free_number(session, language, now))
    agree(session, member.id, policy_version=policy_version, source=source, now=now)
    tell(session, "member_joined", subject=member.public_id, member_id=member.id, payload={}, now=now)
    return member


def _insert_with_free_number(session: Session, language: str, now: datetime) -> int:
    """Member numbers are random, so that nobody reads our growth off them; a taken one is drawn again."""
    while True:
        number = str(1_000_000_000 + secrets.randbelow(9_000_000_000))
        row = session.execute(
            into(Member).on_conflict_do_nothing(index_elements=["member_no"]).returning(Member.id),
            {"public_id": new_id(now), "member_no": number, "language": language, "joined_at": now},
        ).one_or_none()
        if row is not None:
            return int(row.id)
