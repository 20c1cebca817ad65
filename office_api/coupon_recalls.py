"""Coupons taken back: by id, or all that one source gave."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import ValidationError, fields, validate, validates_schema

from app import clock
from app.coupons import recall
from app.coupons.recall import MOST, Recalled, Wish
from app.staff.roles import MANAGE_ACTIVITIES
from office_api.coupon_templates import mine, mine_to_change
from office_api.guard import STAFF, me, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.schemas import Strict, text

blueprint = Blueprint(
    "coupon_recalls", __name__, url_prefix="/office/v1/coupon-recalls", description="Coupons taken back"
)
guarded(blueprint, require_staff)


class CouponRecallWishSchema(Strict):
    """Either `coupon_ids`, or `template_id` and `source_id`."""

    coupon_ids = fields.List(text(26), load_default=(), validate=validate.Length(1, MOST))
    template_id = text(26, load_default=None)
    source_id = text(
        64, load_default=None, metadata={"description": "of a grant, or of whatever else gave them"}
    )
    reason = text(200, required=True, metadata={"description": "for colleagues; nothing that names a person"})

    @validates_schema
    def one_or_the_other(self, data: dict[str, Any], **_: Any) -> None:
        source = (data.get("template_id"), data.get("source_id"))
        if bool(data.get("coupon_ids")) == any(source) or (any(source) and not all(source)):
            raise ValidationError("Invalid value.", "coupon_ids")


class CouponRecalledSchema(Strict):
    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("waiting", "done", "closed")))
    approval_id = fields.String(required=True, allow_none=True)
    recalled = fields.Integer(required=True)
    kept = fields.Integer(required=True, metadata={"description": "used up, or recalled before"})
    left = fields.Integer(
        required=True, metadata={"description": "held ones of the source beyond this call: call again"}
    )
    unused_uses = fields.Integer(required=True)
    unused_value_fen = fields.Integer(
        required=True, metadata={"description": "what is to be paid back, where members paid for it"}
    )


def _dump(recalled: Recalled) -> dict[str, Any]:
    told = asdict(recalled)
    return {"id": told.pop("recall_id"), **told}


@blueprint.post("")
@blueprint.arguments(CouponRecallWishSchema())
@blueprint.response(201, CouponRecalledSchema())
@blueprint.doc(security=STAFF, parameters=[IDEMPOTENCY_KEY])
def create(arguments: dict[str, Any]) -> Response:
    """Take held coupons away; what was used stays. `waiting`: so many go once a second person has agreed."""
    now, wish = clock.now(), Wish(**arguments)
    for template_id in recall.templates_of(wish):
        mine_to_change(template_id, now)
    recalled = recall.recall(wish=wish, staff_id=me().id, request=keyed(f"staff:{me().id}"), now=now)
    return answer(_dump(recalled), 201)


@blueprint.get("/<string:recall_id>")
@blueprint.response(200, CouponRecalledSchema())
@blueprint.doc(security=STAFF)
def show(recall_id: str) -> Response:
    """How a recall ended."""
    now = clock.now()
    my_stores(MANAGE_ACTIVITIES)
    recalled, wish = recall.show(recall_id)
    for template_id in recall.templates_of(wish):
        mine(template_id, now)
    return answer(_dump(recalled))
