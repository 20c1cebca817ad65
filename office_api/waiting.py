"""The answer when something waits for a second person instead of being done."""

from flask import Response
from marshmallow import fields

from app.approvals.explain import why_text
from app.approvals.second_person import Waiting
from web.answers import answer
from web.language import language
from web.schemas import Strict


class ExceededSchema(Strict):
    policy = fields.String(required=True, metadata={"description": "see `GET /office/v1/policies`"})
    field = fields.String(required=True)
    limit = fields.Raw(
        required=True, allow_none=True, metadata={"description": "its value in force, for one person alone"}
    )
    text = fields.String(required=True, metadata={"description": "the same, for people"})


class WaitingSchema(Strict):
    """Nothing has changed yet: see `GET /office/v1/approvals`."""

    approval_id = fields.String(required=True)
    why = fields.List(
        fields.Nested(ExceededSchema()),
        required=True,
        metadata={"description": "each limit that this goes beyond"},
    )


def answer_waiting(waiting: Waiting) -> Response:
    why = [
        {"policy": one.policy, "field": one.field, "limit": one.limit, "text": why_text(one, language())}
        for one in waiting.why
    ]
    return answer({"approval_id": waiting.approval_id, "why": why}, 202)
