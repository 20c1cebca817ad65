"""The sessions of an event: to add, change and call off."""

from typing import Any

from flask import Response

from app import clock
from app.engagement.events import change, states
from office_api.event_schemas import (
    EventCancelSchema,
    OfficeEventSchema,
    SessionDraftSchema,
    dump_event,
    terms_in,
)
from office_api.events import mine
from office_api.guard import STAFF, actor, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded

blueprint = Blueprint(
    "event_sessions",
    __name__,
    url_prefix="/office/v1/events/<string:event_id>/sessions",
    description="Sessions of events",
)
guarded(blueprint, require_staff)


@blueprint.post("")
@blueprint.arguments(SessionDraftSchema())
@blueprint.response(201, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def add(arguments: dict[str, Any], event_id: str) -> Response:
    """Another time at which it takes place."""
    mine(event_id)
    version = arguments.pop("version")
    made = change.add_session(
        event_id=event_id, version=version, terms=terms_in(arguments), actor=actor(), now=clock.now()
    )
    return answer(dump_event(made), 201)


@blueprint.put("/<string:session_id>")
@blueprint.arguments(SessionDraftSchema())
@blueprint.response(200, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def replace(arguments: dict[str, Any], event_id: str, session_id: str) -> Response:
    """Change it, whole. Once somebody has booked, time and price stay; more seats go to those who wait."""
    mine(event_id)
    version = arguments.pop("version")
    changed = change.change_session(
        event_id=event_id,
        session_id=session_id,
        version=version,
        terms=terms_in(arguments),
        actor=actor(),
        now=clock.now(),
    )
    return answer(dump_event(changed))


@blueprint.post("/<string:session_id>/cancel")
@blueprint.arguments(EventCancelSchema())
@blueprint.response(200, OfficeEventSchema())
@blueprint.doc(security=STAFF)
def cancel(arguments: dict[str, Any], event_id: str, session_id: str) -> Response:
    """Call it off, for good. Within a minute everybody gets back what they paid, and a message."""
    mine(event_id)
    cancelled = states.cancel_session(
        event_id=event_id, session_id=session_id, **arguments, actor=actor(), now=clock.now()
    )
    return answer(dump_event(cancelled))
