"""What members get for a top-up: offers to look at, make, change, end, and try on past top-ups."""

from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.approvals.second_person import Waiting
from app.coupons.grant import MOST_EACH
from app.staff.roles import MANAGE_RULES
from app.stored_value import change_offer, offers
from app.stored_value.offers import Draft, Offer
from app.stored_value.policy import LEGAL_MOST_FEN
from app.stored_value.simulate import simulate
from office_api.guard import STAFF, actor, need, require_staff
from office_api.simulations import OfferSimulatedSchema, PeriodSchema, dump_offers, replaced
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Strict, flag, text, whole

blueprint = Blueprint(
    "top_up_offers", __name__, url_prefix="/office/v1/top-up-offers", description="What a top-up gives"
)
guarded(blueprint, require_staff)

_MOST_DAYS, _MOST_PARTS = 3_660, 36


class OfferDraftSchema(Strict):
    name_zh = text(40, required=True)
    name_en = text(60, required=True)
    pay_fen = whole(1, LEGAL_MOST_FEN, required=True, metadata={"description": "what the member pays"})
    bonus_fen = whole(0, LEGAL_MOST_FEN, load_default=0)
    points = whole(0, 1_000_000, load_default=0)
    first_only = flag(load_default=False, metadata={"description": "for members who have not topped up yet"})
    most_per_member = whole(
        1, 1_000, load_default=None, allow_none=True, metadata={"description": "null: as often as they like"}
    )
    bonus_parts = whole(
        1,
        _MOST_PARTS,
        load_default=1,
        metadata={"description": "equal parts, the first at once, the others a month apart"},
    )
    bonus_days = whole(
        1,
        _MOST_DAYS,
        load_default=None,
        allow_none=True,
        metadata={"description": "whole days that each part of the bonus lasts; null: for ever"},
    )
    points_days = whole(1, _MOST_DAYS, load_default=None, allow_none=True)
    coupon_template_id = text(26, load_default=None, allow_none=True)
    coupon_count = whole(0, MOST_EACH, load_default=0, metadata={"description": "coupons of that template"})
    effective_from = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: at once"}
    )
    effective_until = fields.AwareDateTime(load_default=None, allow_none=True)


class OfferSchema(Strict):
    offer_no = fields.Integer(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("planned", "in_force", "ended")))
    name_zh = fields.String(required=True)
    name_en = fields.String(required=True)
    pay_fen = fields.Integer(required=True)
    bonus_fen = fields.Integer(required=True)
    points = fields.Integer(required=True)
    first_only = fields.Boolean(required=True)
    most_per_member = fields.Integer(required=True, allow_none=True)
    bonus_parts = fields.Integer(required=True)
    bonus_days = fields.Integer(required=True, allow_none=True)
    points_days = fields.Integer(required=True, allow_none=True)
    coupon_template_id = fields.String(required=True, allow_none=True)
    coupon_count = fields.Integer(required=True)
    effective_from = fields.AwareDateTime(required=True)
    effective_until = fields.AwareDateTime(required=True, allow_none=True)


def _dump(offer: Offer, now: datetime) -> dict[str, Any]:
    told = {name: getattr(offer, name) for name in OfferSchema._declared_fields if name != "state"}
    return told | {"state": _state(offer, now)}


def _answer(made: Offer | Waiting, status: int, now: datetime) -> Response:
    return answer_waiting(made) if isinstance(made, Waiting) else answer(_dump(made, now), status)


def _state(offer: Offer, now: datetime) -> str:
    if offer.effective_from > now:
        return "planned"
    return "ended" if offer.effective_until is not None and offer.effective_until <= now else "in_force"


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(OfferSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """The newest version of each offer, by number."""
    need(MANAGE_RULES, None)
    wanted, now = asked(arguments), clock.now()
    found = offers.listing(limit=wanted.limit + 1, after=numeric(wanted))
    return answer(page(found, wanted, lambda offer: offer.offer_no, lambda offer: _dump(offer, now)))


@blueprint.post("")
@blueprint.arguments(OfferDraftSchema())
@blueprint.response(201, OfferSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Make an offer for all stores and the mini-program. 202: it gives so much that a second person must agree."""
    need(MANAGE_RULES, None)
    now = clock.now()
    return _answer(change_offer.create(draft=Draft(**arguments), actor=actor(), now=now), 201, now)


class NextOfferSchema(OfferDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


@blueprint.put("/<int:offer_no>")
@blueprint.arguments(NextOfferSchema())
@blueprint.response(200, OfferSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], offer_no: int) -> Response:
    """The offer's next version, whole; it may wait as a new one. What was topped up before keeps what it was given."""
    need(MANAGE_RULES, None)
    now, version = clock.now(), arguments.pop("version")
    changed = change_offer.change(
        offer_no=offer_no, version=version, draft=Draft(**arguments), actor=actor(), now=now
    )
    return _answer(changed, 200, now)


class EndOfferSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


@blueprint.post("/<int:offer_no>/end")
@blueprint.arguments(EndOfferSchema())
@blueprint.response(200, OfferSchema())
@blueprint.doc(security=STAFF)
def end(arguments: dict[str, Any], offer_no: int) -> Response:
    """End an offer at once."""
    need(MANAGE_RULES, None)
    now = clock.now()
    return answer(_dump(change_offer.end(offer_no=offer_no, **arguments, actor=actor(), now=now), now))


class OfferSimulationSchema(PeriodSchema):
    offer = fields.Nested(OfferDraftSchema(), required=True)
    offer_no = replaced("offer")


@blueprint.post("/simulate")
@blueprint.arguments(OfferSimulationSchema())
@blueprint.response(200, OfferSimulatedSchema())
@blueprint.doc(security=STAFF)
def try_out(arguments: dict[str, Any]) -> Response:
    """What the offer would have given for past top-ups: at most 92 days and 100,000 top-ups. Changes nothing."""
    need(MANAGE_RULES, None)
    found = simulate(
        draft=Draft(**arguments["offer"]),
        offer_no=arguments["offer_no"],
        since=arguments["from_"],
        until=arguments["until"],
        now=clock.now(),
    )
    return answer(dump_offers(found))
