"""Feedback for those who answer it, and counts for those who improve things."""

from dataclasses import asdict
from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.feedback import answer as story
from app.feedback import report as reports
from app.feedback import thread as threads
from app.feedback.thread import CATEGORIES, MOST_CHARS, STATES, Thread
from app.staff.roles import ANSWER_FEEDBACK
from office_api.guard import STAFF, me, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.feedback import FeedbackThreadSchema, dump_thread
from web.guards import guarded
from web.paging import PageArguments, asked, numeric, page, page_of
from web.schemas import Day, QueryNumber, Strict, flag, prose, whole

blueprint = Blueprint(
    "office_feedback", __name__, url_prefix="/office/v1/feedback", description="What members tell us"
)
guarded(blueprint, require_staff)


class OfficeFeedbackThreadSchema(FeedbackThreadSchema):
    version = fields.Integer(required=True)
    member_no = fields.String(required=True, metadata={"description": "masked"})
    member = fields.String(required=True, metadata={"description": "masked"})
    answered_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "the first time"}
    )
    chat_until = fields.AwareDateTime(
        required=True,
        allow_none=True,
        metadata={"description": "so long an answer reaches the member in WeChat, where they wrote"},
    )


def _dump(thread: Thread) -> dict[str, Any]:
    return dump_thread(thread) | {
        "version": thread.version,
        "member_no": thread.member_no,
        "member": thread.member,
        "answered_at": thread.answered_at,
        "chat_until": thread.chat_until,
    }


def _mine(thread_id: str) -> Thread:
    """One about a store of the caller's, or about none if they answer for all. Raises `NotFound`, `Forbidden`."""
    return threads.one(thread_id=thread_id, stores=my_stores(ANSWER_FEEDBACK))


class ThreadsArguments(PageArguments):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    category = fields.String(load_default=None, validate=validate.OneOf(CATEGORIES))


@blueprint.get("")
@blueprint.arguments(ThreadsArguments(), location="query")
@blueprint.response(200, page_of(OfficeFeedbackThreadSchema))
@blueprint.doc(security=STAFF)
def list_threads(arguments: dict[str, Any]) -> Response:
    """Of the caller's stores; those about no store are for whoever answers for all. The oldest first."""
    wanted = asked(arguments)
    found = threads.of_stores(
        stores=my_stores(ANSWER_FEEDBACK),
        state=arguments["state"],
        category=arguments["category"],
        limit=wanted.limit + 1,
        after=wanted.after,
    )
    return answer(page(found, wanted, lambda one: one.id, _dump))


class ReportArguments(PageArguments):
    from_month = Day(
        load_default=None,
        allow_none=False,
        metadata={"description": "any day of the first month; default this one"},
    )
    months = QueryNumber(load_default=1, validate=validate.Range(1, reports.MOST_MONTHS))


class FeedbackCountsSchema(Strict):
    month = fields.Date(required=True, metadata={"description": "its first day, by the chain's calendar"})
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    store = fields.String(required=True, allow_none=True, metadata={"description": "code; null: none named"})
    threads = fields.Integer(required=True, metadata={"description": "opened in that month"})
    answered = fields.Integer(required=True)
    waiting = fields.Integer(required=True, metadata={"description": "open now"})
    first_answer_s = fields.Integer(
        required=True, allow_none=True, metadata={"description": "mean seconds until the first answer"}
    )


@blueprint.get("/report")
@blueprint.arguments(ReportArguments(), location="query")
@blueprint.response(200, page_of(FeedbackCountsSchema))
@blueprint.doc(security=STAFF)
def report(arguments: dict[str, Any]) -> Response:
    """How many threads about what, by store and month."""
    wanted = asked(arguments)
    skip = numeric(wanted) or 0
    found = reports.report(
        from_month=arguments["from_month"] or clock.business_date(clock.now(), clock.HOME_ZONE),
        months=arguments["months"],
        stores=my_stores(ANSWER_FEEDBACK),
        limit=wanted.limit + 1,
        skip=skip,
    )
    return answer(page(found, wanted, lambda _: skip + wanted.limit, asdict))


@blueprint.get("/<string:thread_id>")
@blueprint.response(200, OfficeFeedbackThreadSchema())
@blueprint.doc(security=STAFF)
def show(thread_id: str) -> Response:
    """One of them."""
    return answer(_dump(_mine(thread_id)))


class OfficeFeedbackMessageSchema(Strict):
    message_no = fields.Integer(required=True)
    author = fields.String(required=True, validate=validate.OneOf(("member", "staff")))
    staff = fields.String(required=True, allow_none=True, metadata={"description": "who answered"})
    body = fields.String(required=True, allow_none=True, metadata={"description": "null: erased"})
    at = fields.AwareDateTime(required=True)


@blueprint.get("/<string:thread_id>/messages")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(OfficeFeedbackMessageSchema))
@blueprint.doc(security=STAFF)
def list_messages(arguments: dict[str, Any], thread_id: str) -> Response:
    """What was written, the oldest first."""
    wanted = asked(arguments)
    found = threads.messages(thread_id=_mine(thread_id).id, limit=wanted.limit + 1, after=numeric(wanted))
    return answer(page(found, wanted, lambda one: one.message_no, asdict))


class FeedbackVersionSchema(Strict):
    version = whole(1, 2**31 - 1, required=True, metadata={"description": "as it was read"})


class FeedbackAnswerSchema(FeedbackVersionSchema):
    body = prose(MOST_CHARS, required=True)
    close = flag(load_default=False, metadata={"description": "and close it"})


@blueprint.post("/<string:thread_id>/answer")
@blueprint.arguments(FeedbackAnswerSchema())
@blueprint.response(200, OfficeFeedbackThreadSchema())
@blueprint.doc(security=STAFF)
def give_answer(arguments: dict[str, Any], thread_id: str) -> Response:
    """Answer the member, who is told in their inbox. 409 `version_conflict` if they have written more meanwhile."""
    found = _mine(thread_id)
    return answer(_dump(story.answer(thread_id=found.id, **arguments, staff_id=me().id, now=clock.now())))


@blueprint.post("/<string:thread_id>/close")
@blueprint.arguments(FeedbackVersionSchema())
@blueprint.response(200, OfficeFeedbackThreadSchema())
@blueprint.doc(security=STAFF)
def close(arguments: dict[str, Any], thread_id: str) -> Response:
    """Close it without a word."""
    found = _mine(thread_id)
    return answer(_dump(story.close(thread_id=found.id, **arguments, staff_id=me().id, now=clock.now())))


@blueprint.post("/<string:thread_id>/reopen")
@blueprint.arguments(FeedbackVersionSchema())
@blueprint.response(200, OfficeFeedbackThreadSchema())
@blueprint.doc(security=STAFF)
def reopen(arguments: dict[str, Any], thread_id: str) -> Response:
    """It waits for an answer again."""
    found = _mine(thread_id)
    return answer(_dump(story.reopen(thread_id=found.id, **arguments, staff_id=me().id, now=clock.now())))
