"""Making, changing and archiving segments: each change is a version, and none is ever overwritten."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import audit
from app.db import into, transaction
from app.errors import Conflict, NotFound, VersionConflict
from app.ids import new_id
from app.segments.models import Segment, SegmentVersion
from app.segments.names import check_names
from app.segments.rule import Rule, SegmentMalformed
from app.segments.segment import Kind, SegmentView, one


class SegmentArchived(Conflict):
    code = "segment_archived"


def create(*, kind: Kind, name: str, rule: Rule | None, actor: audit.Actor, now: datetime) -> SegmentView:
    """A segment by that rule, or an empty list. Raises `SegmentMalformed`."""
    with transaction() as session:
        _check(session, kind, rule)
        segment_id = new_id(now)
        values = {"kind": kind, "name": name, "version": 1, "created_by": actor.id, "created_at": now}
        session.execute(
            into(Segment),
            {
                "id": segment_id,
                **values,
            },
        )
        _write(session, segment_id, 1, name, rule, actor, now)
        _record(session, actor, "segment.create", segment_id, now, kind=kind, after=_told(name, rule))
        return one(session, segment_id)


def change(
    *, segment_id: str, version: int, name: str, rule: Rule | None, actor: audit.Actor, now: datetime
) -> SegmentView:
    """The next version, whole. Raises `NotFound`, `VersionConflict`, `SegmentArchived`, `SegmentMalformed`."""
    with transaction() as session:
        segment = locked(session, segment_id, version)
        _check(session, segment.kind, rule)
        before = one(session, segment_id)
        segment.name, segment.version = name, version + 1
        session.flush()
        _write(session, segment_id, version + 1, name, rule, actor, now)
        told = {"before": {"name": before.name, "rule": before.rule}, "after": _told(name, rule)}
        _record(session, actor, "segment.change", segment_id, now, **told)
        return one(session, segment_id)


def archive(*, segment_id: str, version: int, actor: audit.Actor, now: datetime) -> SegmentView:
    """It stays to be read, with its snapshots. Raises `NotFound`, `VersionConflict`, `SegmentArchived`."""
    with transaction() as session:
        segment = locked(session, segment_id, version)
        segment.state = "archived"
        session.flush()
        _record(session, actor, "segment.archive", segment_id, now)
        return one(session, segment_id)


def locked(session: Session, segment_id: str, version: int | None) -> Segment:
    """An active segment, as it is until the transaction ends; `version` as somebody read it, if that matters.

    Raises `NotFound`, `VersionConflict`, `SegmentArchived`.
    """
    found = session.execute(select(Segment).where(Segment.id == segment_id).with_for_update())
    segment = found.scalar_one_or_none()
    if segment is None:
        raise NotFound
    if version is not None and segment.version != version:
        raise VersionConflict(version=segment.version)
    if segment.state == "archived":
        raise SegmentArchived
    return segment


def _check(session: Session, kind: str, rule: Rule | None) -> None:
    if (kind == "rule") != (rule is not None):
        raise SegmentMalformed(reason="rule: a segment by rule has one, and a list has none")
    if rule is not None:
        check_names(session, rule)


def _write(
    session: Session,
    segment_id: str,
    version: int,
    name: str,
    rule: Rule | None,
    actor: audit.Actor,
    now: datetime,
) -> None:
    session.execute(
        into(SegmentVersion),
        {
            "segment_id": segment_id,
            "version": version,
            "name": name,
            "rule": None if rule is None else rule.data,
            "made_by": actor.id,
            "made_at": now,
        },
    )


def _told(name: str, rule: Rule | None) -> dict[str, Any]:
    return {"name": name, "rule": None if rule is None else rule.data}


def _record(
    session: Session, actor: audit.Actor, action: str, segment_id: str, now: datetime, **data: Any
) -> None:
    audit.record(session, actor, action, "segment", segment_id, now=now, **data)
