"""Writing a fact: called by whoever made it true, inside the same transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db import into
from app.facts.models import Fact


def tell(
    session: Session,
    kind: str,
    *,
    subject: str,
    member_id: int | None,
    payload: dict[str, Any],
    now: datetime,
) -> None:
    """`subject` is the public id of what the fact is about; `payload` holds what consumers need and no more."""
    session.execute(
        into(Fact),
        {
            "kind": kind,
            "subject": subject,
            "member_id": member_id,
            "payload": payload,
            "created_at": now,
        },
    )


def tell_each(
    session: Session,
    kind: str,
    *,
    members: Mapping[str, int],
    now: datetime,
    payloads: Mapping[str, dict[str, Any]] | None = None,
) -> None:
    """The same of many members, by the subject of each; `payloads`, if there are any, by the subject too."""
    told = [
        {
            "kind": kind,
            "subject": subject,
            "member_id": member_id,
            "payload": payloads[subject] if payloads else {},
            "created_at": now,
        }
        for subject, member_id in members.items()
    ]
    if told:
        session.execute(into(Fact), told)
