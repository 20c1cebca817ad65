"""A quote, as tills and pages tell it."""

from typing import Any

from marshmallow import fields, validate

from app.checkout.quoted import Priced, Quoted, QuotedBenefit
from app.discounts.explain import reason_text
from app.texts import say, yuan
from web.explained import PartSchema, dump_parts
from web.language import language
from web.schemas import Strict
from web.used_coupons import QuotedCouponSchema, dump_quoted_coupon


class LineDiscountSchema(Strict):
    benefit = fields.String(required=True, metadata={"description": "its key, or `rounding`"})
    discount_fen = fields.Integer(required=True)


class QuotedLineSchema(Strict):
    sku = fields.String(required=True)
    name = fields.String(required=True)
    category = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price_fen = fields.Integer(required=True)
    discounts = fields.List(fields.Nested(LineDiscountSchema()), required=True)
    discount_fen = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True, metadata={"description": "what it is sold for"})
    points = fields.Integer(required=True, metadata={"description": "what it will earn"})


class QuotedBenefitSchema(Strict):
    key = fields.String(required=True)
    name = fields.String(required=True)
    applied = fields.Boolean(required=True)
    reason = fields.String(required=True, metadata={"description": "stable; docs/discounts.md lists them"})
    text = fields.String(required=True, metadata={"description": "the reason, for people"})
    discount_fen = fields.Integer(required=True)
    missing_fen = fields.Integer(required=True, metadata={"description": "buy for so much more"})
    missing_pieces = fields.Integer(required=True)
    other = fields.String(
        required=True, allow_none=True, metadata={"description": "the benefit that excludes it"}
    )
    coupon = fields.Nested(
        QuotedCouponSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "of a key `coupon:…`; null for a rule"},
    )


class QuotedPointsSchema(Strict):
    points = fields.Integer(required=True, metadata={"description": "so many points pay"})
    amount_fen = fields.Integer(required=True, metadata={"description": "so much"})
    most_points = fields.Integer(required=True, metadata={"description": "of this bill could be paid with"})
    reason = fields.String(required=True)
    text = fields.String(required=True, metadata={"description": "why not more; empty if none were offered"})


class QuotedBalanceSchema(Strict):
    principal_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    most_fen = fields.Integer(required=True)
    reason = fields.String(required=True)
    text = fields.String(required=True)


class QuotedSchema(Strict):
    id = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)
    confirmation = fields.String(
        required=True,
        validate=validate.OneOf(("none", "pending", "confirmed", "declined")),
        metadata={"description": "`pending`: the member must agree on the phone before the sale"},
    )
    sale_id = fields.String(required=True, allow_none=True)
    lines = fields.List(fields.Nested(QuotedLineSchema()), required=True)
    benefits = fields.List(fields.Nested(QuotedBenefitSchema()), required=True)
    best = fields.Boolean(
        required=True, metadata={"description": "proved: no combination of the benefits takes off more"}
    )
    goods_fen = fields.Integer(required=True)
    discount_fen = fields.Integer(required=True, metadata={"description": "with rounding"})
    rounding_fen = fields.Integer(required=True)
    amount_fen = fields.Integer(required=True, metadata={"description": "what the goods are sold for"})
    points = fields.Nested(QuotedPointsSchema(), required=True)
    balance = fields.Nested(QuotedBalanceSchema(), required=True)
    payable_fen = fields.Integer(required=True, metadata={"description": "what the till takes in"})
    points_to_earn = fields.Integer(required=True)
    earned = fields.List(fields.Nested(PartSchema()), required=True)
    versions = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "of the rules and policies it was worked out by"},
    )


def dump_quoted(quoted: Quoted) -> dict[str, Any]:
    """In the language of the request."""
    priced, asked = quoted.priced, language()
    names = {one.told.key: _name(one, asked) for one in priced.benefits}
    return {
        "id": quoted.quote_id,
        "created_at": quoted.created_at,
        "expires_at": quoted.expires_at,
        "confirmation": quoted.confirmation,
        "sale_id": quoted.sale_id,
        "lines": [
            {
                "sku": line.sku,
                "name": line.name,
                "category": line.category,
                "quantity": line.quantity,
                "unit_price_fen": line.unit_price_fen,
                "discounts": [
                    {"benefit": part.benefit, "discount_fen": part.discount_fen} for part in line.discounts
                ],
                "discount_fen": line.discount_fen,
                "amount_fen": line.amount_fen,
                "points": line.points,
            }
            for line in priced.lines
        ],
        "benefits": [_dump_benefit(one, names, asked) for one in priced.benefits],
        "best": priced.complete,
        "goods_fen": priced.goods_fen,
        "discount_fen": priced.discount_fen,
        "rounding_fen": priced.rounding_fen,
        "amount_fen": priced.amount_fen,
        "points": _dump_points(priced, asked),
        "balance": _dump_balance(priced, asked),
        "payable_fen": priced.payable_fen,
        "points_to_earn": priced.earning.points,
        "earned": dump_parts(priced.earning.parts),
        "versions": priced.versions,
    }


def _name(one: QuotedBenefit, language: str) -> str:
    return one.name_en if language == "en" else one.name_zh


def _dump_benefit(one: QuotedBenefit, names: dict[str, str], language: str) -> dict[str, Any]:
    told, coupon = one.told, dump_quoted_coupon(one.coupon)
    item = "" if coupon is None or coupon["gift"] is None else coupon["gift"]["item"]
    asks = one.asks_en if language == "en" else one.asks_zh
    return {
        "key": told.key,
        "name": names[told.key],
        "applied": told.applied,
        "reason": told.reason,
        "text": reason_text(told, names, language, item=item, asks=asks),
        "discount_fen": told.discount_fen,
        "missing_fen": told.missing_fen,
        "missing_pieces": told.missing_pieces,
        "other": told.other or None,
        "coupon": coupon,
    }


def _dump_points(priced: Priced, language: str) -> dict[str, Any]:
    use = priced.points
    return {
        "points": use.points,
        "amount_fen": use.fen,
        "most_points": use.most_points,
        "reason": use.reason,
        "text": ""
        if use.reason == "none"
        else say(f"points_payment.{use.reason}", language, points=use.points, amount=yuan(use.fen)),
    }


def _dump_balance(priced: Priced, language: str) -> dict[str, Any]:
    balance = priced.balance
    return {
        "principal_fen": balance.principal_fen,
        "bonus_fen": balance.bonus_fen,
        "most_fen": balance.most_fen,
        "reason": balance.reason,
        "text": ""
        if balance.reason == "none"
        else say(f"balance_payment.{balance.reason}", language, amount=yuan(balance.amount_fen)),
    }
