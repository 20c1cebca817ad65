"""What the mini-program tells about messages of campaigns and automations."""

from flask import Response

from app import clock
from app.automations import opened as by_automation
from app.campaigns import opened as by_campaign
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import nothing
from web.api import Blueprint
from web.guards import guarded

blueprint = Blueprint(
    "campaign_messages", __name__, url_prefix="/api/v1/me", description="Where members come from"
)
guarded(blueprint, require_member)


@blueprint.post("/campaigns/<string:campaign_id>/opened")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def note_opened(campaign_id: str) -> Response:
    """The mini-program was opened by a tap on the campaign's message; twice is harmless."""
    by_campaign.opened(campaign_id=campaign_id, member_id=me().id, now=clock.now())
    return nothing()


@blueprint.post("/automations/<int:automation_no>/opened")
@blueprint.response(204)
@blueprint.doc(security=MEMBER)
def note_automation_opened(automation_no: int) -> Response:
    """The same by a tap on an automation's message."""
    by_automation.opened(no=automation_no, member_id=me().id, now=clock.now())
    return nothing()
