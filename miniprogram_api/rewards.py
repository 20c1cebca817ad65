"""The rewards mall on the phone: what there is, exchanging for it, and one's exchanges."""

import re
from typing import Any, get_args

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.checkout import pay_exchange
from app.engagement.rewards import catalogue, orders
from app.engagement.rewards.bands import Band
from app.engagement.rewards.catalogue import Reason, Shown
from app.engagement.rewards.exchange import Wish
from app.engagement.rewards.reward import MOST_POINTS
from app.stored_value.policy import LEGAL_MOST_FEN
from app.texts import say, yuan
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member, scope
from miniprogram_api.top_ups import PayableSchema
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.paging import Page, PageArguments, asked, matched, page, page_of
from web.parts import parts
from web.pictures import picture_url, picture_url_field
from web.rewards import RewardOrderSchema, dump_order
from web.schemas import QueryNumber, Strict, text, whole

blueprint = Blueprint("rewards", __name__, url_prefix="/api/v1/rewards", description="The rewards mall")
order_blueprint = Blueprint(
    "member_reward_orders", __name__, url_prefix="/api/v1/reward-orders", description="Exchanges for rewards"
)
guarded(blueprint, require_member)
guarded(order_blueprint, require_member)

#: Nobody taps so often.
PER_MEMBER = Limit("reward_orders", 30, 60)
_PLACE = re.compile(r"([0-9]{1,12})-([0-9A-Z]{26})")


class CatalogueArguments(PageArguments):
    affordable = fields.String(
        load_default="no",
        validate=validate.OneOf(("yes", "no")),
        metadata={"description": "yes: only what one's points are enough for"},
    )
    points_from = QueryNumber(
        load_default=0,
        validate=validate.Range(0, MOST_POINTS),
        metadata={"description": "only what costs this member so many points or more"},
    )
    points_to = QueryNumber(
        load_default=None,
        validate=validate.Range(0, MOST_POINTS),
        metadata={"description": "or fewer; both ends are included"},
    )


class RewardSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "in the language asked for"})
    about = fields.String(required=True)
    picture_url = picture_url_field()
    kind = fields.String(required=True)
    points = fields.Integer(required=True, metadata={"description": "what it costs this member"})
    cash_fen = fields.Integer(required=True, metadata={"description": "and of money"})
    wechat_pay = fields.Boolean(
        required=True,
        metadata={"description": "WeChat Pay may pay the money part instead of the stored value"},
    )
    full_points = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "the regular price, or what others pay, where it is another"},
    )
    full_cash_fen = fields.Integer(required=True, allow_none=True)
    available = fields.Boolean(required=True)
    reason = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(get_args(Reason)),
        metadata={"description": "why not: the item itself, or the coupon or chance that it gives"},
    )
    text = fields.String(required=True, allow_none=True, metadata={"description": "the reason in words"})
    missing_points = fields.Integer(required=True)
    missing_fen = fields.Integer(required=True)
    left = fields.Integer(required=True, allow_none=True, metadata={"description": "null: any number"})
    more = fields.Integer(
        required=True, allow_none=True, metadata={"description": "how often one still may; null: any number"}
    )
    available_until = fields.AwareDateTime(required=True, allow_none=True)


class RewardStoreSchema(Strict):
    store = fields.String(required=True)
    name = fields.String(required=True)
    left = fields.Integer(required=True, allow_none=True, metadata={"description": "null: any number"})


class WholeRewardSchema(RewardSchema):
    stores = fields.List(fields.Nested(RewardStoreSchema()), required=True)


def _dump(shown: Shown) -> dict[str, Any]:
    reward, english = shown.reward, language() == "en"
    return {
        "id": shown.item_id,
        "name": reward.name_en if english else reward.name_zh,
        "about": reward.about_en if english else reward.about_zh,
        "picture_url": picture_url(reward.picture_id),
        "kind": reward.kind,
        "points": shown.price.points,
        "cash_fen": shown.price.cash_fen,
        "wechat_pay": shown.price.cash_fen > 0 and parts().wechat_pay is not None,
        "full_points": None if shown.full_price is None else shown.full_price.points,
        "full_cash_fen": None if shown.full_price is None else shown.full_price.cash_fen,
        "available": shown.reason is None,
        "reason": shown.reason,
        "text": _why(shown),
        "missing_points": shown.missing_points,
        "missing_fen": shown.missing_fen,
        "left": shown.left,
        "more": shown.more,
        "available_until": reward.available_until,
    }


def _why(shown: Shown) -> str | None:
    if shown.reason is None:
        return None
    missing = {"points": shown.missing_points, "fen": yuan(shown.missing_fen)}
    return say(f"reward.{shown.reason}", language(), **missing)


def _dump_whole(shown: Shown) -> dict[str, Any]:
    stores = [{"store": one.store, "name": one.name, "left": one.left} for one in shown.stores]
    return _dump(shown) | {"stores": stores}


def _after(wanted: Page) -> tuple[int, str] | None:
    """Behind which item the page begins. Raises `BadCursor`."""
    found = matched(wanted, _PLACE)
    return found and (int(found[1]), found[2])


@blueprint.get("")
@blueprint.arguments(CatalogueArguments(), location="query")
@blueprint.response(200, page_of(RewardSchema))
@blueprint.doc(security=MEMBER)
def listing(arguments: dict[str, Any]) -> Response:
    """What points can be exchanged for, from the cheapest on; what cannot be had now says why."""
    wanted = asked(arguments)
    found = catalogue.catalogue(
        member_id=me().id,
        affordable=arguments["affordable"] == "yes",
        limit=wanted.limit + 1,
        after=_after(wanted),
        now=clock.now(),
        within=Band(points_from=arguments["points_from"], points_to=arguments["points_to"]),
    )
    return answer(page(found, wanted, lambda one: f"{one.price.points}-{one.item_id}", _dump))


class BandSchema(Strict):
    points_from = fields.Integer(required=True)
    points_to = fields.Integer(
        required=True, allow_none=True, metadata={"description": "included; null: it has no end"}
    )


class BandsSchema(Strict):
    bands = fields.List(fields.Nested(BandSchema()), required=True, metadata={"description": "three at most"})


@blueprint.get("/bands")
@blueprint.response(200, BandsSchema())
@blueprint.doc(security=MEMBER)
def price_bands() -> Response:
    """Bands of prices to narrow the mall by, from what there is for this member; none: it all lies in one."""
    found = catalogue.price_bands(member_id=me().id, now=clock.now())
    return answer({"bands": [{"points_from": one.points_from, "points_to": one.points_to} for one in found]})


@blueprint.get("/<string:item_id>")
@blueprint.response(200, WholeRewardSchema())
@blueprint.doc(security=MEMBER)
def show(item_id: str) -> Response:
    """One item, with the stores in which it can be picked up."""
    return answer(_dump_whole(catalogue.one(member_id=me().id, item_id=item_id, now=clock.now())))


class RewardWishSchema(Strict):
    item_id = text(26, required=True)
    store = text(
        32,
        load_default=None,
        allow_none=True,
        metadata={"description": "where it is picked up; null: given at once"},
    )
    points = whole(1, MOST_POINTS, required=True, metadata={"description": "the price as it was shown"})
    cash_fen = whole(0, LEGAL_MOST_FEN, load_default=0)
    pay_by = fields.String(
        load_default="balance",
        validate=validate.OneOf(("balance", "wechat_pay")),
        metadata={"description": "who pays the money part: the stored value, or WeChat Pay"},
    )


@order_blueprint.post("")
@order_blueprint.arguments(RewardWishSchema())
@order_blueprint.response(201, RewardOrderSchema())
@order_blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Exchange: goods wait in the store that was named, anything else is given at once.

    With `pay_by` `wechat_pay` it is `pending`, with points and stock held, until the payment is made
    (`POST /api/v1/reward-orders/{id}/payment`) or its time is over.
    """
    here = parts()
    here.throttle.hit(PER_MEMBER, me().id)
    made = pay_exchange.start(
        pay=here.wechat_pay,
        app_id=here.settings.wechat_app_id,
        member_id=me().id,
        wish=Wish(**arguments),
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(dump_order(made), 201)


@order_blueprint.post("/<string:order_id>/payment")
@order_blueprint.response(200, PayableSchema())
@order_blueprint.doc(security=MEMBER)
def open_payment(order_id: str) -> Response:
    """What the phone needs to pay a pending exchange, as often as wanted. WeChat Pay's word completes it."""
    here = parts()
    here.throttle.hit(PER_MEMBER, me().id)
    payable = pay_exchange.open_payment(
        pay=here.wechat_pay,
        app_id=here.settings.wechat_app_id,
        brand=here.settings.brand_name,
        member_id=me().id,
        order_id=order_id,
        now=clock.now(),
    )
    told = {"id": order_id, "expires_at": payable.expires_at, "payment": payable.params.as_json()}
    return answer(told)


@order_blueprint.get("")
@order_blueprint.arguments(PageArguments(), location="query")
@order_blueprint.response(200, page_of(RewardOrderSchema))
@order_blueprint.doc(security=MEMBER)
def own(arguments: dict[str, Any]) -> Response:
    """One's exchanges, the newest first."""
    wanted = asked(arguments)
    found = orders.of_member(member_id=me().id, limit=wanted.limit + 1, before=wanted.after, now=clock.now())
    return answer(page(found, wanted, lambda order: order.order_id, dump_order))


@order_blueprint.get("/<string:order_id>")
@order_blueprint.response(200, RewardOrderSchema())
@order_blueprint.doc(security=MEMBER)
def show_order(order_id: str) -> Response:
    """One of one's exchanges. Goods are handed over for the member's own code, scanned in the store."""
    return answer(dump_order(orders.own(member_id=me().id, order_id=order_id, now=clock.now())))


@order_blueprint.post("/<string:order_id>/cancel")
@order_blueprint.response(200, RewardOrderSchema())
@order_blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def give_up(order_id: str) -> Response:
    """Give it up before it was handed over or used: all that was paid goes back. Also one that waits for payment."""
    here = parts()
    here.throttle.hit(PER_MEMBER, me().id)
    undone = pay_exchange.give_up(
        pay=here.wechat_pay,
        member_id=me().id,
        order_id=order_id,
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(dump_order(undone))
