"""The member's inbox."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.messages.inbox import InboxMessage, inbox, mark_read
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer, nothing
from web.api import Blueprint
from web.guards import guarded
from web.language import language
from web.paging import PageArguments, asked, page, page_of
from web.schemas import Strict

blueprint = Blueprint("inbox", __name__, url_prefix="/api/v1/me/messages", description="The member's inbox")
guarded(blueprint, require_member)


class MessageSchema(Strict):
    id = fields.String(required=True)
    kind = fields.String(required=True)
    title = fields.String(required=True)
    body = fields.String(required=True)
    created_at = fields.AwareDateTime(required=True)
    read = fields.Boolean(required=True)


def _dump(message: InboxMessage) -> dict[str, Any]:
    return {
        "id": message.id,
        "kind": message.kind,
        "title": message.title,
        "body": message.body,
        "created_at": message.created_at,
        "read": message.read,
    }


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, page_of(MessageSchema))
@blueprint.doc(security=MEMBER)
def listing(arguments: dict[str, Any]) -> Response:
    """Newest first."""
    wanted = asked(arguments)
    found = inbox(member_id=me().id, language=language(), limit=wanted.limit + 1, before=wanted.after)
    return answer(page(found, wanted, lambda message: message.id, _dump))


@blueprint.post("/<string:message_id>/read")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def read(message_id: str) -> Response:
    """Mark as read; twice is harmless."""
    mark_read(member_id=me().id, item_id=message_id, now=clock.now())
    return nothing()
