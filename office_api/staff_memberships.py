"""Which members work here."""

from dataclasses import asdict

from flask import Response
from marshmallow import fields

from app import clock
from app.engagement import referral_staff
from app.staff.roles import MANAGE_STAFF
from office_api.guard import STAFF, boss, my_stores, require_staff
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.schemas import Strict

blueprint = Blueprint(
    "staff_memberships",
    __name__,
    url_prefix="/office/v1/staff/<int:staff_id>/memberships",
    description="Which members work here",
)
guarded(blueprint, require_staff)


class StaffMembershipSchema(Strict):
    member_no = fields.String(required=True)
    since = fields.AwareDateTime(required=True)


class StaffMembershipsSchema(Strict):
    items = fields.List(fields.Nested(StaffMembershipSchema()), required=True)


@blueprint.get("")
@blueprint.response(200, StaffMembershipsSchema())
@blueprint.doc(security=STAFF)
def listing(staff_id: int) -> Response:
    """The person's own memberships: by them nobody is invited for a reward."""
    my_stores(MANAGE_STAFF)
    found = referral_staff.memberships(staff_id=staff_id, boss=boss())
    return answer({"items": [asdict(one) for one in found]})


@blueprint.put("/<string:member_no>")
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def add(staff_id: int, member_no: str) -> Response:
    """Say that the member is this person. 409 `membership_taken` when it is somebody else."""
    my_stores(MANAGE_STAFF)
    referral_staff.add(staff_id=staff_id, member_no=member_no, boss=boss(), now=clock.now())
    return nothing()


@blueprint.delete("/<string:member_no>")
@blueprint.response(204)
@blueprint.doc(security=STAFF)
def remove(staff_id: int, member_no: str) -> Response:
    """Say that it is not."""
    my_stores(MANAGE_STAFF)
    referral_staff.remove(staff_id=staff_id, member_no=member_no, boss=boss(), now=clock.now())
    return nothing()
