"""What coupons are made after: templates to look at, make, put before a second person, stop and change."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.approvals.second_person import Waiting
from app.coupons import change_template, of_member, template_listing
from app.coupons.claim_link import needed_link
from app.coupons.template import Draft, Template
from app.staff.roles import MANAGE_ACTIVITIES
from app.stores import setup
from app.throttle import Limit
from office_api.coupon_schemas import (
    STATES,
    CouponTemplateDraftSchema,
    CouponTemplateSchema,
    draft_of,
    dump_template,
    stores_in,
)
from office_api.guard import STAFF, actor, me, my_stores, need, require_staff, stores_named
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.page_picture import answer_page_picture, documented
from web.paging import PageArguments, asked, page, page_of
from web.parts import parts
from web.schemas import Strict, text, whole

blueprint = Blueprint(
    "coupon_templates",
    __name__,
    url_prefix="/office/v1/coupon-templates",
    description="What coupons are made after",
)
guarded(blueprint, require_staff)

#: Whoever asked keeps the picture; WeChat draws so many for everybody together.
PICTURES = Limit("claim_pictures", 30, 3600)


def need_all(stores: Iterable[int] | None) -> None:
    """The right in each of these stores; None: in all there are. Raises `Forbidden`."""
    for store_id in (None,) if stores is None else stores:
        need(MANAGE_ACTIVITIES, store_id)


def mine(template_id: str, now: datetime) -> Template:
    """One that the caller may see. Raises `NotFound`, `Forbidden`."""
    return template_listing.show(template_id=template_id, store_ids=my_stores(MANAGE_ACTIVITIES), now=now)


def mine_to_change(template_id: str, now: datetime) -> Template:
    """One that the caller may decide about: theirs to see, and with the right in all its stores."""
    found = mine(template_id, now)
    need_all(found.stores)
    return found


def _draft(arguments: dict[str, Any]) -> Draft:
    """What the caller may make. Raises `NotFound` for a store in which they make no templates, `Forbidden` for all
    stores together, `FaceMalformed`."""
    draft = draft_of(arguments, stores_named(MANAGE_ACTIVITIES, stores_in(arguments)))
    if draft.stores is None:
        need(MANAGE_ACTIVITIES, None)
    return draft


def _answer(template: Template | Waiting, status: int = 200) -> Response:
    if isinstance(template, Waiting):
        return answer_waiting(template)
    return answer(dump_template(template, _codes([template])), status)


def _codes(templates: Iterable[Template]) -> dict[int, str]:
    named = {store for template in templates for store in template.stores or ()}
    return setup.store_codes(named) if named else {}


class TemplatesArguments(PageArguments):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))


@blueprint.get("")
@blueprint.arguments(TemplatesArguments(), location="query")
@blueprint.response(200, page_of(CouponTemplateSchema))
@blueprint.doc(security=STAFF)
def list_templates(arguments: dict[str, Any]) -> Response:
    """Newest first: of all stores together and of the caller's own."""
    wanted = asked(arguments)
    found = template_listing.list_templates(
        store_ids=my_stores(MANAGE_ACTIVITIES),
        state=arguments["state"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    codes = _codes(found)
    return answer(page(found, wanted, lambda one: one.id, lambda one: dump_template(one, codes)))


class CouponNumbersSchema(Strict):
    issued = fields.Integer(required=True)
    held = fields.Integer(required=True)
    used = fields.Integer(required=True, metadata={"description": "used up"})
    ended = fields.Integer(required=True, metadata={"description": "time over, something unused"})
    recalled = fields.Integer(required=True)
    redemptions = fields.Integer(required=True, metadata={"description": "uses that no refund undid"})
    discount_fen = fields.Integer(required=True, metadata={"description": "what these took off bills"})


class CouponTemplateWithNumbersSchema(CouponTemplateSchema):
    numbers = fields.Nested(CouponNumbersSchema(), required=True)


@blueprint.get("/<string:template_id>")
@blueprint.response(200, CouponTemplateWithNumbersSchema())
@blueprint.doc(security=STAFF)
def show(template_id: str) -> Response:
    """One template, and what became of its coupons."""
    now = clock.now()
    found = mine(template_id, now)
    numbers = template_listing.numbers(template_id=template_id, now=now)
    told = {name: getattr(numbers, name) for name in CouponNumbersSchema._declared_fields}
    return answer(dump_template(found, _codes([found])) | {"numbers": told})


class CouponsOfMemberArguments(PageArguments):
    member_no = text(20, required=True)


class CouponOfMemberSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("held", "used", "ended", "recalled")))
    source = fields.String(
        required=True, metadata={"description": "what gave it: a claim, a grant and so on"}
    )
    source_id = fields.String(required=True, metadata={"description": "by which a recall takes all it gave"})
    issued_at = fields.AwareDateTime(required=True)
    valid_until = fields.AwareDateTime(required=True)
    uses = fields.Integer(required=True)
    uses_left = fields.Integer(required=True)
    passed_on = fields.Boolean(
        required=True, metadata={"description": "they gave it to somebody else, who holds it"}
    )


@blueprint.get("/<string:template_id>/coupons")
@blueprint.arguments(CouponsOfMemberArguments(), location="query")
@blueprint.response(200, page_of(CouponOfMemberSchema))
@blueprint.doc(security=STAFF)
def list_coupons(arguments: dict[str, Any], template_id: str) -> Response:
    """What one member was given of it or holds of it, newest first: the ids that a recall takes."""
    wanted, now = asked(arguments), clock.now()
    mine(template_id, now)
    found = of_member.list_coupons(
        template_id=template_id,
        member_no=arguments["member_no"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=now,
    )
    return answer(page(found, wanted, lambda one: one.id, asdict))


@blueprint.get("/<string:template_id>/picture")
@blueprint.doc(security=STAFF, responses=documented("the mini-program code by which its coupons are claimed"))
def picture(template_id: str) -> Response:
    """The mini-program code of the claim link, to print. WeChat draws it: keep it.

    In every state of the template: who opens it reads when there is nothing to claim, and why.
    """
    link = needed_link(mine(template_id, clock.now()))
    parts().throttle.hit(PICTURES, me().id)
    return answer_page_picture(link.page, link.scene)


@blueprint.post("")
@blueprint.arguments(CouponTemplateDraftSchema())
@blueprint.response(201, CouponTemplateSchema())
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Make a draft. Nobody gets any of it before a second person has agreed."""
    return _answer(change_template.create(draft=_draft(arguments), actor=actor(), now=clock.now()), 201)


class CouponNextTemplateSchema(CouponTemplateDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


@blueprint.put("/<string:template_id>")
@blueprint.arguments(CouponNextTemplateSchema())
@blueprint.response(200, CouponTemplateSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], template_id: str) -> Response:
    """Set it anew, whole. What members hold stays as it is.

    202 when it is no draft any more and gets another face, or gives more.
    """
    now = clock.now()
    mine_to_change(template_id, now)
    changed = change_template.change(
        template_id=template_id,
        version=arguments["version"],
        draft=_draft(arguments),
        actor=actor(),
        now=now,
    )
    return _answer(changed)


class CouponTemplateVersionSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "the newest one, as it was read"})


@blueprint.post("/<string:template_id>/submit")
@blueprint.arguments(CouponTemplateVersionSchema())
@blueprint.response(200, CouponTemplateSchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def submit(arguments: dict[str, Any], template_id: str) -> Response:
    """Put a draft before a second person, whose word makes it live: the answer is always 202."""
    now = clock.now()
    mine_to_change(template_id, now)
    return _answer(change_template.submit(template_id=template_id, **arguments, actor=actor(), now=now))


@blueprint.post("/<string:template_id>/stop")
@blueprint.arguments(CouponTemplateVersionSchema())
@blueprint.response(200, CouponTemplateSchema())
@blueprint.doc(security=STAFF)
def stop(arguments: dict[str, Any], template_id: str) -> Response:
    """Nobody gets any more of it, at once; what members hold stays good."""
    now = clock.now()
    mine_to_change(template_id, now)
    return _answer(change_template.stop(template_id=template_id, **arguments, actor=actor(), now=now))


@blueprint.post("/<string:template_id>/resume")
@blueprint.arguments(CouponTemplateVersionSchema())
@blueprint.response(200, CouponTemplateSchema())
@blueprint.doc(security=STAFF)
def resume(arguments: dict[str, Any], template_id: str) -> Response:
    """One that was stopped may be had again."""
    now = clock.now()
    mine_to_change(template_id, now)
    return _answer(change_template.resume(template_id=template_id, **arguments, actor=actor(), now=now))
