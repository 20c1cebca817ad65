"""Tags on members."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.segments import tags
from app.staff.roles import MANAGE_SEGMENTS
from office_api.guard import STAFF, actor, my_stores, need, require_staff
from office_api.segments import ChangedMembersSchema, MembersByNumberSchema
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page_of
from web.paging import cursor_of as cursor
from web.schemas import Strict, label, text

blueprint = Blueprint("member_tags", __name__, url_prefix="/office/v1/member-tags", description="Tags")
guarded(blueprint, require_staff)


class TagSchema(Strict):
    tag = fields.String(required=True)
    members = fields.Integer(required=True, metadata={"description": "how many have it"})


class TaggedMembersSchema(MembersByNumberSchema):
    tag = label(24, required=True)


class UntaggedMembersSchema(MembersByNumberSchema):
    tag = text(24, required=True)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(TagSchema))
@blueprint.doc(security=STAFF)
def list_tags(arguments: dict[str, Any]) -> Response:
    """Every tag that is in use, in the order of their letters."""
    my_stores(MANAGE_SEGMENTS)
    wanted = asked(arguments)
    behind = numeric(wanted) or 0
    found = tags.list_tags(limit=wanted.limit + 1, behind=behind)
    more = len(found) > wanted.limit
    items = [asdict(one) for one in found[: wanted.limit]]
    return answer({"items": items, "next_cursor": cursor(behind + wanted.limit) if more else None})


@blueprint.post("")
@blueprint.arguments(TaggedMembersSchema())
@blueprint.response(200, ChangedMembersSchema())
@blueprint.doc(security=STAFF)
def put_on(arguments: dict[str, Any]) -> Response:
    """Put a tag on members; as often as wanted. For whoever has the right in all stores."""
    need(MANAGE_SEGMENTS, None)
    tag, numbers = arguments["tag"], arguments["members"]
    return answer(asdict(tags.put_on(tag=tag, numbers=numbers, actor=actor(), now=clock.now())))


@blueprint.post("/remove")
@blueprint.arguments(UntaggedMembersSchema())
@blueprint.response(200, ChangedMembersSchema())
@blueprint.doc(security=STAFF)
def take_off(arguments: dict[str, Any]) -> Response:
    """Take a tag off members."""
    need(MANAGE_SEGMENTS, None)
    tag, numbers = arguments["tag"], arguments["members"]
    return answer(asdict(tags.take_off(tag=tag, numbers=numbers, actor=actor(), now=clock.now())))
