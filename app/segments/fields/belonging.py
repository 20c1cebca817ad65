"""What others said of members: tags, lists they stand in, who brought whom."""

from sqlalchemy import ColumnElement, func

from app.segments.fields.compare import any_of, flag, number
from app.segments.fields.field import NUMBER_OPS, WORDS_OPS, Condition, Field
from app.segments.gathering import Gathering, Source
from app.segments.models import MemberTag, SegmentListMember
from app.segments.tables import REFERRALS

TAGS = Source(name="tags", rows=MemberTag.__table__, member_id=MemberTag.member_id)
LISTS = Source(name="lists", rows=SegmentListMember.__table__, member_id=SegmentListMember.member_id)
BROUGHT = Source(
    name="brought",
    rows=REFERRALS,
    member_id=REFERRALS.c.inviter_id,
    where=(REFERRALS.c.state == "rewarded",),
)
NEWCOMERS = Source(name="newcomers", rows=REFERRALS, member_id=REFERRALS.c.newcomer_id)


def _tags(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    # A member has a tag once, so that as many rows as words are all of them.
    found = gathering.count(TAGS, MemberTag.tag.in_(asked.value))
    if asked.op == "all_of":
        return found.is_not(None) & (found == len(asked.value))
    return any_of(found, asked)


def _lists(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return any_of(gathering.count(LISTS, SegmentListMember.segment_id.in_(asked.value)), asked)


def _brought(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    lately = None if asked.days is None else REFERRALS.c.rewarded_at >= gathering.begins(asked.days)
    return number(gathering.count(BROUGHT, lately), asked)


def _was_brought(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return flag(gathering.figure(NEWCOMERS, func.count()).is_not(None), asked)


BELONGING = (
    Field(name="tags", kind="words", ops=(*WORDS_OPS, "all_of"), condition=_tags),
    Field(name="lists", kind="words", ops=WORDS_OPS, names="list", condition=_lists),
    Field(name="brought", kind="number", ops=NUMBER_OPS, windowed=True, condition=_brought),
    Field(name="was_brought", kind="flag", ops=("is",), condition=_was_brought),
)
