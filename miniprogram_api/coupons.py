"""The member's coupons: what they hold, claiming one, and what happened to each."""

from typing import Any

from flask import Response, request
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.coupons.claim import claim
from app.coupons.code import issue_coupon_code
from app.coupons.history import Event, events
from app.coupons.wallet import one, wallet
from app.texts import say
from miniprogram_api.codes import PER_MEMBER, CodeSchema
from miniprogram_api.coupon_schemas import CouponSchema, Dumper
from miniprogram_api.guard import (
    MEMBER,
    looked_up,
    me,
    require_member,
    require_member_with_key,
    scope,
)
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.paging import PageArguments, asked, numeric, page, page_of
from web.parts import parts
from web.schemas import QueryNumber, Strict, text

blueprint = Blueprint("coupons", __name__, url_prefix="/api/v1/coupons", description="The member's coupons")


def _guard() -> None:
    """Crowds come to claim: their key is looked up with the token, so that who is too late costs one trip."""
    (require_member_with_key if request.endpoint == "coupons.claiming" else require_member)()


guarded(blueprint, _guard)

#: All that a member usually holds, in one page.
MOST = 200
EVENTS_SHOWN = 20


class StoreArgument(Strict):
    store = text(32, load_default=None, metadata={"description": "the code of the store the member is in"})


class WalletArguments(PageArguments, StoreArgument):
    limit = QueryNumber(load_default=20, validate=validate.Range(1, MOST))
    state = fields.String(load_default="usable", validate=validate.OneOf(("usable", "used", "ended")))


@blueprint.get("")
@blueprint.arguments(WalletArguments(), location="query")
@blueprint.response(200, page_of(CouponSchema))
@blueprint.doc(security=MEMBER)
def listing(arguments: dict[str, Any]) -> Response:
    """Coupons of one state: of those to be used what ends first comes first, of the others the newest.

    With `store`, each says whether it may be used there, and why not.
    """
    wanted = asked(arguments)
    found = wallet(
        member_id=me().id,
        state=arguments["state"],
        store=arguments["store"],
        limit=wanted.limit + 1,
        after=wanted.after,
        now=clock.now(),
    )
    return answer(page(found.coupons, wanted, lambda held: held.coupon_id, Dumper(found.names)))


class EventSchema(Strict):
    id = fields.String(required=True)
    kind = fields.String(
        required=True,
        validate=validate.OneOf(
            (
                "issued",
                "redeemed",
                "restored",
                "extended",
                "offered",
                "transferred",
                "recalled",
                "exchange_cancelled",
            )
        ),
    )
    text = fields.String(required=True)
    store = fields.String(required=True, allow_none=True)
    at = fields.AwareDateTime(required=True)


def _dump_event(event: Event) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "kind": event.kind,
        "text": say(f"coupon.event.{event.kind}", language()),
        "store": event.store,
        "at": event.at,
    }


class CouponDetailSchema(CouponSchema):
    events = fields.List(
        fields.Nested(EventSchema()), required=True, metadata={"description": "the newest; more by `/events`"}
    )


@blueprint.get("/<string:coupon_id>")
@blueprint.arguments(StoreArgument(), location="query")
@blueprint.response(200, CouponDetailSchema())
@blueprint.doc(security=MEMBER)
def show(arguments: dict[str, Any], coupon_id: str) -> Response:
    """One coupon with what happened to it, while the member holds it."""
    found = one(member_id=me().id, coupon_id=coupon_id, store=arguments["store"], now=clock.now())
    happened = events(member_id=me().id, coupon_id=coupon_id, limit=EVENTS_SHOWN, before=None)
    [held] = found.coupons
    return answer(Dumper(found.names)(held) | {"events": [_dump_event(event) for event in happened]})


@blueprint.get("/<string:coupon_id>/events")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(EventSchema))
@blueprint.doc(security=MEMBER)
def history(arguments: dict[str, Any], coupon_id: str) -> Response:
    """What happened to the coupon, newest first."""
    wanted = asked(arguments)
    found = events(member_id=me().id, coupon_id=coupon_id, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda event: event.id, _dump_event))


@blueprint.post("/<string:coupon_id>/code")
@blueprint.response(200, CodeSchema())
@blueprint.doc(security=MEMBER)
def code(coupon_id: str) -> Response:
    """The coupon's own code to show now: whoever scans it learns of this coupon and of nothing else the member holds.

    409 `coupon_not_redeemable` with the reason when it is not good now.
    """
    now, here = clock.now(), parts()
    here.throttle.hit(PER_MEMBER, me().id)
    shown = issue_coupon_code(codes=here.issuer.coupons, member_id=me().id, coupon_id=coupon_id, now=now)
    return answer(
        {
            "code": shown.code,
            "server_time": now,
            "valid_until": shown.valid_until,
            "refresh_in": shown.refresh_in_s,
        }
    )


class ClaimSchema(Strict):
    error_messages = {"one_of_them": "Either template_id or claim_key."}  # noqa: RUF012  # as the library declares it

    template_id = text(26, load_default=None, metadata={"description": "of the coupon centre"})
    claim_key = text(43, load_default=None, metadata={"description": "of a link or a picture"})

    @validates_schema
    def one_of_them(self, data: dict[str, Any], **_: Any) -> None:
        if (data["template_id"] is None) == (data["claim_key"] is None):
            raise ValidationError(self.error_messages["one_of_them"], "template_id")


class ClaimedSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)


@blueprint.post("")
@blueprint.arguments(ClaimSchema())
@blueprint.response(201, ClaimedSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def claiming(arguments: dict[str, Any]) -> Response:
    """Claim one coupon: of the centre by `template_id`, or of a link by its `claim_key`.

    409 `coupons_used_up` when there is none left, `coupon_limit_reached` when the member has had as many as they may.
    """
    claimed = claim(
        member_id=me().id,
        template_id=arguments["template_id"],
        claim_key=arguments["claim_key"],
        request=keyed(scope()),
        looked_up=looked_up(),
        now=clock.now(),
    )
    return answer(
        {
            "id": claimed.coupon_id,
            "name": claimed.name_en if language() == "en" else claimed.name_zh,
            "valid_from": claimed.valid_from,
            "valid_until": claimed.valid_until,
        },
        201,
    )
