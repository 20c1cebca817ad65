"""What a coupon promises its holder, fixed when it is issued: later versions change none that is out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from app.discounts.effects import MOST_FEN, AmountOff, FreePieces, PercentOff
from app.discounts.effects import Gift as Gift
from app.discounts.rules import LEAST_PRIORITY, MOST_PIECES, MOST_PRIORITY
from app.errors import Invalid
from app.pictures import PictureId
from app.points.rules import MOST_DAYS, Conditions, RuleMalformed, check_conditions
from app.typed import convert

MOST_USES = 1_000


class FaceMalformed(Invalid):
    """Data: `reason`, what does not fit together."""

    code = "coupon_malformed"


class Between(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="between",
):
    """The same `[begins_at, ends_at)` for every coupon."""

    begins_at: datetime
    ends_at: datetime


class Days(
    Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    tag_field="kind",
    tag="days",
):
    """`days` whole days by the chain's calendar, the first `after_days` after the day of issue."""

    days: Annotated[int, Meta(ge=1, le=MOST_DAYS)]
    after_days: Annotated[int, Meta(ge=0, le=366)] = 0


#: amount: 代金券; percent: 折扣券; free: 兑换券, with several uses 次卡; gift: 赠品券.
CouponEffect = AmountOff | PercentOff | FreePieces | Gift
CostBearer = Literal["brand", "store", "supplier"]


class Face(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`conditions`, `at_least_*`, `group`, `alone` and `priority` as in a rule of discount.

    It is good for `uses` uses, one for each bill. `use_value_fen` is what one use is worth when an unused rest is paid
    back, and when it took nothing off a bill. Uses are at the cost of `cost_bearer` (costs.py): the brand, the store
    that redeems, or the supplier of the goods. With `without_sale` a till may redeem it by itself. When the sale is
    refunded it comes back unless it is `forfeited`; one that ended meanwhile for `restore_days` more.
    """

    name_zh: Annotated[str, Meta(min_length=1, max_length=40)]
    name_en: Annotated[str, Meta(min_length=1, max_length=60)]
    terms_zh: Annotated[str, Meta(max_length=500)] = ""
    terms_en: Annotated[str, Meta(max_length=1_000)] = ""
    picture_id: PictureId | None = None
    effect: CouponEffect
    validity: Between | Days
    conditions: Conditions = Conditions()
    at_least_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 0
    at_least_pieces: Annotated[int, Meta(ge=0, le=MOST_PIECES)] = 0
    group: Annotated[str, Meta(max_length=24)] = ""
    alone: bool = False
    priority: Annotated[int, Meta(ge=LEAST_PRIORITY, le=MOST_PRIORITY)] = 0
    uses: Annotated[int, Meta(ge=1, le=MOST_USES)] = 1
    use_value_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 0
    cost_bearer: CostBearer = "brand"
    without_sale: bool = False
    transferable: bool = False
    forfeited: bool = False
    restore_days: Annotated[int, Meta(ge=0, le=366)] = 7


def face_of(data: Mapping[str, Any]) -> Face:
    """Raises `FaceMalformed`."""
    try:
        face = convert(data, Face)
        check_conditions(face.conditions)
    except (msgspec.ValidationError, RuleMalformed) as error:
        raise FaceMalformed(reason=_reason(error)) from None
    if isinstance(face.validity, Between) and face.validity.ends_at <= face.validity.begins_at:
        raise FaceMalformed(reason="validity: ends_at is not after begins_at")
    if face.without_sale and not isinstance(face.effect, FreePieces | Gift):
        raise FaceMalformed(reason="without_sale: only what is handed over can do without a sale")
    return face


def _reason(error: msgspec.ValidationError | RuleMalformed) -> str:
    return str(error.data["reason"]) if isinstance(error, RuleMalformed) else str(error)
