"""Coupons for members by name, many at once: gifts, and what is left of holdings that come from elsewhere."""

from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.coupons import grant, grant_listing, grant_run
from app.coupons.face import MOST_USES
from app.coupons.grant import MOST_EACH, MOST_HOLDINGS, MOST_MEMBERS, Wish
from app.coupons.grant_listing import GrantMemberView, GrantView
from app.coupons.grant_rows import Row, by_number
from app.staff.roles import MANAGE_ACTIVITIES
from app.throttle import Limit
from office_api.coupon_templates import mine_to_change
from office_api.guard import STAFF, me, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, numeric, page, page_of
from web.parts import parts
from web.schemas import Day, Strict, text, whole

blueprint = Blueprint(
    "coupon_grants",
    __name__,
    url_prefix="/office/v1/coupon-grants",
    description="Coupons for members by name",
)
guarded(blueprint, require_staff)

#: A row by phone number tells whether it is a member's, whoever is given something: for one person a day.
BY_PHONE = Limit("coupon_grants_by_phone", 5_000, 24 * 3_600)


class CouponHoldingSchema(Strict):
    """Either `member_no` or `phone`."""

    member_no = text(20, load_default=None)
    phone = text(
        20, load_default=None, metadata={"description": "Chinese mobile numbers may come without +86"}
    )
    uses_left = whole(
        1, MOST_USES, load_default=None, metadata={"description": "without it all that the template gives"}
    )
    valid_through = Day(
        load_default=None,
        metadata={"description": "the last day, by the calendar of the chain; without it the template's"},
    )

    @validates_schema
    def one_name(self, data: dict[str, Any], **_: Any) -> None:
        if (data["member_no"] is None) == (data["phone"] is None):
            raise ValidationError("Invalid value.", "member_no")


class CouponGrantWishSchema(Strict):
    """Either `members` or `holdings`."""

    template_id = text(26, required=True)
    members = fields.List(
        text(20),
        load_default=(),
        validate=validate.Length(1, MOST_MEMBERS),
        metadata={"description": "member numbers"},
    )
    holdings = fields.List(
        fields.Nested(CouponHoldingSchema()),
        load_default=(),
        validate=validate.Length(1, MOST_HOLDINGS),
        metadata={
            "description": "what is left of coupons from another system; never more than the template gives"
        },
    )
    count = whole(1, MOST_EACH, load_default=1, metadata={"description": "for each of them"})
    reason = text(200, required=True, metadata={"description": "for colleagues; nothing that names a person"})

    @validates_schema
    def one_list(self, data: dict[str, Any], **_: Any) -> None:
        if bool(data["members"]) == bool(data["holdings"]):
            raise ValidationError("Invalid value.", "members")


class CouponGrantMemberSchema(Strict):
    place = fields.Integer(required=True, metadata={"description": "in the list as it was sent, from 1"})
    member_no = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "null of a phone number, until theirs is issued"},
    )
    uses_left = fields.Integer(
        required=True,
        allow_none=True,
        metadata={"description": "as it was sent; null: as the template gives"},
    )
    valid_through = fields.Date(required=True, allow_none=True, metadata={"description": "likewise"})
    state = fields.String(required=True, validate=validate.OneOf(("left", "issued", "refused")))
    refusal = fields.String(
        required=True, allow_none=True, metadata={"description": "the code of what stood against it"}
    )
    coupon_ids = fields.List(fields.String(), required=True)


class CouponGrantSchema(Strict):
    id = fields.String(required=True)
    template_id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("waiting", "open", "done", "closed")))
    count = fields.Integer(required=True)
    reason = fields.String(required=True)
    approval_id = fields.String(required=True, allow_none=True)
    requested_by = fields.String(required=True, metadata={"description": "staff number"})
    created_at = fields.AwareDateTime(required=True)
    issued = fields.Integer(required=True, metadata={"description": "members who got theirs"})
    refused = fields.Integer(required=True)
    left = fields.Integer(required=True, metadata={"description": "those of whom it is not known yet"})


class CouponGrantWithMembersSchema(CouponGrantSchema):
    members = fields.List(fields.Nested(CouponGrantMemberSchema()), required=True)


def _dump(view: GrantView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in CouponGrantSchema._declared_fields}


def _dump_member(view: GrantMemberView) -> dict[str, Any]:
    return {name: getattr(view, name) for name in CouponGrantMemberSchema._declared_fields}


@blueprint.post("")
@blueprint.arguments(CouponGrantWishSchema())
@blueprint.response(201, CouponGrantWithMembersSchema())
@blueprint.doc(security=STAFF, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Give each of these members coupons; one's refusal does not touch the others.

    `waiting`: so many are given once a second person has agreed. `open`: the worker gives what is `left`, and so does
    the same request with the same key.
    """
    now = clock.now()
    mine_to_change(arguments["template_id"], now)
    wish = Wish(
        template_id=arguments["template_id"],
        rows=by_number(arguments["members"]) or [Row(**one) for one in arguments["holdings"]],
        count=arguments["count"],
        reason=arguments["reason"],
    )
    if by_phone := sum(row.phone is not None for row in wish.rows):
        parts().throttle.hit(BY_PHONE, me().id, cost=by_phone)
    granted = grant.start(
        wish=wish, staff_id=me().id, request=keyed(f"staff:{me().id}"), vault=parts().phones, now=now
    )
    grant_run.run(granted.grant_id, now=now)
    view = grant_listing.show(grant_id=granted.grant_id, store_ids=None, now=now)
    found = grant_listing.members(grant_id=granted.grant_id, limit=MOST_MEMBERS, after=None)
    return answer(_dump(view) | {"members": [_dump_member(one) for one in found]}, 201)


@blueprint.get("/<string:grant_id>")
@blueprint.response(200, CouponGrantSchema())
@blueprint.doc(security=STAFF)
def show(grant_id: str) -> Response:
    """How a grant stands."""
    view = grant_listing.show(grant_id=grant_id, store_ids=my_stores(MANAGE_ACTIVITIES), now=clock.now())
    return answer(_dump(view))


@blueprint.get("/<string:grant_id>/members")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(CouponGrantMemberSchema))
@blueprint.doc(security=STAFF)
def list_members(arguments: dict[str, Any], grant_id: str) -> Response:
    """What became of each member, in the order in which they were named."""
    wanted = asked(arguments)
    grant_listing.show(grant_id=grant_id, store_ids=my_stores(MANAGE_ACTIVITIES), now=clock.now())
    found = grant_listing.members(grant_id=grant_id, limit=wanted.limit + 1, after=numeric(wanted))
    return answer(page(found, wanted, lambda one: one.place, _dump_member))
