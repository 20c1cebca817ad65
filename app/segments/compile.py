"""A rule as one question to the database, in SQLAlchemy's own terms: no text of anybody's becomes SQL."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, not_, or_, select

from app.members.models import Member
from app.segments.fields.field import Condition
from app.segments.gathering import Gathering
from app.segments.rule import All, Not, Some, Tree


def members(tree: Tree, *, now: datetime, ids: range | None = None) -> Select[int]:
    """Selects the ids of the members that the rule means at that moment; `ids`: of those members alone.

    Only active ones: who closed the membership, took consent back or is frozen (and may have taken it back as well,
    app/members/consent.py) is in no segment, whatever the rule says.
    """
    gathering = Gathering(now, ids)
    wanted = _sql(tree, gathering)
    there = gathering.joined(Member.__table__, Member.id)
    return (
        select(Member.id)
        .select_from(there)
        .where(Member.status == "active", *gathering.among_these(Member.id), wanted)
    )


def _sql(tree: Tree, gathering: Gathering) -> ColumnElement[bool]:
    match tree:
        case Condition():
            return tree.sql(gathering)
        case Not():
            return not_(_sql(tree.of, gathering))
        case All():
            return and_(*_each(tree.of, gathering))
        case Some():
            return or_(*_each(tree.of, gathering))


def _each(trees: tuple[Tree, ...], gathering: Gathering) -> list[Any]:
    return [_sql(one, gathering) for one in trees]
