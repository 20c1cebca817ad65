"""What members have: tier, points, stored value."""

from sqlalchemy import ColumnElement, func, join, not_, select

from app.ledger.models import Account, Lot
from app.members.models import Member
from app.segments.fields.compare import number
from app.segments.fields.field import MOST_FEN, NUMBER_OPS, WORDS_OPS, Condition, Field
from app.segments.gathering import Gathering, Source
from app.tiers.models import Tier

# Balances as the books have them: points that may be spent only later are in it.
POINTS, BONUS = (
    Source(
        name=unit,
        rows=Account.__table__,
        member_id=Account.member_id,
        where=(Account.unit == unit,),
        single=True,
    )
    for unit in ("points", "bonus_fen")
)
# Grouped, though a member has two at most: to join both costs each member twice.
STORED_VALUE = Source(
    name="stored_value",
    rows=Account.__table__,
    member_id=Account.member_id,
    where=(Account.unit.in_(("principal_fen", "bonus_fen")),),
)
ENDING = Source(
    name="ending",
    rows=join(Lot, Account, Lot.account_id == Account.id),
    member_id=Account.member_id,
    where=(Account.unit == "points", Lot.remaining > 0),
)


def _tier(asked: Condition, _: Gathering) -> ColumnElement[bool]:
    there = Member.tier_id.in_(select(Tier.id).where(Tier.code.in_(asked.value)))
    return there if asked.op == "any_of" else not_(there)


def _points(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return number(gathering.figure(POINTS, Account.balance), asked)


def _stored_value(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return number(gathering.figure(STORED_VALUE, func.sum(Account.balance)), asked)


def _bonus(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return number(gathering.figure(BONUS, Account.balance), asked)


def _points_ending(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    assert asked.days is not None
    soon = (Lot.expires_at > gathering.now) & (Lot.expires_at < gathering.begins(-asked.days - 1))
    return number(gathering.figure(ENDING, func.sum(Lot.remaining), soon), asked)


HELD = (
    Field(name="tier", kind="words", ops=WORDS_OPS, names="tier", condition=_tier),
    Field(name="points", kind="number", ops=NUMBER_OPS, condition=_points),
    Field(
        name="points_ending",
        kind="number",
        ops=NUMBER_OPS,
        windowed=True,
        needs_days=True,
        condition=_points_ending,
    ),
    Field(name="stored_value_fen", kind="fen", ops=NUMBER_OPS, most=MOST_FEN, condition=_stored_value),
    Field(name="bonus_fen", kind="fen", ops=NUMBER_OPS, most=MOST_FEN, condition=_bonus),
)
