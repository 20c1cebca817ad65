"""How many members a rule means right now, and some of them: nothing is saved."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select, text
from sqlalchemy.orm import Session

from app.db import transaction
from app.members.models import Member
from app.segments.asking import PREVIEW_S, patient, take_place
from app.segments.compile import members
from app.segments.names import check_names
from app.segments.rule import Rule
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


def preview(*, rule: Rule, now: datetime) -> Preview:
    """Up to `MOST_SAMPLED` of them, the same each time. Raises `SegmentMalformed`, `SegmentsBusy`, `SegmentTooSlow`."""
    with transaction() as session:
        session.execute(text("SET TRANSACTION READ ONLY"))
        check_names(session, rule)
        take_place(session)
        with patient(session, PREVIEW_S):
            count, sampled = _asked(session, rule, now)
        return Preview(count=count, sample=shown(session, sampled))


def _asked(session: Session, rule: Rule, now: datetime) -> tuple[int, list[int]]:
    """Counted and sampled in one go: to find out who is meant is what takes the time."""
    meant = members(rule.tree, now=now).subquery()
    found = session.execute(
        select(meant.c.id, func.count().over().label("n")).order_by(shuffled(meant.c.id)).limit(MOST_SAMPLED)
    ).all()
    return (found[0].n if found else 0), [row.id for row in found]


def shuffled(member_id: ColumnElement[int]) -> ColumnElement[int]:
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
