"""What rules of discount and offers would have done, as the API asks and tells it."""

from dataclasses import asdict
from typing import Any

from marshmallow import fields

from app.discounts.simulate import Simulation as DiscountSimulation
from app.stored_value.simulate import Simulation as OfferSimulation
from web.schemas import Strict, whole

_MOST_NO = 2**53 - 1


class PeriodSchema(Strict):
    """The past that is looked at, `[from, until)`."""

    from_ = fields.AwareDateTime(required=True, data_key="from")
    until = fields.AwareDateTime(required=True)


def replaced(what: str) -> fields.Integer:
    """The number of the rule or offer in whose place the new one is tried."""
    told = {"description": f"try it in place of this {what}; null: as one more"}
    return whole(1, _MOST_NO, load_default=None, allow_none=True, metadata=told)


class DiscountedStoreSchema(Strict):
    store = fields.String(required=True)
    sales = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    off_before_fen = fields.Integer(required=True)
    off_after_fen = fields.Integer(required=True)


class DiscountedSaleSchema(Strict):
    id = fields.String(required=True)
    store = fields.String(required=True)
    occurred_at = fields.AwareDateTime(required=True)
    goods_fen = fields.Integer(required=True)
    off_before_fen = fields.Integer(required=True)
    off_after_fen = fields.Integer(required=True)


class DiscountSimulatedSchema(Strict):
    complete = fields.Boolean(
        required=True, metadata={"description": "false: time ran out, and later sales were not priced"}
    )
    covered_until = fields.AwareDateTime(
        required=True, metadata={"description": "every sale before it was priced; `until` when complete"}
    )
    sales = fields.Integer(required=True)
    members_touched = fields.Integer(required=True)
    off_before_fen = fields.Integer(required=True, metadata={"description": "by the rules as they were"})
    off_after_fen = fields.Integer(required=True)
    off_more_fen = fields.Integer(required=True)
    off_less_fen = fields.Integer(required=True)
    stores = fields.List(fields.Nested(DiscountedStoreSchema()), required=True)
    sample = fields.List(
        fields.Nested(DiscountedSaleSchema()), required=True, metadata={"description": "what changes most"}
    )


class OfferSimulatedSchema(Strict):
    top_ups = fields.Integer(required=True)
    changed = fields.Integer(required=True)
    members_touched = fields.Integer(required=True)
    bonus_before_fen = fields.Integer(required=True, metadata={"description": "as it was given"})
    bonus_after_fen = fields.Integer(required=True)
    bonus_more_fen = fields.Integer(required=True)
    bonus_less_fen = fields.Integer(required=True)
    points_before = fields.Integer(required=True)
    points_after = fields.Integer(required=True)


def dump_discounts(found: DiscountSimulation) -> dict[str, Any]:
    told = {name: getattr(found, name) for name in DiscountSimulatedSchema._declared_fields}
    sample = [asdict(sale) for sale in found.sample]
    for sale in sample:
        sale["id"] = sale.pop("sale_id")
    return told | {"stores": [asdict(store) for store in found.stores], "sample": sample}


def dump_offers(found: OfferSimulation) -> dict[str, Any]:
    return asdict(found)
