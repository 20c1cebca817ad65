"""Coupons that members hold, and those that they used."""

from sqlalchemy import ColumnElement, join

from app.coupons.models import Coupon, CouponRedemption
from app.segments.fields.compare import any_of, number
from app.segments.fields.field import NUMBER_OPS, WORDS_OPS, Condition, Field
from app.segments.gathering import Gathering, Source

HELD = Source(name="held", rows=Coupon.__table__, member_id=Coupon.member_id, where=(Coupon.state == "held",))
USED = Source(
    name="used",
    rows=CouponRedemption.__table__,
    member_id=CouponRedemption.member_id,
    where=(CouponRedemption.undone_at.is_(None),),
)
USED_OF = Source(
    name="used_of",
    rows=join(CouponRedemption, Coupon, CouponRedemption.coupon_id == Coupon.id),
    member_id=CouponRedemption.member_id,
    where=(CouponRedemption.undone_at.is_(None),),
)


def _held(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return number(gathering.count(HELD, _good(gathering)), asked)


def _held_of(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    these = _good(gathering) & Coupon.template_id.in_(asked.value)
    return any_of(gathering.count(HELD, these), asked)


def _ending(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    assert asked.days is not None
    soon = _good(gathering) & (Coupon.valid_until <= gathering.begins(-asked.days - 1))
    return number(gathering.count(HELD, soon), asked)


def _good(gathering: Gathering) -> ColumnElement[bool]:
    """Also those that may be used only later."""
    return Coupon.valid_until > gathering.now


def _used(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    return number(gathering.count(USED, _lately(asked, gathering)), asked)


def _used_of(asked: Condition, gathering: Gathering) -> ColumnElement[bool]:
    these, lately = Coupon.template_id.in_(asked.value), _lately(asked, gathering)
    return any_of(gathering.count(USED_OF, these if lately is None else these & lately), asked)


def _lately(asked: Condition, gathering: Gathering) -> ColumnElement[bool] | None:
    return None if asked.days is None else CouponRedemption.occurred_at >= gathering.begins(asked.days)


COUPONS = (
    Field(name="coupons_held", kind="number", ops=NUMBER_OPS, condition=_held),
    Field(name="holds_coupons_of", kind="words", ops=WORDS_OPS, names="coupon_template", condition=_held_of),
    Field(
        name="coupons_ending",
        kind="number",
        ops=NUMBER_OPS,
        windowed=True,
        needs_days=True,
        condition=_ending,
    ),
    Field(name="coupons_used", kind="number", ops=NUMBER_OPS, windowed=True, condition=_used),
    Field(
        name="used_coupons_of",
        kind="words",
        ops=WORDS_OPS,
        windowed=True,
        names="coupon_template",
        condition=_used_of,
    ),
)
