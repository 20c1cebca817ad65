"""Segments to look at, make, change, archive and freeze; lists of members."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.automations.uses import uses_of
from app.segments import save, snapshot, static_list
from app.segments import segment as segments
from app.segments.by_number import MOST_MEMBERS
from app.segments.rule import Rule, parse
from app.segments.segment import ListedMember, SegmentView
from app.segments.unknown import unknown_in
from app.staff.roles import MANAGE_SEGMENTS
from app.throttle import Limit
from office_api.guard import STAFF, actor, me, my_stores, need, require_staff
from office_api.segment_previews import rule_field, unknown_field
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.parts import parts
from web.schemas import Strict, label, text, whole

blueprint = Blueprint("segments", __name__, url_prefix="/office/v1/segments", description="Who is meant")
guarded(blueprint, require_staff)

#: Each asks all members and keeps a row for whoever is meant, for good.
SNAPSHOTS = Limit("segment_snapshots", 20, 600)


class SegmentSchema(Strict):
    id = fields.String(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(("rule", "list")))
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("active", "archived")))
    version = fields.Integer(required=True)
    rule = fields.Dict(required=True, allow_none=True, metadata={"description": "null of a list"})
    listed = fields.Integer(
        required=True, allow_none=True, metadata={"description": "members in a list; null of a rule"}
    )
    created_at = fields.AwareDateTime(required=True)
    changed_at = fields.AwareDateTime(required=True)


class SegmentCampaignSchema(Strict):
    id = fields.String(required=True)
    name = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("in_review", "scheduled")))


class SegmentAutomationSchema(Strict):
    no = fields.Integer(required=True)
    name = fields.String(required=True)


class SegmentUsesSchema(Strict):
    campaigns = fields.List(
        fields.Nested(SegmentCampaignSchema()),
        required=True,
        metadata={
            "description": "twenty at most that have not begun: they stop at their hour if the segment asks"
            " something else than what was agreed to, or is put away"
        },
    )
    automations = fields.List(
        fields.Nested(SegmentAutomationSchema()),
        required=True,
        metadata={"description": "twenty at most that are on: they go on with the rule that was agreed to"},
    )


class SegmentInUseSchema(SegmentSchema):
    used_by = fields.Nested(SegmentUsesSchema(), required=True)
    unknown_ = unknown_field()


class SegmentDraftSchema(Strict):
    name = label(60, required=True)
    rule = rule_field(load_default=None, allow_none=True)


class NewSegmentSchema(SegmentDraftSchema):
    kind = fields.String(required=True, validate=validate.OneOf(("rule", "list")))


class NextSegmentSchema(SegmentDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


class SegmentAsReadSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


class SegmentsArguments(PageArguments):
    state = fields.String(load_default=None, validate=validate.OneOf(("active", "archived")))


def _dump_used(found: SegmentView) -> dict[str, Any]:
    unknown = [asdict(one) for one in unknown_in(found.rule)]
    return {**asdict(found), "used_by": asdict(uses_of(found.id)), "unknown": unknown}


def _rule(arguments: dict[str, Any]) -> Rule | None:
    return None if arguments["rule"] is None else parse(arguments["rule"])


@blueprint.get("")
@blueprint.arguments(SegmentsArguments(), location="query")
@blueprint.response(200, page_of(SegmentSchema))
@blueprint.doc(security=STAFF)
def list_segments(arguments: dict[str, Any]) -> Response:
    """Newest first."""
    my_stores(MANAGE_SEGMENTS)
    wanted = asked(arguments)
    found = segments.list_segments(state=arguments["state"], limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda one: one.id, asdict))


@blueprint.get("/<string:segment_id>")
@blueprint.response(200, SegmentInUseSchema())
@blueprint.doc(security=STAFF)
def show(segment_id: str) -> Response:
    """One of them, as it is now, what would notice a change, and words of its rule that no member has."""
    my_stores(MANAGE_SEGMENTS)
    return answer(_dump_used(segments.show(segment_id=segment_id)))


@blueprint.post("")
@blueprint.arguments(NewSegmentSchema())
@blueprint.response(201, SegmentInUseSchema())
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """A segment by a rule, or a list, which is empty at first. For whoever has the right in all stores."""
    need(MANAGE_SEGMENTS, None)
    made = save.create(
        kind=arguments["kind"],
        name=arguments["name"],
        rule=_rule(arguments),
        actor=actor(),
        now=clock.now(),
    )
    return answer(_dump_used(made), 201)


@blueprint.put("/<string:segment_id>")
@blueprint.arguments(NextSegmentSchema())
@blueprint.response(200, SegmentInUseSchema())
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], segment_id: str) -> Response:
    """Change it, whole: the next version. What was frozen of earlier ones stays. `used_by` names what notices."""
    need(MANAGE_SEGMENTS, None)
    changed = save.change(
        segment_id=segment_id,
        version=arguments["version"],
        name=arguments["name"],
        rule=_rule(arguments),
        actor=actor(),
        now=clock.now(),
    )
    return answer(_dump_used(changed))


@blueprint.post("/<string:segment_id>/archive")
@blueprint.arguments(SegmentAsReadSchema())
@blueprint.response(200, SegmentInUseSchema())
@blueprint.doc(security=STAFF)
def archive(arguments: dict[str, Any], segment_id: str) -> Response:
    """Put it away for good. It can still be read."""
    need(MANAGE_SEGMENTS, None)
    archived = save.archive(segment_id=segment_id, **arguments, actor=actor(), now=clock.now())
    return answer(_dump_used(archived))


class SegmentVersionSchema(Strict):
    version = fields.Integer(required=True)
    name = fields.String(required=True)
    rule = fields.Dict(required=True, allow_none=True)
    made_at = fields.AwareDateTime(required=True)


@blueprint.get("/<string:segment_id>/versions")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(SegmentVersionSchema))
@blueprint.doc(security=STAFF)
def list_versions(arguments: dict[str, Any], segment_id: str) -> Response:
    """Newest first."""
    my_stores(MANAGE_SEGMENTS)
    wanted = asked(arguments)
    found = segments.versions(segment_id=segment_id, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda one: one.version, asdict))


class SegmentSnapshotSchema(Strict):
    id = fields.String(required=True)
    segment_id = fields.String(required=True)
    version = fields.Integer(required=True)
    members = fields.Integer(required=True)
    made_at = fields.AwareDateTime(required=True)


@blueprint.post("/<string:segment_id>/snapshots")
@blueprint.arguments(SegmentAsReadSchema())
@blueprint.response(201, SegmentSnapshotSchema())
@blueprint.doc(security=STAFF)
def freeze(arguments: dict[str, Any], segment_id: str) -> Response:
    """Write down who is meant at this moment."""
    need(MANAGE_SEGMENTS, None)
    parts().throttle.hit(SNAPSHOTS, me().id)
    made = snapshot.make(segment_id=segment_id, **arguments, actor=actor(), now=clock.now())
    return answer(asdict(made), 201)


@blueprint.get("/<string:segment_id>/snapshots")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(SegmentSnapshotSchema))
@blueprint.doc(security=STAFF)
def list_snapshots(arguments: dict[str, Any], segment_id: str) -> Response:
    """Newest first."""
    my_stores(MANAGE_SEGMENTS)
    wanted = asked(arguments)
    found = snapshot.list_snapshots(segment_id=segment_id, limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda one: one.id, asdict))


class MembersByNumberSchema(Strict):
    members = fields.List(
        text(20),
        required=True,
        validate=validate.Length(1, MOST_MEMBERS),
        metadata={"description": "member numbers"},
    )


class ChangedMembersSchema(Strict):
    changed = fields.Integer(required=True)
    unchanged = fields.Integer(required=True, metadata={"description": "of whom it was so before"})
    not_found = fields.List(
        fields.String(), required=True, metadata={"description": "numbers of no active member"}
    )


class ListedMemberSchema(Strict):
    member_no = fields.String(required=True, metadata={"description": "masked, as the name is"})
    name = fields.String(required=True)
    added_at = fields.AwareDateTime(required=True)


def _dump_listed(one: ListedMember) -> dict[str, Any]:
    return {"member_no": one.member_no, "name": one.name, "added_at": one.added_at}


@blueprint.get("/<string:segment_id>/members")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(ListedMemberSchema))
@blueprint.doc(security=STAFF)
def list_members(arguments: dict[str, Any], segment_id: str) -> Response:
    """Who stands in a list. For whoever has the right in all stores."""
    need(MANAGE_SEGMENTS, None)
    wanted = asked(arguments)
    found = segments.listed(segment_id=segment_id, limit=wanted.limit + 1, after=numeric(wanted))
    return answer(page(found, wanted, lambda one: one.place, _dump_listed))


@blueprint.post("/<string:segment_id>/members")
@blueprint.arguments(MembersByNumberSchema())
@blueprint.response(200, ChangedMembersSchema())
@blueprint.doc(security=STAFF)
def put_in(arguments: dict[str, Any], segment_id: str) -> Response:
    """Put members into a list; as often as wanted."""
    need(MANAGE_SEGMENTS, None)
    numbers = arguments["members"]
    changed = static_list.put_in(segment_id=segment_id, numbers=numbers, actor=actor(), now=clock.now())
    return answer(asdict(changed))


@blueprint.post("/<string:segment_id>/members/remove")
@blueprint.arguments(MembersByNumberSchema())
@blueprint.response(200, ChangedMembersSchema())
@blueprint.doc(security=STAFF)
def take_out(arguments: dict[str, Any], segment_id: str) -> Response:
    """Take members out of a list."""
    need(MANAGE_SEGMENTS, None)
    numbers = arguments["members"]
    changed = static_list.take_out(segment_id=segment_id, numbers=numbers, actor=actor(), now=clock.now())
    return answer(asdict(changed))
