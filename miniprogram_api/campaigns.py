"""What the mini-program tells about messages of campaigns."""

from flask import Response

from app import clock
from app.campaigns.opened import opened
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import nothing
from web.api import Blueprint
from web.guards import guarded

blueprint = Blueprint(
    "campaign_messages", __name__, url_prefix="/api/v1/me/campaigns", description="Where members come from"
)
guarded(blueprint, require_member)


@blueprint.post("/<string:campaign_id>/opened")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def note_opened(campaign_id: str) -> Response:
    """The mini-program was opened by a tap on the campaign's message; twice is harmless."""
    opened(campaign_id=campaign_id, member_id=me().id, now=clock.now())
    return nothing()
