"""Coupons that a clerk gives away."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.checkout.grant_coupon import Given, grant
from app.checkout.grantable import Grantable, grantable
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.language import language
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict, text

blueprint = Blueprint(
    "pos_coupon_grants", __name__, url_prefix="/pos/v1", description="Coupons that a clerk gives"
)
guarded(blueprint, require_till)


class GiveCouponSchema(Strict):
    ticket = text(43, required=True, metadata={"description": "of a scan; one coupon of each template"})
    template_id = text(26, required=True)
    staff_no = text(16, required=True)


class CouponGivenSchema(Strict):
    coupon_id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "in the language asked for"})
    valid_from = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True, metadata={"description": "exclusive"})
    left_today = fields.Integer(
        required=True, metadata={"description": "how many more of these the clerk may give away today"}
    )


def _dump(given: Given) -> dict[str, Any]:
    return {
        "coupon_id": given.coupon_id,
        "name": given.name_en if language() == "en" else given.name_zh,
        "valid_from": given.valid_from,
        "valid_until": given.valid_until,
        "left_today": given.left_today,
    }


@blueprint.post("/coupon-grants")
@blueprint.arguments(GiveCouponSchema())
@blueprint.response(201, CouponGivenSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Give the member who was scanned a coupon, within what one clerk may give away on a day."""
    given = grant(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        template_id=arguments["template_id"],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(_dump(given), 201)


class ClerkTemplatesArguments(PageArguments):
    staff_no = text(16, required=True, metadata={"description": "who wants to give one away"})


class ClerkTemplateSchema(Strict):
    template_id = fields.String(required=True)
    name = fields.String(required=True, metadata={"description": "in the language asked for"})
    left_today = fields.Integer(
        required=True, metadata={"description": "how many more of these the clerk may give away today"}
    )
    left = fields.Integer(
        required=True, allow_none=True, metadata={"description": "how many there are; null: any number"}
    )


def _dump_template(one: Grantable) -> dict[str, Any]:
    return {
        "template_id": one.template_id,
        "name": one.name_en if language() == "en" else one.name_zh,
        "left_today": one.left_today,
        "left": one.left,
    }


@blueprint.get("/coupon-templates")
@blueprint.arguments(ClerkTemplatesArguments(), location="query")
@blueprint.response(200, page_of(ClerkTemplateSchema))
@blueprint.doc(security=TILL)
def list_grantable(arguments: dict[str, Any]) -> Response:
    """What the clerk may give away here and now, newest first; a member may still have had enough of one."""
    wanted = asked(arguments)
    found = grantable(
        till=till(arguments["staff_no"]), limit=wanted.limit + 1, before=wanted.after, now=clock.now()
    )
    return answer(page(found, wanted, lambda one: one.template_id, _dump_template))
