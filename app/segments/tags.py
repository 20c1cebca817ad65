"""Tags: words that somebody puts on members, and takes off."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app import audit
from app.db import transaction
from app.segments.by_number import Changed, named, put
from app.segments.models import MemberTag


@dataclass(frozen=True, kw_only=True)
class TagView:
    """`members` have it."""

    tag: str
    members: int


def put_on(*, tag: str, numbers: Sequence[str], actor: audit.Actor, now: datetime) -> Changed:
    """As often as wanted: who has it keeps it."""
    with transaction() as session:
        found = named(session, numbers)
        return found.changed(put_on_each(session, tag, found.ids, actor=actor, now=now))


def put_on_each(
    session: Session, tag: str, member_ids: Sequence[int], *, actor: audit.Actor, now: datetime
) -> list[int]:
    """In the caller's transaction; who did not have it."""
    rows = [{"tag": tag, "member_id": one, "given_by": actor.id, "given_at": now} for one in member_ids]
    added = put(session, MemberTag, rows)
    audit.record(session, actor, "member.tag", "tag", tag, now=now, members=sorted(added))
    return added


def take_off(*, tag: str, numbers: Sequence[str], actor: audit.Actor, now: datetime) -> Changed:
    with transaction() as session:
        found = named(session, numbers)
        return found.changed(take_off_each(session, tag, found.ids, actor=actor, now=now))


def take_off_each(
    session: Session, tag: str, member_ids: Sequence[int], *, actor: audit.Actor, now: datetime
) -> list[int]:
    """In the caller's transaction; who had it."""
    statement = delete(MemberTag).where(MemberTag.tag == tag, MemberTag.member_id.in_(member_ids))
    gone = list(session.scalars(statement.returning(MemberTag.member_id)))
    audit.record(session, actor, "member.untag", "tag", tag, now=now, members=sorted(gone))
    return gone


def list_tags(*, limit: int, behind: int) -> Sequence[TagView]:
    """Those in use, in the order of their letters, without the first so many: a tag fits into no cursor."""
    asked = select(MemberTag.tag, func.count().label("members")).group_by(MemberTag.tag).offset(behind)
    with transaction() as session:
        return [
            TagView(tag=row.tag, members=row.members)
            for row in session.execute(asked.order_by(MemberTag.tag).limit(limit))
        ]


def forget(session: Session, member_id: int) -> None:
    """Take every tag off a member: they took consent back."""
    session.execute(delete(MemberTag).where(MemberTag.member_id == member_id))
