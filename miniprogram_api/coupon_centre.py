"""What members may claim themselves."""

from typing import Any, get_args

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.coupons.centre import Claimable, NotClaimable, centre
from app.coupons.explain import Names, window_text
from app.texts import say
from miniprogram_api.coupon_schemas import FaceSchema, dump_face
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.paging import PageArguments, asked, page, page_of
from web.schemas import text

blueprint = Blueprint(
    "coupon_centre", __name__, url_prefix="/api/v1/coupon-centre", description="Coupons to claim"
)
guarded(blueprint, require_member)


class CentreArguments(PageArguments):
    claim_key = text(
        43,
        load_default=None,
        metadata={"description": "of a link: only what it is for, in the centre or not"},
    )


class ClaimableSchema(FaceSchema):
    template_id = fields.String(required=True)
    validity = fields.String(required=True, metadata={"description": "how long the coupon lasts, in words"})
    uses = fields.Integer(required=True)
    stock = fields.Integer(
        required=True, allow_none=True, metadata={"description": "how many there were; null: no end of them"}
    )
    left = fields.Integer(required=True, allow_none=True, metadata={"description": "how many are left"})
    per_member = fields.Integer(required=True, allow_none=True)
    per_member_a_day = fields.Integer(required=True, allow_none=True)
    had = fields.Integer(required=True, metadata={"description": "how many the member has had"})
    claim_from = fields.AwareDateTime(required=True, allow_none=True)
    claim_until = fields.AwareDateTime(required=True, allow_none=True)
    claimable = fields.Boolean(required=True, metadata={"description": "now, by this member"})
    reason = fields.String(required=True, allow_none=True, validate=validate.OneOf(get_args(NotClaimable)))
    reason_text = fields.String(required=True, allow_none=True, metadata={"description": "for people"})


def _dump(item: Claimable, names: Names) -> dict[str, Any]:
    return dump_face(item.face, names) | {
        "template_id": item.template_id,
        "validity": window_text(item.face, language()),
        "uses": item.face.uses,
        "stock": item.stock,
        "left": item.left,
        "per_member": item.per_member,
        "per_member_a_day": item.per_member_a_day,
        "had": item.had,
        "claim_from": item.claim_from,
        "claim_until": item.claim_until,
        "claimable": item.reason is None,
        "reason": item.reason,
        "reason_text": item.reason and say(f"coupon.claim.{item.reason}", language()),
    }


@blueprint.get("")
@blueprint.arguments(CentreArguments(), location="query")
@blueprint.response(200, page_of(ClaimableSchema))
@blueprint.doc(security=MEMBER)
def listing(arguments: dict[str, Any]) -> Response:
    """What can be claimed, newest first; each with what is left, and why not if the member cannot."""
    wanted = asked(arguments)
    found = centre(
        member_id=me().id,
        claim_key=arguments["claim_key"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    return answer(
        page(found.items, wanted, lambda item: item.template_id, lambda item: _dump(item, found.names))
    )
