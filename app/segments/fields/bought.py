"""What members bought: when last, how often, for how much, what, and where.

A purchase counts while something of it is kept, and its money less what was given back. Its day is that of its store,
as on the receipt. What is asked here was counted before (app/segments/totals.py), seconds after the purchase.
"""

from typing import Any

from sqlalchemy import ColumnElement, Integer, and_, case, func, select, type_coerce

from app.segments.fields.compare import any_of, bounds, days_ago, number
from app.segments.fields.field import MOST_DAYS, MOST_FEN, NUMBER_OPS, WORDS_OPS, Condition, Field
from app.segments.gathering import Gathering, Source
from app.segments.models import MemberBought, MemberDay, MemberTotal

TOTALS = Source(name="totals", rows=MemberTotal.__table__, member_id=MemberTotal.member_id, single=True)
# By member, as the key has them: to sum up what comes in order takes half of what hashing all members would.
_BY_MEMBER = select(MemberDay.__table__).order_by(MemberDay.member_id).subquery("days")
DAYS = Source(name="days", rows=_BY_MEMBER, member_id=_BY_MEMBER.c.member_id)
BOUGHT = Source(name="bought", rows=MemberBought.__table__, member_id=MemberBought.member_id)


def _last(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return days_ago(gathering.figure(TOTALS, MemberTotal.last_on), asked, gathering)


def _first(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return days_ago(gathering.figure(TOTALS, MemberTotal.first_on), asked, gathering)


def _purchases(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return number(_how_often(asked, gathering), asked)


def _spent(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return number(_how_much(asked, gathering), asked)


def _average(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    """Compared as a sum, so that nothing is rounded. Of a member without a purchase nothing holds."""
    times, spent = _how_often(asked, gathering), _how_much(asked, gathering)
    low, high = bounds(asked)
    within = [] if high is None else [spent <= high * times]
    return and_(times.is_not(None), times > 0, spent >= low * times, *within)


def _how_often(asked: Condition, gathering: Gathering) -> ColumnElement[Any]:
    if asked.days is None:
        return gathering.figure(TOTALS, MemberTotal.purchases)
    lately = _BY_MEMBER.c.day >= gathering.day(asked.days)
    return gathering.figure(DAYS, func.sum(_BY_MEMBER.c.purchases), lately)


def _how_much(asked: Condition, gathering: Gathering) -> ColumnElement[Any]:
    if asked.days is None:
        return gathering.figure(TOTALS, MemberTotal.spent_fen)
    lately = _BY_MEMBER.c.day >= gathering.day(asked.days)
    return gathering.figure(DAYS, func.sum(_BY_MEMBER.c.spent_fen), lately)


def _products(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return _any_bought("product", asked, gathering)


def _categories(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return _any_bought("category", asked, gathering)


def _stores(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return _any_bought("store", asked, gathering)


def _any_bought(kind: str, asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    these = (MemberBought.kind == kind) & MemberBought.word.in_(asked.value)
    lately = [] if asked.days is None else [MemberBought.last_on >= gathering.day(asked.days)]
    return any_of(gathering.count(BOUGHT, and_(these, *lately)), asked)


# The words of the risk of churn, from the safest on.
RISKS = ("unknown", "steady", "at_risk", "lost")
#: So few visits have no rhythm; who comes more often than every week is not missed earlier.
FEWEST_VISITS, FLOOR_DAYS = 3, 7
#: Away for more than so many times the usual.
AT_RISK, LOST = 2, 4


def _churn(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    """By the member's own rhythm: days since the last visit against the mean of days between visits, in whole numbers.

    `gaps` intervals took `span` days together, so that `away > n * span / gaps` is `away * gaps > n * span`.
    """
    visits = gathering.figure(TOTALS, MemberTotal.visits)
    first, last = (gathering.figure(TOTALS, day) for day in (MemberTotal.first_on, MemberTotal.last_on))
    gaps = visits - 1
    usual = func.greatest(_days(last - first), FLOOR_DAYS * gaps)
    away = _days(gathering.today - last) * gaps
    risk = case(
        (visits.is_(None), "unknown"),
        (visits < FEWEST_VISITS, "unknown"),
        (away > LOST * usual, "lost"),
        (away > AT_RISK * usual, "at_risk"),
        else_="steady",
    )
    return risk.in_(asked.value)


def _days(between: ColumnElement[Any]) -> ColumnElement[int]:
    """One date less another is a whole number to the database."""
    return type_coerce(between, Integer)


BOUGHT_FIELDS = (
    Field(name="last_purchase_days", kind="days", ops=NUMBER_OPS, most=MOST_DAYS, condition=_last),
    Field(name="first_purchase_days", kind="days", ops=NUMBER_OPS, most=MOST_DAYS, condition=_first),
    Field(name="purchases", kind="number", ops=NUMBER_OPS, windowed=True, condition=_purchases),
    Field(name="spent_fen", kind="fen", ops=NUMBER_OPS, most=MOST_FEN, windowed=True, condition=_spent),
    Field(name="average_fen", kind="fen", ops=NUMBER_OPS, most=MOST_FEN, windowed=True, condition=_average),
    Field(name="bought_products", kind="words", ops=WORDS_OPS, windowed=True, condition=_products),
    Field(name="bought_categories", kind="words", ops=WORDS_OPS, windowed=True, condition=_categories),
    Field(
        name="bought_in_stores", kind="words", ops=WORDS_OPS, windowed=True, names="store", condition=_stores
    ),
    Field(name="churn_risk", kind="words", ops=("any_of",), choices=RISKS, condition=_churn),
)
