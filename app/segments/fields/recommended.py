"""Who may like a product: they bought something that goes with it, and not the product itself (app/recommendations).

What stands there was counted by night. Who switched recommendations made from their purchases off is nobody of whom
this could be said: neither that they may like something nor that they may not.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Subquery,
    and_,
    func,
    literal,
    not_,
    or_,
    select,
    union_all,
    values,
)
from sqlalchemy import column as named

from app.members.models import PERSONALISED, MarketingOptOut
from app.recommendations.count import WINDOW_DAYS
from app.recommendations.models import SoldTogether
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
#: So many products have a bit each of a number.
_BITS = 60


def _may_like(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    unknown = gathering.figure(_OPTED_OUT, MarketingOptOut.channel).is_not(None)
    numbers = range(-(-len(asked.value) // _BITS))
    words = _words(asked.value, numbers)
    # Each condition has a source of its own: what its rows say depends on its products.
    source = Source(
        name=f"may_like_{gathering.asked}",
        rows=MemberBought.__table__.join(words, words.c.word == MemberBought.word),
        member_id=MemberBought.member_id,
        where=(MemberBought.kind == "product", MemberBought.last_on > gathering.day(WINDOW_DAYS)),
    )
    found = [gathering.figure(source, _likes(words.c[f"goes_{n}"], words.c[f"is_{n}"])) for n in numbers]
    some = or_(*(and_(likes.is_not(None), likes != 0) for likes in found))
    return and_(not_(unknown), some if asked.op == "any_of" else not_(some))


def _likes(goes: ColumnElement[int], own: ColumnElement[int]) -> ColumnElement[int]:
    """Of all that a member bought: what goes with some of it, but for what is among it."""
    return func.bit_or(goes).op("&")(func.bit_or(own).op("#")(literal(-1, BigInteger)))


def _words(products: tuple[str, ...], numbers: range) -> Subquery:
    """Of each product, as bits of so many numbers: with which of those asked about it goes, and which it is. So what
    members bought is read once, grows by nothing, and one member's is put together by OR."""
    rows = [
        (sku, *(1 << place % _BITS if place // _BITS == n else 0 for n in numbers))
        for place, sku in enumerate(products)
    ]
    bits = [named(f"bit_{n}", BigInteger) for n in numbers]
    asked = values(named("sku", MemberBought.word.type), *bits, name="asked").data(rows)
    own = [asked.c[one.name] for one in bits]
    none = [literal(0, BigInteger) for _ in bits]
    both = union_all(
        select(SoldTogether.sku.label("word"), *_labelled("goes", own), *_labelled("is", none)).join_from(
            SoldTogether, asked, asked.c.sku == SoldTogether.other
        ),
        select(asked.c.sku, *none, *own),
    ).subquery("both_sides")
    summed = [func.bit_or(one).label(one.name) for one in both.c if one.name != "word"]
    return select(both.c.word, *summed).group_by(both.c.word).subquery("words")


def _labelled(name: str, columns: list[Any]) -> list[Any]:
    return [one.label(f"{name}_{n}") for n, one in enumerate(columns)]


RECOMMENDED = (Field(name="may_like", kind="words", ops=WORDS_OPS, condition=_may_like),)
