"""Events: to look at, make, change, put on, close and call off, and what each has brought."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.engagement.events import change, event, feedback, report, states
from app.engagement.events.event import Content, Event, content_of
from app.engagement.events.feedback import Opinion
from app.staff.roles import MANAGE_ACTIVITIES
from office_api.activity_report_schema import ActivityConversionSchema
from office_api.event_schemas import (
    EventCancelSchema,
    EventDraftSchema,
    EventVersionSchema,
    NextEventSchema,
    OfficeEventSchema,
    dump_event,
)
from office_api.guard import STAFF, actor, my_stores, require_staff, store_named
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict

blueprint = Blueprint("office_events", __name__, url_prefix="/office/v1/events", description="Events")
guarded(blueprint, require_staff)


def mine(event_id: str) -> Event:
    """An event in a store where the caller may set rules. Raises `NotFound`, `Forbidden`."""
    return event.show(event_id=event_id, stores=my_stores(MANAGE_ACTIVITIES))


def _read(arguments: dict[str, Any]) -> tuple[int, Content]:
    """Raises `NotFound` for a store that is not there, `EventMalformed`."""
    return store_named(MANAGE_ACTIVITIES, arguments.pop("store")), content_of(arguments)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(OfficeEventSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """Those of the caller's stores, the newest first, with their sessions and how these are booked."""
    wanted = asked(arguments)
    found = event.listing(stores=my_stores(MANAGE_ACTIVITIES), limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda one: one.event_id, dump_event))


@blueprint.get("/<string:event_id>")
@blueprint.response(200, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def show(event_id: str) -> Response:
    """One of them."""
    return answer(dump_event(mine(event_id)))


@blueprint.post("")
@blueprint.arguments(EventDraftSchema())
@blueprint.response(201, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def create(arguments: dict[str, Any]) -> Response:
    """Make a draft. It needs sessions, and nobody sees it until it is published."""
    store_id, content = _read(arguments)
    made = change.create(store_id=store_id, content=content, actor=actor(), now=clock.now())
    return answer(dump_event(made), 201)


@blueprint.put("/<string:event_id>")
@blueprint.arguments(NextEventSchema())
@blueprint.response(200, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], event_id: str) -> Response:
    """Change what members read, and who may book. The store only as long as it is a draft."""
    mine(event_id)
    version = arguments.pop("version")
    store_id, content = _read(arguments)
    changed = change.change(
        event_id=event_id,
        version=version,
        store_id=store_id,
        content=content,
        actor=actor(),
        now=clock.now(),
    )
    return answer(dump_event(changed))


@blueprint.post("/<string:event_id>/publish")
@blueprint.arguments(EventVersionSchema())
@blueprint.response(200, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def publish(arguments: dict[str, Any], event_id: str) -> Response:
    """Members see it and may book, again too."""
    mine(event_id)
    return answer(dump_event(states.publish(event_id=event_id, **arguments, actor=actor(), now=clock.now())))


@blueprint.post("/<string:event_id>/close")
@blueprint.arguments(EventVersionSchema())
@blueprint.response(200, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def close(arguments: dict[str, Any], event_id: str) -> Response:
    """No more bookings; those there are stay."""
    mine(event_id)
    return answer(dump_event(states.close(event_id=event_id, **arguments, actor=actor(), now=clock.now())))


@blueprint.post("/<string:event_id>/cancel")
@blueprint.arguments(EventCancelSchema())
@blueprint.response(200, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def cancel(arguments: dict[str, Any], event_id: str) -> Response:
    """Call it off, for good. Within a minute everybody gets back what they paid, and a message."""
    mine(event_id)
    return answer(dump_event(states.cancel(event_id=event_id, **arguments, actor=actor(), now=clock.now())))


class EventCostSchema(Strict):
    points_fen = fields.Integer(
        required=True,
        metadata={"description": "`points` by the policy `settlement`, `fen_per_1000_points`"},
    )
    coupons_used_fen = fields.Integer(required=True, metadata={"description": "what they are worth"})
    total_fen = fields.Integer(required=True)


class EventReportSchema(Strict):
    sessions = fields.Integer(required=True, metadata={"description": "that are not cancelled"})
    seats = fields.Integer(required=True)
    booked = fields.Integer(required=True, metadata={"description": "seats, whoever came or not"})
    waiting = fields.Integer(required=True)
    attended = fields.Integer(required=True)
    no_show = fields.Integer(required=True)
    cancelled = fields.Integer(required=True, metadata={"description": "seats given up, or called off"})
    members = fields.Integer(required=True, metadata={"description": "with bookings that stand"})
    came = fields.Integer(required=True, metadata={"description": "of these members"})
    points = fields.Integer(required=True, metadata={"description": "paid, less what went back"})
    points_back = fields.Integer(required=True)
    coupons = fields.Integer(required=True, metadata={"description": "used"})
    feedback = fields.Integer(required=True, metadata={"description": "how many have said something"})
    stars_hundredths = fields.Integer(
        required=True, allow_none=True, metadata={"description": "on average; 425 is 4.25"}
    )
    conversion = fields.Nested(
        ActivityConversionSchema(),
        required=True,
        metadata={"description": "what those who came bought in its store, by whole days"},
    )
    cost = fields.Nested(EventCostSchema(), required=True)


@blueprint.get("/<string:event_id>/report")
@blueprint.response(200, EventReportSchema())
@blueprint.doc(security=STAFF)
def report_of(event_id: str) -> Response:
    """Who booked and came, what they paid and bought, and how they liked it."""
    return answer(_dump_report(report.report(event=mine(event_id), now=clock.now())))


def _dump_report(found: report.Report) -> dict[str, Any]:
    told = asdict(found)
    conversion = {"during": told.pop("during"), "before": told.pop("before")}
    return told | {
        "conversion": conversion,
        "cost": told["cost"] | {"total_fen": found.cost.total_fen},
    }


class EventOpinionSchema(Strict):
    session_id = fields.String(required=True)
    stars = fields.Integer(required=True)
    comment = fields.String(required=True)
    given_on = fields.Date(required=True, metadata={"description": "by the store's calendar"})


def _dump_opinion(opinion: Opinion) -> dict[str, Any]:
    return {name: getattr(opinion, name) for name in EventOpinionSchema._declared_fields}


@blueprint.get("/<string:event_id>/feedback")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(EventOpinionSchema))
@blueprint.doc(security=STAFF)
def feedback_of(arguments: dict[str, Any], event_id: str) -> Response:
    """What members say of it, without names and in no order."""
    wanted = asked(arguments)
    found = feedback.listing(
        event_id=mine(event_id).event_id,
        stores=my_stores(MANAGE_ACTIVITIES),
        limit=wanted.limit + 1,
        before=wanted.after,
    )
    return answer(page(found, wanted, lambda one: one.opinion_id, _dump_opinion))
