"""A thread of feedback as phones and the back office tell it."""

from typing import Any

from marshmallow import fields, validate

from app.feedback.thread import CATEGORIES, STATES, Thread
from web.schemas import Strict


class FeedbackThreadSchema(Strict):
    id = fields.String(required=True)
    category = fields.String(required=True, validate=validate.OneOf(CATEGORIES))
    state = fields.String(
        required=True,
        validate=validate.OneOf(STATES),
        metadata={"description": "open: waits for an answer; erased: the member took consent back"},
    )
    store = fields.String(required=True, allow_none=True, metadata={"description": "code"})
    store_name = fields.String(required=True, allow_none=True)
    sale = fields.String(required=True, allow_none=True, metadata={"description": "the purchase it is about"})
    receipt_no = fields.String(required=True, allow_none=True)
    first = fields.String(required=True, allow_none=True, metadata={"description": "how it began"})
    messages = fields.Integer(required=True, metadata={"description": "how many"})
    unread = fields.Integer(required=True, metadata={"description": "answers the member has not read"})
    opened_at = fields.AwareDateTime(required=True)
    last_at = fields.AwareDateTime(required=True, metadata={"description": "of the last message"})


def dump_thread(thread: Thread) -> dict[str, Any]:
    return {
        "id": thread.id,
        "category": thread.category,
        "state": thread.state,
        "store": thread.store,
        "store_name": thread.store_name,
        "sale": thread.sale,
        "receipt_no": thread.receipt_no,
        "first": thread.first,
        "messages": thread.messages,
        "unread": thread.unread,
        "opened_at": thread.opened_at,
        "last_at": thread.last_at,
    }
