"""The answer when something waits for a second person instead of being done."""

from flask import Response
from marshmallow import fields

from app.approvals.second_person import Waiting
from web.answers import answer
from web.schemas import Strict


class WaitingSchema(Strict):
    """Nothing has changed yet: see `GET /office/v1/approvals`."""

    approval_id = fields.String(required=True)


def answer_waiting(waiting: Waiting) -> Response:
    return answer({"approval_id": waiting.approval_id}, 202)
