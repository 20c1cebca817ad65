"""What members take part in: activities to look at, make, change, put on and stop, and what each has brought."""

from collections.abc import Iterable
from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.approvals.second_person import Waiting
from app.engagement import change, listing
from app.engagement.activity import Activity
from app.engagement.change import Draft
from app.engagement.report import report as report_of
from app.engagement.survey_about import opinions
from app.staff.roles import MANAGE_ACTIVITIES
from app.stores import setup
from office_api.activity_report_schema import ActivityReportSchema, dump_report
from office_api.activity_schemas import ActivityDraftSchema, ActivitySchema, draft_of, dump_activity
from office_api.guard import STAFF, actor, my_stores, need, require_staff, store_named, stores_named
from office_api.rule_schemas import stores_in
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict, text, whole

blueprint = Blueprint(
    "activities", __name__, url_prefix="/office/v1/activities", description="What members take part in"
)
guarded(blueprint, require_staff)


def mine(activity_id: str) -> Activity:
    """An activity the caller may see. Raises `NotFound`, `Forbidden`."""
    return listing.one_activity(activity_id=activity_id, store_ids=my_stores(MANAGE_ACTIVITIES))


def all_mine(activity_id: str) -> Activity:
    """One in all of whose stores the caller has the right, as changing it needs, and figures of all of them.

    Raises `NotFound`, `Forbidden`.
    """
    found = mine(activity_id)
    for store_id in found.definition.conditions.stores or (None,):
        need(MANAGE_ACTIVITIES, store_id)
    return found


def _draft(arguments: dict[str, Any]) -> Draft:
    draft = draft_of(arguments, stores_named(MANAGE_ACTIVITIES, stores_in(arguments)), clock.now())
    if draft.definition.conditions.stores is None:
        need(MANAGE_ACTIVITIES, None)
    return draft


def codes_of(activities: Iterable[Activity]) -> dict[int, str]:
    named = {store for one in activities for store in one.definition.conditions.stores or ()}
    return setup.store_codes(named) if named else {}


def _answer(activity: Activity | Waiting, status: int = 200) -> Response:
    if isinstance(activity, Waiting):
        return answer_waiting(activity)
    return answer(dump_activity(activity, codes_of([activity])), status)


class ActivitiesArguments(PageArguments):
    store = text(
        32, load_default=None, metadata={"description": "code; with what is for all stores. All without it"}
    )
    from_ = fields.AwareDateTime(
        load_default=None, data_key="from", metadata={"description": "only what has not ended by then"}
    )
    until = fields.AwareDateTime(
        load_default=None, metadata={"description": "only what has begun before then"}
    )


@blueprint.get("")
@blueprint.arguments(ActivitiesArguments(), location="query")
@blueprint.response(200, page_of(ActivitySchema))
@blueprint.doc(security=STAFF)
def list_activities(arguments: dict[str, Any]) -> Response:
    """Newest first: of all stores together and of the caller's own. What is on when and where, for planning."""
    wanted, store = asked(arguments), arguments["store"]
    found = listing.list_activities(
        store_ids=my_stores(MANAGE_ACTIVITIES) if store is None else [store_named(MANAGE_ACTIVITIES, store)],
        limit=wanted.limit + 1,
        before=wanted.after,
        since=arguments["from_"],
        until=arguments["until"],
    )
    codes = codes_of(found)
    return answer(page(found, wanted, lambda one: one.id, lambda one: dump_activity(one, codes)))


@blueprint.get("/<string:activity_id>")
@blueprint.response(200, ActivitySchema())
@blueprint.doc(security=STAFF)
def show(activity_id: str) -> Response:
    """One of them."""
    return _answer(mine(activity_id))


@blueprint.post("")
@blueprint.arguments(ActivityDraftSchema())
@blueprint.response(201, ActivitySchema())
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Make a draft. Nobody sees it until it is published."""
    return _answer(change.create(draft=_draft(arguments), actor=actor(), now=clock.now()), 201)


class NextActivitySchema(ActivityDraftSchema):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


@blueprint.put("/<string:activity_id>")
@blueprint.arguments(NextActivitySchema())
@blueprint.response(200, ActivitySchema())
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], activity_id: str) -> Response:
    """Change it, whole; it must not be live. A stopped one becomes a draft again, its kind stays."""
    all_mine(activity_id)
    draft = _draft(arguments)
    changed = change.change(
        activity_id=activity_id,
        version=arguments["version"],
        draft=draft,
        actor=actor(),
        now=clock.now(),
    )
    return _answer(changed)


class VersionSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


@blueprint.post("/<string:activity_id>/publish")
@blueprint.arguments(VersionSchema())
@blueprint.response(200, ActivitySchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def publish(arguments: dict[str, Any], activity_id: str) -> Response:
    """Put it on. 202 when it may give more than one person may let it alone (policy `activities`)."""
    all_mine(activity_id)
    return _answer(change.publish(activity_id=activity_id, **arguments, actor=actor(), now=clock.now()))


@blueprint.post("/<string:activity_id>/stop")
@blueprint.arguments(VersionSchema())
@blueprint.response(200, ActivitySchema())
@blueprint.doc(security=STAFF)
def stop(arguments: dict[str, Any], activity_id: str) -> Response:
    """End it now. What it gave stays."""
    all_mine(activity_id)
    return _answer(change.stop(activity_id=activity_id, **arguments, actor=actor(), now=clock.now()))


@blueprint.get("/<string:activity_id>/report")
@blueprint.response(200, ActivityReportSchema())
@blueprint.doc(security=STAFF)
def report(activity_id: str) -> Response:
    """Who took part, what they bought, and what it cost. For whoever has the right in all of its stores."""
    found = report_of(activity_id=all_mine(activity_id).id, now=clock.now())
    said = opinions(activity_id=activity_id, stores=my_stores(MANAGE_ACTIVITIES))
    codes = setup.store_codes({one.store_id for one in found.stores if one.store_id})
    return answer(dump_report(found, said, codes))
