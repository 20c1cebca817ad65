"""What a segment was when it was used: who is meant is written down once, and stays, whatever becomes of the members.

A snapshot says who was meant, not who may be told: whoever tells them looks at status and consent of that moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, insert, literal, select
from sqlalchemy.orm import Session

from app import audit
from app.db import transaction
from app.ids import new_id
from app.members.models import Member
from app.segments.asking import SNAPSHOT_S, patient
from app.segments.compile import members
from app.segments.models import SegmentListMember, SegmentSnapshot, SegmentVersion, SnapshotMember
from app.segments.rule import parse
from app.segments.save import locked
from app.segments.segment import SegmentView, one


@dataclass(frozen=True, kw_only=True)
class SnapshotView:
    id: str
    segment_id: str
    version: int
    members: int
    made_at: datetime


def make(*, segment_id: str, version: int, actor: audit.Actor, now: datetime) -> SnapshotView:
    """Raises as `take`."""
    with transaction() as session:
        return take(session, segment_id, version, actor=actor, now=now)


def take(
    session: Session, segment_id: str, version: int, *, actor: audit.Actor, now: datetime
) -> SnapshotView:
    """Who that version means now, which must be the one that holds.

    Raises `NotFound`, `VersionConflict`, `SegmentArchived`, `SegmentTooSlow`.
    """
    locked(session, segment_id, version)
    snapshot_id = new_id(now)
    meant = meant_by(one(session, segment_id), now).subquery()
    rows = insert(SnapshotMember).from_select(
        ["snapshot_id", "member_id"], select(literal(snapshot_id), meant.c.id)
    )
    kept = rows.returning(SnapshotMember.member_id).cte("kept")
    count = select(func.count()).select_from(kept).scalar_subquery()
    # In one statement: the snapshot says how many there are, and is never changed.
    written = (
        insert(SegmentSnapshot)
        .values(
            id=snapshot_id,
            segment_id=segment_id,
            version=version,
            members=count,
            made_by=actor.id,
            made_at=now,
        )
        .returning(SegmentSnapshot.members)
    )
    with patient(session, SNAPSHOT_S):
        found = session.execute(written).scalar_one()
    told = {"version": version, "members": found}
    audit.record(
        session, actor, "segment.snapshot", "segment", segment_id, now=now, snapshot=snapshot_id, **told
    )
    return SnapshotView(id=snapshot_id, segment_id=segment_id, version=version, members=found, made_at=now)


def take_agreed(
    session: Session, segment_id: str, version: int, *, actor: audit.Actor, now: datetime
) -> SnapshotView:
    """The same for what was agreed to at that version: another name since then changes nobody who is meant.

    Raises as `take`.
    """
    holds = locked(session, segment_id, None).version
    rules = [session.get_one(SegmentVersion, (segment_id, one)).rule for one in (version, holds)]
    same = rules[0] == rules[1]
    return take(session, segment_id, holds if same else version, actor=actor, now=now)


def meant_by(segment: SegmentView, now: datetime) -> Select[int]:
    """Selects the ids of the members that the segment, by rule or by list, means at that moment."""
    if segment.rule is not None:
        return members(parse(dict(segment.rule)).tree, now=now)
    return (
        select(Member.id)
        .join(SegmentListMember, SegmentListMember.member_id == Member.id)
        .where(SegmentListMember.segment_id == segment.id, Member.status == "active")
    )


def list_snapshots(*, segment_id: str, limit: int, before: str | None) -> Sequence[SnapshotView]:
    """Newest first. Raises `NotFound`."""
    asked = select(SegmentSnapshot).where(SegmentSnapshot.segment_id == segment_id)
    if before is not None:
        asked = asked.where(SegmentSnapshot.id < before)
    with transaction() as session:
        one(session, segment_id)
        return [
            SnapshotView(
                id=row.id,
                segment_id=row.segment_id,
                version=row.version,
                members=row.members,
                made_at=row.made_at,
            )
            for row in session.scalars(asked.order_by(SegmentSnapshot.id.desc()).limit(limit))
        ]
