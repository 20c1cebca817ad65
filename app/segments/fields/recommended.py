"""Who may like a product: they bought something that goes with it, and not the product itself (app/recommendations).

What stands there was counted by night. Who switched recommendations made from their purchases off is nobody of whom
this could be said: neither that they may like something nor that they may not.
"""

from typing import Any

from sqlalchemy import ColumnElement, and_, select
from sqlalchemy.orm import aliased

from app.members.models import PERSONALISED, MarketingOptOut
from app.recommendations.count import WINDOW_DAYS
from app.recommendations.models import SoldTogether
from app.segments.fields.compare import any_of
from app.segments.fields.field import WORDS_OPS, Condition, Field
from app.segments.gathering import Gathering, Source
from app.segments.models import MemberBought

_OPTED_OUT = Source(
    name="opted_out",
    rows=MarketingOptOut.__table__,
    member_id=MarketingOptOut.member_id,
    where=(MarketingOptOut.channel == PERSONALISED,),
    single=True,
)


def _may_like(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    rows = _liked(asked.value, gathering).subquery("goes_with")
    # Each condition has rows of its own: which they are depends on its products.
    source = Source(name=f"may_like_{gathering.asked}", rows=rows, member_id=rows.c.member_id)
    unknown = gathering.figure(_OPTED_OUT, MarketingOptOut.channel).is_not(None)
    return and_(~unknown, any_of(gathering.count(source), asked))


def _liked(products: tuple[str, ...], gathering: Gathering) -> Any:
    """A row for each member, product and reason for it. All is read once and put together by hashing, as
    whatever segments ask for."""
    bought, own = aliased(MemberBought), aliased(MemberBought)
    since = gathering.day(WINDOW_DAYS)
    has_it = and_(own.member_id == bought.member_id, own.kind == "product", own.word == SoldTogether.other)
    return (
        select(bought.member_id)
        .join(SoldTogether, SoldTogether.sku == bought.word)
        .outerjoin(own, and_(has_it, own.word.in_(products), own.last_on > since))
        .where(
            bought.kind == "product",
            bought.last_on > since,
            SoldTogether.other.in_(products),
            own.member_id.is_(None),
            *gathering.among_these(bought.member_id),
        )
    )


RECOMMENDED = (Field(name="may_like", kind="words", ops=WORDS_OPS, condition=_may_like),)
