"""Feedback on the phone: the member's threads, writing, and what was answered."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.feedback import thread as threads
from app.feedback import write
from app.feedback.thread import CATEGORIES, MOST_CHARS, Message
from app.feedback.write import Opening, Written
from app.idempotency import Request, given
from app.throttle import Limit
from miniprogram_api.guard import MEMBER, me, require_member, scope
from web.answers import answer, nothing
from web.api import Blueprint
from web.feedback import FeedbackThreadSchema, dump_thread
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, numeric, page, page_of
from web.parts import parts
from web.schemas import Strict, prose, text

blueprint = Blueprint("feedback", __name__, url_prefix="/api/v1/feedback", description="Feedback")
guarded(blueprint, require_member)

DAY_S = 86_400
THREADS_A_DAY = Limit("feedback_threads", 10, DAY_S)
MESSAGES_A_DAY = Limit("feedback_messages", 60, DAY_S)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(FeedbackThreadSchema))
@blueprint.doc(security=MEMBER)
def list_threads(arguments: dict[str, Any]) -> Response:
    """One's own, the newest first."""
    wanted = asked(arguments)
    found = threads.of_member(member_id=me().id, limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda one: one.id, dump_thread))


class OpeningSchema(Strict):
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    body = prose(MOST_CHARS, required=True)
    store = text(32, load_default=None, allow_none=True, metadata={"description": "code"})
    sale = text(
        26, load_default=None, allow_none=True, metadata={"description": "id of one of one's purchases"}
    )


class FeedbackWrittenSchema(Strict):
    id = fields.String(required=True, metadata={"description": "of the thread"})
    message_no = fields.Integer(required=True)


def _again(request: Request, limit: Limit) -> Written | None:
    """What was written with that key before; None if it is new, and then it counts. Raises `KeyReused`, `TooMany`."""
    done = given(request, Written)
    if done is None:
        parts().throttle.hit(limit, me().id)
    return done


def _written(done: Written) -> Response:
    return answer({"id": done.thread_id, "message_no": done.message_no}, 201)


@blueprint.post("")
@blueprint.arguments(OpeningSchema())
@blueprint.response(201, FeedbackWrittenSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def open_thread(arguments: dict[str, Any]) -> Response:
    """Begin a thread."""
    request, opening = keyed(scope()), Opening(**arguments)
    done = _again(request, THREADS_A_DAY) or write.open_thread(
        member_id=me().id, opening=opening, request=request, now=clock.now()
    )
    return _written(done)


@blueprint.get("/<string:thread_id>")
@blueprint.response(200, FeedbackThreadSchema())
@blueprint.doc(security=MEMBER)
def show(thread_id: str) -> Response:
    """One of one's own."""
    return answer(dump_thread(threads.own(member_id=me().id, thread_id=thread_id)))


class FeedbackMessageSchema(Strict):
    message_no = fields.Integer(required=True)
    author = fields.String(required=True, validate=validate.OneOf(("member", "staff")))
    body = fields.String(required=True, allow_none=True, metadata={"description": "null: erased"})
    at = fields.AwareDateTime(required=True)


def _dump_message(message: Message) -> dict[str, Any]:
    told = asdict(message)
    del told["staff"]
    return told


@blueprint.get("/<string:thread_id>/messages")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(FeedbackMessageSchema))
@blueprint.doc(security=MEMBER)
def list_messages(arguments: dict[str, Any], thread_id: str) -> Response:
    """What was written, the oldest first."""
    wanted = asked(arguments)
    own = threads.own(member_id=me().id, thread_id=thread_id)
    found = threads.messages(thread_id=own.id, limit=wanted.limit + 1, after=numeric(wanted))
    return answer(page(found, wanted, lambda one: one.message_no, _dump_message))


class MoreSchema(Strict):
    body = prose(MOST_CHARS, required=True)


@blueprint.post("/<string:thread_id>/messages")
@blueprint.arguments(MoreSchema())
@blueprint.response(201, FeedbackWrittenSchema())
@blueprint.doc(security=MEMBER, parameters=[IDEMPOTENCY_KEY])
def add(arguments: dict[str, Any], thread_id: str) -> Response:
    """Write more. A closed thread is open again."""
    request = keyed(scope())
    done = _again(request, MESSAGES_A_DAY) or write.add(
        member_id=me().id, thread_id=thread_id, body=arguments["body"], request=request, now=clock.now()
    )
    return _written(done)


@blueprint.post("/<string:thread_id>/read")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def read(thread_id: str) -> Response:
    """All that is there has been read; twice is harmless."""
    write.mark_read(member_id=me().id, thread_id=thread_id)
    return nothing()
