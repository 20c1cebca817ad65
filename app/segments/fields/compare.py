"""Comparing what is known of a member with what a condition asks; never NULL."""

from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, not_, or_, true

from app.segments.fields.field import Condition
from app.segments.gathering import Gathering


def number(figure: ColumnElement[Any], asked: Condition) -> ColumnElement[bool]:
    """A figure that is 0 of a member who has none."""
    low, high = bounds(asked)
    # That it is known is said apart: so the planner sees that members without any may be left out.
    enough = true() if low <= 0 else and_(figure.is_not(None), figure >= low)
    return enough if high is None else and_(enough, or_(figure.is_(None), figure <= high))


def any_of(count: ColumnElement[Any], asked: Condition) -> ColumnElement[bool]:
    """Whether there is one, or (`none_of`) none, of those counted."""
    there = and_(count.is_not(None), count > 0)
    return there if asked.op == "any_of" else not_(there)


def flag(truth: SQLColumnExpression[bool], asked: Condition) -> ColumnElement[bool]:
    return and_(truth) if asked.value else not_(truth)


def days_ago(day: ColumnElement[Any], asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    """How many days ago that date was: today is 0. Of a member without one nothing holds."""
    fewest, most = bounds(asked)
    within = [] if most is None else [day >= gathering.day(most)]
    return and_(day.is_not(None), day <= gathering.day(fewest), *within)


def days_since(at: SQLColumnExpression[Any], asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    """The same of an instant, by the chain's calendar."""
    fewest, most = bounds(asked)
    within = [] if most is None else [at >= gathering.begins(most)]
    return and_(at.is_not(None), at < gathering.begins(fewest - 1), *within)


def bounds(asked: Condition) -> tuple[int, int | None]:
    """The least and the most that fit."""
    match asked.op:
        case "at_least":
            return asked.value, None
        case "at_most":
            return 0, asked.value
        case _:
            low, high = asked.value
            return low, high
