"""How exchanges are told, to phones, tills and the back office alike."""

from typing import Any

from marshmallow import fields, validate

from app.engagement.rewards.orders import Order
from web.language import language
from web.schemas import Strict

STATES = ("pending", "ready", "handed_over", "given", "cancelled")


class RewardOrderSchema(Strict):
    id = fields.String(required=True)
    item_id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "in the language asked for"})
    kind = fields.String(required=True)
    sku = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    points = fields.Integer(required=True)
    cash_fen = fields.Integer(required=True)
    wechat_fen = fields.Integer(required=True, metadata={"description": "of it, what WeChat Pay takes"})
    pay_until = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "of one that is `pending`"}
    )
    money_back = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("refunding", "refunded")),
        metadata={"description": "how what WeChat Pay took goes back; null: it does not"},
    )
    store = fields.String(required=True, allow_none=True, metadata={"description": "null: given at once"})
    store_name = fields.String(required=True, allow_none=True)
    ordered_at = fields.AwareDateTime(required=True)
    collect_by = fields.AwareDateTime(required=True, allow_none=True)
    undo_until = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "the member may give it up; null: not any more"},
    )
    handed_over_at = fields.AwareDateTime(required=True, allow_none=True)
    cancelled_at = fields.AwareDateTime(required=True, allow_none=True)
    cancelled_for = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("member", "staff", "expired", "unpaid", "failed")),
    )


class StaffRewardOrderSchema(RewardOrderSchema):
    member = fields.String(required=True, metadata={"description": "masked"})


def dump_order(order: Order) -> dict[str, Any]:
    told = {
        name: getattr(order, name)
        for name in RewardOrderSchema._declared_fields
        if name not in ("id", "name")
    }
    return told | {
        "id": order.order_id,
        "name": order.name_en if language() == "en" else order.name_zh,
    }


def dump_for_staff(order: Order) -> dict[str, Any]:
    return dump_order(order) | {"member": order.member}
