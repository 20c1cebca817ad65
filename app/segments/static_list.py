"""Lists of members: who is put in, who is taken out."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app import audit
from app.db import transaction
from app.errors import Conflict
from app.segments.by_number import Changed, named, put
from app.segments.models import SegmentListMember
from app.segments.rule import SegmentMalformed
from app.segments.save import locked

MOST_LISTED = 200_000


class SegmentListFull(Conflict):
    """Data: `most`, members in a list."""

    code = "segment_list_full"


def put_in(*, segment_id: str, numbers: Sequence[str], actor: audit.Actor, now: datetime) -> Changed:
    """As often as wanted: who is in it stays. Raises `NotFound`, `SegmentMalformed` for one by rule,
    `SegmentArchived`, `SegmentListFull`."""
    with transaction() as session:
        _list(session, segment_id)
        found = named(session, numbers)
        rows = [
            {"segment_id": segment_id, "member_id": one, "added_by": actor.id, "added_at": now}
            for one in found.ids
        ]
        added = put(session, SegmentListMember, rows)
        here = select(func.count()).where(SegmentListMember.segment_id == segment_id)
        if session.execute(here).scalar_one() > MOST_LISTED:
            raise SegmentListFull(most=MOST_LISTED)
        audit.record(session, actor, "segment.put_in", "segment", segment_id, now=now, members=sorted(added))
        return found.changed(added)


def take_out(*, segment_id: str, numbers: Sequence[str], actor: audit.Actor, now: datetime) -> Changed:
    """Raises `NotFound`, `SegmentMalformed`, `SegmentArchived`."""
    with transaction() as session:
        _list(session, segment_id)
        found = named(session, numbers)
        statement = delete(SegmentListMember).where(
            SegmentListMember.segment_id == segment_id, SegmentListMember.member_id.in_(found.ids)
        )
        gone = list(session.scalars(statement.returning(SegmentListMember.member_id)))
        audit.record(session, actor, "segment.take_out", "segment", segment_id, now=now, members=sorted(gone))
        return found.changed(gone)


def _list(session: Session, segment_id: str) -> None:
    if locked(session, segment_id, None).kind != "list":
        raise SegmentMalformed(reason="members: only a list has them")


def forget(session: Session, member_id: int) -> None:
    """Take a member out of every list: they took consent back."""
    session.execute(delete(SegmentListMember).where(SegmentListMember.member_id == member_id))
