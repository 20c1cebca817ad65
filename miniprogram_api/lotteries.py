"""Lotteries: prizes and odds, drawing, one's own draws, and everything needed to check a round."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.engagement import lottery_shown
from app.engagement.lottery_draw import Drawn, Wish, draw
from app.engagement.lottery_rounds import one_round, rounds_of
from app.engagement.lottery_shown import OwnDraw, PublicDraw, ShownLottery
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.lottery_rounds import ROUND_PAGE, RoundSchema, ShownPrizeSchema, dump_prizes, dump_round
from web.paging import PageArguments, asked, numeric, page, page_of
from web.parts import parts
from web.schemas import Strict

blueprint = Blueprint("lotteries", __name__, url_prefix="/api/v1", description="Lotteries")
guarded(blueprint, require_member)

#: Nobody taps so often.
PER_MEMBER = Limit("lottery_draws", 60, 60)


def _name(thing: ShownLottery | OwnDraw | Drawn) -> str:
    return thing.name_en if language() == "en" else thing.name_zh


class LotterySchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    for_me = fields.Boolean(required=True, metadata={"description": "whether the member may take part now"})
    cost_points = fields.Integer(
        required=True, allow_none=True, metadata={"description": "of a draw; null: for chances only"}
    )
    chances_left = fields.Integer(required=True)
    draws_a_day = fields.Integer(required=True)
    draws_left_today = fields.Integer(required=True)
    prizes = fields.List(fields.Nested(ShownPrizeSchema()), required=True)
    round = fields.Nested(
        RoundSchema(),
        required=True,
        allow_none=True,
        metadata={"description": "the one that is on, else the next, else the last"},
    )


def _dump(shown: ShownLottery) -> dict[str, Any]:
    held = shown.round
    return {
        "id": shown.id,
        "name": _name(shown),
        "for_me": shown.for_me,
        "cost_points": shown.terms.cost_points,
        "chances_left": shown.chances_left,
        "draws_a_day": shown.terms.draws_a_day,
        "draws_left_today": shown.draws_left_today,
        "prizes": dump_prizes(shown.terms, held.won if held else {}),
        "round": dump_round(held) if held else None,
    }


@blueprint.get("/lotteries")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(LotterySchema))
@blueprint.doc(security=MEMBER)
def list_lotteries(arguments: dict[str, Any]) -> Response:
    """Lotteries that are on."""
    wanted = asked(arguments)
    found = lottery_shown.lotteries(
        member_id=me().id, limit=wanted.limit + 1, after=wanted.after, now=clock.now()
    )
    return answer(page(found, wanted, lambda shown: shown.id, _dump))


@blueprint.get("/lotteries/<string:lottery_id>")
@blueprint.response(200, LotterySchema())
@blueprint.doc(security=MEMBER)
def show(lottery_id: str) -> Response:
    """One lottery, also one that is over."""
    return answer(_dump(lottery_shown.one_lottery(lottery_id=lottery_id, member_id=me().id, now=clock.now())))


class DrawWishSchema(Strict):
    payment = fields.String(required=True, validate=validate.OneOf(("points", "chance")))
    client_seed = fields.String(
        load_default="",
        validate=validate.Regexp(r"^[0-9A-Za-z]{0,32}\Z", error="Must be at most 32 letters and digits."),
        metadata={"description": "goes into the draw: whatever the member likes"},
    )


class DrawSchema(Strict):
    id = fields.String(required=True)
    round_id = fields.String(required=True)
    draw_no = fields.Integer(required=True, metadata={"description": "of this member in the round, from 1"})
    player = fields.String(
        required=True, metadata={"description": "how the member appears in the round's list"}
    )
    client_seed = fields.String(required=True)
    number = fields.Integer(required=True)
    drawn = fields.Integer(required=True, metadata={"description": "the prize the number fell on"})
    given = fields.Integer(required=True, metadata={"description": "the prize that was given"})
    instead = fields.String(
        required=True,
        allow_none=True,
        validate=validate.OneOf(("used_up", "not_issued")),
        metadata={"description": "why `given` is the fallback"},
    )
    name = fields.String(required=True)
    cost_points = fields.Integer(required=True)


class DrawnSchema(DrawSchema):
    points = fields.Integer(required=True)
    coupons = fields.Integer(required=True)
    chances = fields.Integer(required=True)
    chances_left = fields.Integer(required=True)
    draws_left_today = fields.Integer(required=True)


def _dump_draw(one: Drawn | OwnDraw, draw_id: str) -> dict[str, Any]:
    return {
        "id": draw_id,
        "round_id": one.round_id,
        "draw_no": one.draw_no,
        "player": one.player,
        "client_seed": one.client_seed,
        "number": one.number,
        "drawn": one.drawn,
        "given": one.given,
        "instead": one.instead,
        "name": _name(one),
        "cost_points": one.cost_points,
    }


@blueprint.post("/lotteries/<string:lottery_id>/draws")
@blueprint.arguments(DrawWishSchema())
@blueprint.response(201, DrawnSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def play(arguments: dict[str, Any], lottery_id: str) -> Response:
    """Draw once, for points or for a chance. The same key is the same draw."""
    here = parts()
    here.throttle.hit(PER_MEMBER, me().id)
    drawn = draw(
        wish=Wish(member_id=me().id, lottery_id=lottery_id, **arguments),
        vault=here.seeds,
        request=keyed(scope()),
        now=clock.now(),
    )
    told = {
        "points": drawn.points,
        "coupons": drawn.coupons,
        "chances": drawn.chances,
        "chances_left": drawn.chances_left,
        "draws_left_today": drawn.draws_left_today,
    }
    return answer(_dump_draw(drawn, drawn.draw_id) | told, 201)


class OwnDrawSchema(DrawSchema):
    round_no = fields.Integer(required=True)
    drawn_at = fields.AwareDateTime(required=True)


def _dump_own(one: OwnDraw) -> dict[str, Any]:
    return _dump_draw(one, one.id) | {"round_no": one.round_no, "drawn_at": one.drawn_at}


@blueprint.get("/lotteries/<string:lottery_id>/draws")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(OwnDrawSchema))
@blueprint.doc(security=MEMBER)
def own_draws(arguments: dict[str, Any], lottery_id: str) -> Response:
    """The member's own draws, newest first."""
    wanted = asked(arguments)
    found = lottery_shown.own_draws(
        member_id=me().id, lottery_id=lottery_id, limit=wanted.limit + 1, before=wanted.after
    )
    return answer(page(found, wanted, lambda one: one.id, _dump_own))


@blueprint.get("/lotteries/<string:lottery_id>/rounds")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, ROUND_PAGE)
@blueprint.doc(security=MEMBER)
def rounds(arguments: dict[str, Any], lottery_id: str) -> Response:
    """Newest first, those to come included: commitments, and the seeds of those that are over."""
    wanted = asked(arguments)
    found = rounds_of(lottery_id=lottery_id, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda held: held.round_no, dump_round))


@blueprint.get("/lottery-rounds/<string:round_id>")
@blueprint.response(200, RoundSchema())
@blueprint.doc(security=MEMBER)
def show_round(round_id: str) -> Response:
    """One round."""
    return answer(dump_round(one_round(round_id=round_id)))


class PublicDrawSchema(Strict):
    id = fields.String(required=True)
    player = fields.String(required=True)
    draw_no = fields.Integer(required=True)
    client_seed = fields.String(required=True)
    number = fields.Integer(required=True)
    drawn = fields.Integer(required=True)
    given = fields.Integer(required=True)
    instead = fields.String(
        required=True, allow_none=True, validate=validate.OneOf(("used_up", "not_issued"))
    )


def _dump_public(one: PublicDraw) -> dict[str, Any]:
    return {
        "id": one.id,
        "player": one.player,
        "draw_no": one.draw_no,
        "client_seed": one.client_seed,
        "number": one.number,
        "drawn": one.drawn,
        "given": one.given,
        "instead": one.instead,
    }


@blueprint.get("/lottery-rounds/<string:round_id>/draws")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(PublicDrawSchema))
@blueprint.doc(security=MEMBER)
def draws_of_round(arguments: dict[str, Any], round_id: str) -> Response:
    """Everybody's draws of a round, oldest first, without names: with the seed anybody can work each out again."""
    wanted = asked(arguments)
    found = lottery_shown.round_draws(round_id=round_id, limit=wanted.limit + 1, after=wanted.after)
    return answer(page(found, wanted, lambda one: one.id, _dump_public))
