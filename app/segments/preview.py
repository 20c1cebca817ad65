"""How many members a rule means right now, and some of them: nothing is saved."""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from app.db import transaction
from app.members.models import Member
from app.segments.asking import PREVIEW_S, patient, read_only, take_place, took_place
from app.segments.compile import members
from app.segments.names import check_names
from app.segments.rule import Rule
from app.segments.unknown import UnknownWord, unknown_words
from app.tiers.card import masked_name, masked_no
from app.tiers.models import Tier

MOST_SAMPLED = 20


@dataclass(frozen=True, kw_only=True)
class SampledMember:
    """Name and number are masked."""

    member_no: str
    name: str
    tier: str
    joined_at: datetime


@dataclass(frozen=True, kw_only=True)
class Preview:
    count: int
    sample: tuple[SampledMember, ...]
    unknown: tuple[UnknownWord, ...]


def preview(*, rule: Rule, now: datetime) -> Preview:
    """Up to `MOST_SAMPLED` of them, the same each time. Raises `SegmentMalformed`, `SegmentsBusy`, `SegmentTooSlow`."""
    with transaction() as session:
        read_only(session)
        check_names(session, rule)
        unknown = unknown_words(session, [rule.data])
        take_place(session)
        found = _shared(session, rule, now)
        return Preview(count=found.count, sample=shown(session, found.sampled), unknown=unknown)


@dataclass(frozen=True, kw_only=True)
class _Found:
    count: int
    sampled: Sequence[int]


_MIDDLE = select(func.coalesce((func.min(Member.id) + func.max(Member.id)) // 2, 0))
_END = 2**63 - 1


def _shared(session: Session, rule: Rule, now: datetime) -> _Found:
    """Half of the members each by two connections at once, while there is a place for the second one.

    The planner shares no grouping between processes that goes on to a join: each would group all of it.
    """
    has_place: Future[bool] = Future()
    middle = session.execute(_MIDDLE).scalar_one()
    with ThreadPoolExecutor(max_workers=1) as pool:
        other = pool.submit(_other_half, rule, now, range(middle, _END), has_place)
        if not has_place.result():
            return _asked(session, rule, now, None)
        own, rest = _asked(session, rule, now, range(middle)), other.result()
    sampled = sorted([*own.sampled, *rest.sampled], key=shuffled)[:MOST_SAMPLED]
    return _Found(count=own.count + rest.count, sampled=sampled)


def _other_half(rule: Rule, now: datetime, ids: range, has_place: "Future[bool]") -> _Found:
    """Says beforehand whether it has a place; without one it finds nobody."""
    try:
        with transaction() as session:
            read_only(session)
            has_place.set_result(took_place(session))
            return _asked(session, rule, now, ids) if has_place.result() else _Found(count=0, sampled=())
    finally:
        if not has_place.done():
            has_place.set_result(False)


def _asked(session: Session, rule: Rule, now: datetime, ids: range | None) -> _Found:
    """Counted and sampled in one go: to find out who is meant is what takes the time."""
    meant = members(rule.tree, now=now, ids=ids).subquery()
    with patient(session, PREVIEW_S):
        found = session.execute(
            select(meant.c.id, func.count().over().label("n"))
            .order_by(shuffled(meant.c.id))
            .limit(MOST_SAMPLED)
        ).all()
    return _Found(count=found[0].n if found else 0, sampled=[row.id for row in found])


_Id = TypeVar("_Id", int, ColumnElement[int])


def shuffled(member_id: _Id) -> _Id:
    """An order that has nothing to do with who joined first."""
    return member_id * 7_368_787 % 9_999_991


def shown(session: Session, member_ids: Sequence[int]) -> tuple[SampledMember, ...]:
    """These members, masked."""
    rows = session.execute(
        select(Member.member_no, Member.name, Tier.code, Member.joined_at)
        .join(Tier, Tier.id == Member.tier_id)
        .where(Member.id.in_(member_ids))
        .order_by(shuffled(Member.id.expression))
    )
    return tuple(
        SampledMember(
            member_no=masked_no(row.member_no),
            name=masked_name(row.name),
            tier=row.code,
            joined_at=row.joined_at,
        )
        for row in rows
    )
