"""The rewards mall: items to look at, put in, change and stop."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.approvals.second_person import Waiting
from app.engagement.rewards import change_item, items
from app.engagement.rewards.gives import KINDS
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import MOST_PER_MEMBER, MOST_POINTS, MOST_TIERS, Place, Reward, reward_of
from app.staff.roles import MANAGE_ACTIVITIES
from app.stored_value.policy import LEGAL_MOST_FEN
from app.stores.setup import store_codes
from office_api.guard import STAFF, actor, need, require_staff, stores_named
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, page, page_of
from web.pictures import picture_id_field
from web.schemas import Strict, text, whole

blueprint = Blueprint(
    "reward_items", __name__, url_prefix="/office/v1/reward-items", description="Items of the rewards mall"
)
guarded(blueprint, require_staff)

_MOST_STOCK = 10_000_000


class RewardPriceSchema(Strict):
    points = whole(1, MOST_POINTS, required=True)
    cash_fen = whole(
        0, LEGAL_MOST_FEN, load_default=0, metadata={"description": "out of the stored value, besides"}
    )


class RewardTierPriceSchema(RewardPriceSchema):
    tier = text(24, required=True)


class RewardStockSchema(Strict):
    store = text(
        32, required=True, allow_none=True, metadata={"description": "null: for what is given at once"}
    )
    stock = whole(
        0,
        _MOST_STOCK,
        load_default=None,
        allow_none=True,
        metadata={"description": "in all, those that were exchanged included; null: as many as are wanted"},
    )


class RewardDraftSchema(Strict):
    name_zh = text(40, required=True)
    name_en = text(60, required=True)
    about_zh = text(500, 0, load_default="")
    about_en = text(1_000, 0, load_default="")
    kind = fields.String(required=True, validate=validate.OneOf(tuple(KINDS)))
    gives_id = text(
        26, load_default=None, allow_none=True, metadata={"description": "of a coupon: its template"}
    )
    sku = text(64, 0, load_default="")
    picture_id = picture_id_field()
    price = fields.Nested(RewardPriceSchema(), required=True)
    full_price = fields.Nested(
        RewardPriceSchema(),
        load_default=None,
        allow_none=True,
        metadata={"description": "the regular price, where this one is less: it is shown struck through"},
    )
    tier_prices = fields.List(
        fields.Nested(RewardTierPriceSchema()), load_default=[], validate=validate.Length(0, MOST_TIERS)
    )
    tiers = fields.List(
        text(24),
        load_default=[],
        validate=validate.Length(0, MOST_TIERS),
        metadata={"description": "who sees it; none named: everybody"},
    )
    available_from = fields.AwareDateTime(load_default=None, allow_none=True)
    available_until = fields.AwareDateTime(load_default=None, allow_none=True)
    per_member = whole(1, MOST_PER_MEMBER, load_default=None, allow_none=True)
    per_member_a_day = whole(1, MOST_PER_MEMBER, load_default=None, allow_none=True)
    cost_fen = whole(
        0,
        LEGAL_MOST_FEN,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "what one costs the brand; null: not said, and one person alone cannot offer it"
        },
    )
    instead_of = text(
        26,
        load_default=None,
        allow_none=True,
        metadata={
            "description": "the item in whose place it stands in the members' list while they can have it"
        },
    )
    stock = fields.List(
        fields.Nested(RewardStockSchema()),
        required=True,
        validate=validate.Length(1, change_item.MOST_PLACES),
    )


class NextRewardSchema(RewardDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


class RewardStateSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


class RewardStandingStockSchema(Strict):
    store = fields.String(required=True, allow_none=True)
    stock = fields.Integer(required=True, allow_none=True)
    taken = fields.Integer(required=True)
    left = fields.Integer(required=True, allow_none=True)


class RewardFiguresSchema(Strict):
    exchanged = fields.Integer(required=True)
    handed_over = fields.Integer(required=True)
    cancelled = fields.Integer(required=True)
    points = fields.Integer(required=True, metadata={"description": "of what was not cancelled"})


class RewardItemSchema(RewardDraftSchema):
    id = fields.String(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("live", "stopped")))
    stock = fields.List(fields.Nested(RewardStandingStockSchema()), required=True)
    figures = fields.Nested(RewardFiguresSchema(), required=True)


def _read(arguments: dict[str, Any]) -> tuple[Reward, list[Place]]:
    """Raises `NotFound` for a store that is not there, `RewardMalformed`."""
    stock = arguments.pop("stock")
    ids = stores_named(MANAGE_ACTIVITIES, {one["store"] for one in stock if one["store"] is not None})
    places = [
        Place(store_id=None if one["store"] is None else ids[one["store"]], stock=one["stock"])
        for one in stock
    ]
    prices = {one.pop("tier"): one for one in arguments.pop("tier_prices")}
    return reward_of(arguments | {"tier_prices": prices}), places


def _dump(item: Item, codes: Mapping[int, str]) -> dict[str, Any]:
    reward = item.reward
    told = {name: getattr(reward, name) for name in Reward.__struct_fields__}
    return told | {
        "id": item.item_id,
        "version": item.version,
        "state": item.state,
        "price": _price(reward.price),
        "full_price": None if reward.full_price is None else _price(reward.full_price),
        "tier_prices": [{"tier": tier} | _price(price) for tier, price in reward.tier_prices.items()],
        "tiers": list(reward.tiers),
        "stock": [
            {
                "store": None if place.store_id is None else codes[place.store_id],
                "stock": place.stock,
                "taken": place.taken,
                "left": place.left,
            }
            for place in item.places
        ],
        "figures": {name: getattr(item.figures, name) for name in RewardFiguresSchema._declared_fields},
    }


def _price(price: Any) -> dict[str, int]:
    return {"points": price.points, "cash_fen": price.cash_fen}


def _codes(found: list[Item]) -> dict[int, str]:
    return store_codes(
        {place.store_id for one in found for place in one.places if place.store_id is not None}
    )


def _answer(item: Item | Waiting, status: int = 200) -> Response:
    if isinstance(item, Waiting):
        return answer_waiting(item)
    return answer(_dump(item, _codes([item])), status)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(RewardItemSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """Every item, the newest first, with what is left of it and what became of its exchanges."""
    need(MANAGE_ACTIVITIES, None)
    wanted = asked(arguments)
    found = items.listing(limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda item: item.item_id, partial(_dump, codes=_codes(found))))


@blueprint.post("")
@blueprint.arguments(RewardDraftSchema())
@blueprint.response(201, RewardItemSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Put an item into the mall. 202 when it gives more than one person may alone (policy `activities`): it is stopped
    until a second person agrees."""
    need(MANAGE_ACTIVITIES, None)
    reward, places = _read(arguments)
    return _answer(change_item.create(reward=reward, places=places, actor=actor(), now=clock.now()), 201)


@blueprint.put("/<string:item_id>")
@blueprint.arguments(NextRewardSchema())
@blueprint.response(200, RewardItemSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], item_id: str) -> Response:
    """Its next version, whole; a store left out offers it no more. What was exchanged before stays as it was.

    202 when it gives more than it did, and more than one person may alone.
    """
    need(MANAGE_ACTIVITIES, None)
    version = arguments.pop("version")
    reward, places = _read(arguments)
    changed = change_item.change(
        item_id=item_id, version=version, reward=reward, places=places, actor=actor(), now=clock.now()
    )
    return _answer(changed)


@blueprint.post("/<string:item_id>/stop")
@blueprint.arguments(RewardStateSchema())
@blueprint.response(200, RewardItemSchema())
@blueprint.doc(security=STAFF)
def stop(arguments: dict[str, Any], item_id: str) -> Response:
    """Nobody exchanges for it any more; what was exchanged is handed over all the same."""
    need(MANAGE_ACTIVITIES, None)
    stopped = change_item.set_state(
        item_id=item_id, **arguments, state="stopped", actor=actor(), now=clock.now()
    )
    return _answer(stopped)


@blueprint.post("/<string:item_id>/resume")
@blueprint.arguments(RewardStateSchema())
@blueprint.response(200, RewardItemSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def resume(arguments: dict[str, Any], item_id: str) -> Response:
    """It can be had again. 202 when it gives more than one person may alone."""
    need(MANAGE_ACTIVITIES, None)
    resumed = change_item.set_state(
        item_id=item_id, **arguments, state="live", actor=actor(), now=clock.now()
    )
    return _answer(resumed)
