"""A segment as it is read: by rule or by list, with the version that holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.db import transaction
from app.errors import NotFound
from app.members.models import Member
from app.segments.models import Segment, SegmentListMember, SegmentVersion
from app.tiers.card import masked_name, masked_no

Kind = Literal["rule", "list"]


@dataclass(frozen=True, kw_only=True)
class SegmentView:
    """`rule` is None of a list; `listed` is how many stand in it, active members or not, and None of a rule."""

    id: str
    kind: Kind
    name: str
    state: Literal["active", "archived"]
    version: int
    rule: Mapping[str, Any] | None
    listed: int | None
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, kw_only=True)
class VersionView:
    version: int
    name: str
    rule: Mapping[str, Any] | None
    made_at: datetime


@dataclass(frozen=True, kw_only=True)
class ListedMember:
    """Name and number are masked; `place` is the key of the page behind them."""

    place: int
    member_no: str
    name: str
    added_at: datetime


def one(session: Session, segment_id: str) -> SegmentView:
    """Raises `NotFound`."""
    found = session.execute(_segments().where(Segment.id == segment_id)).one_or_none()
    if found is None:
        raise NotFound
    return _view(found)


def show(*, segment_id: str) -> SegmentView:
    """Raises `NotFound`."""
    with transaction() as session:
        return one(session, segment_id)


def list_segments(*, state: str | None, limit: int, before: str | None) -> Sequence[SegmentView]:
    """Newest first."""
    asked = _segments().order_by(Segment.id.desc()).limit(limit)
    if state is not None:
        asked = asked.where(Segment.state == state)
    if before is not None:
        asked = asked.where(Segment.id < before)
    with transaction() as session:
        return [_view(row) for row in session.execute(asked)]


def versions(*, segment_id: str, limit: int, before: int | None) -> Sequence[VersionView]:
    """Newest first. Raises `NotFound`."""
    asked = select(SegmentVersion).where(SegmentVersion.segment_id == segment_id)
    if before is not None:
        asked = asked.where(SegmentVersion.version < before)
    with transaction() as session:
        one(session, segment_id)
        return [
            VersionView(version=row.version, name=row.name, rule=row.rule, made_at=row.made_at)
            for row in session.scalars(asked.order_by(SegmentVersion.version.desc()).limit(limit))
        ]


def listed(*, segment_id: str, limit: int, after: int | None) -> Sequence[ListedMember]:
    """Who stands in a list and is an active member. Raises `NotFound`, also for a segment by rule."""
    asked = (
        select(Member.id, Member.member_no, Member.name, SegmentListMember.added_at)
        .join(SegmentListMember, SegmentListMember.member_id == Member.id)
        .where(
            SegmentListMember.segment_id == segment_id, Member.status == "active", Member.id > (after or 0)
        )
    )
    with transaction() as session:
        if one(session, segment_id).kind != "list":
            raise NotFound
        return [
            ListedMember(
                place=row.id,
                member_no=masked_no(row.member_no),
                name=masked_name(row.name),
                added_at=row.added_at,
            )
            for row in session.execute(asked.order_by(Member.id).limit(limit))
        ]


def _segments() -> Select[Any]:
    here = SegmentListMember.segment_id == Segment.id
    return select(
        Segment,
        SegmentVersion.rule,
        SegmentVersion.made_at,
        select(func.count()).select_from(SegmentListMember).where(here).scalar_subquery().label("listed"),
    ).join(
        SegmentVersion,
        (SegmentVersion.segment_id == Segment.id) & (SegmentVersion.version == Segment.version),
    )


def _view(row: Any) -> SegmentView:
    segment = row.Segment
    return SegmentView(
        id=segment.id,
        kind=segment.kind,
        name=segment.name,
        state=segment.state,
        version=segment.version,
        rule=row.rule,
        listed=row.listed if segment.kind == "list" else None,
        created_at=segment.created_at,
        changed_at=row.made_at,
    )
