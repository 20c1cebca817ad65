"""Coupons that were used, or came back, as tills tell of them; names in the language of the request."""

from collections.abc import Iterable
from typing import Any, get_args

from marshmallow import fields, validate

from app.checkout.quoted import QuotedCoupon
from app.checkout.used_coupons import UsedCoupon
from app.coupons.restore import CameBack, Outcome
from web.language import language
from web.schemas import Strict


class GiftSchema(Strict):
    item = fields.String(required=True)
    sku = fields.String(required=True, metadata={"description": "empty: none was given"})


class QuotedCouponSchema(Strict):
    id = fields.String(required=True)
    ends_at = fields.AwareDateTime(required=True)
    uses_left = fields.Integer(required=True, metadata={"description": "before this bill"})
    gift = fields.Nested(
        GiftSchema(), required=True, allow_none=True, metadata={"description": "what is handed over with it"}
    )


class UsedCouponSchema(Strict):
    id = fields.String(required=True)
    redemption_id = fields.String(required=True)
    name = fields.String(required=True)
    discount_fen = fields.Integer(required=True)
    gift = fields.Nested(
        GiftSchema(), required=True, allow_none=True, metadata={"description": "what is handed over with it"}
    )


class ShownCouponSchema(UsedCouponSchema):
    undone = fields.Boolean(required=True, metadata={"description": "the member has it back"})


class CameBackSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    outcome = fields.String(
        required=True,
        validate=validate.OneOf(get_args(Outcome)),
        metadata={"description": "`forfeited` and `recalled` ones do not come back"},
    )
    valid_until = fields.AwareDateTime(required=True)


def _gift(zh: str, en: str, sku: str) -> dict[str, Any] | None:
    item = en if language() == "en" else zh
    return {"item": item, "sku": sku} if item else None


def dump_quoted_coupon(coupon: QuotedCoupon | None) -> dict[str, Any] | None:
    if coupon is None:
        return None
    return {
        "id": coupon.coupon_id,
        "ends_at": coupon.ends_at,
        "uses_left": coupon.uses_left,
        "gift": _gift(coupon.gift_zh, coupon.gift_en, coupon.gift_sku),
    }


def dump_used(coupons: Iterable[UsedCoupon]) -> list[dict[str, Any]]:
    return [
        {
            "id": one.coupon_id,
            "redemption_id": one.redemption_id,
            "name": one.name_en if language() == "en" else one.name_zh,
            "discount_fen": one.discount_fen,
            "gift": _gift(one.gift_zh, one.gift_en, one.gift_sku),
        }
        for one in coupons
    ]


def dump_shown(coupons: Iterable[UsedCoupon]) -> list[dict[str, Any]]:
    shown = list(coupons)
    return [told | {"undone": one.undone} for told, one in zip(dump_used(shown), shown, strict=True)]


def dump_came_back(coupons: Iterable[CameBack]) -> list[dict[str, Any]]:
    return [dump_back(one) for one in coupons]


def dump_back(one: CameBack) -> dict[str, Any]:
    return {
        "id": one.coupon_id,
        "name": one.name_en if language() == "en" else one.name_zh,
        "outcome": one.outcome,
        "valid_until": one.valid_until,
    }
