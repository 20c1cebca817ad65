"""What a member wants to be told beside what they do themselves."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.members.marketing import ALL
from app.members.models import MARKETING_CHANNELS, PERSONALISED
from app.messages.preferences import Preferences, preferences, set_preferences
from miniprogram_api.guard import MEMBER, me, require_member
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.schemas import Strict, flag

blueprint = Blueprint(
    "message_preferences",
    __name__,
    url_prefix="/api/v1/me/message-preferences",
    description="What a member wants to be told",
)
guarded(blueprint, require_member)


class ChannelsSchema(Strict):
    wechat_subscribe = flag(required=True)
    official_account = flag(required=True)
    sms = flag(required=True)
    email = flag(required=True)


class PreferencesChangeSchema(Strict):
    marketing = flag(required=True, metadata={"description": "false: none at all, whatever the channels say"})
    channels = fields.Nested(
        ChannelsSchema(), required=True, metadata={"description": "whether marketing may come that way"}
    )

    personalised = flag(
        load_default=None,
        allow_none=False,
        metadata={
            "description": "whether recommendations may be made from what one bought; left out: as it is"
        },
    )


class PreferencesSchema(PreferencesChangeSchema):
    personalised = flag(required=True)
    quiet_from = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "HH:MM of the member's home; null: never quiet"},
    )
    quiet_until = fields.String(required=True)


def _dump(found: Preferences) -> dict[str, Any]:
    return {
        "marketing": ALL not in found.refused,
        "channels": {channel: channel not in found.refused for channel in MARKETING_CHANNELS},
        "personalised": PERSONALISED not in found.refused,
        "quiet_from": found.quiet_from,
        "quiet_until": found.quiet_until,
    }


@blueprint.get("")
@blueprint.response(200, PreferencesSchema())
@blueprint.doc(security=MEMBER)
def show() -> Response:
    """Marketing in all and by channel; messages about the member's own doings come in any case."""
    return answer(_dump(preferences(member_id=me().id)))


@blueprint.put("")
@blueprint.arguments(PreferencesChangeSchema())
@blueprint.response(200, PreferencesSchema())
@blueprint.doc(security=MEMBER)
def change(arguments: dict[str, Any]) -> Response:
    """Set them, whole. What waits and is refused now is cancelled."""
    wanted = {ALL: arguments["marketing"], **arguments["channels"], PERSONALISED: arguments["personalised"]}
    told = [scope for scope, want in wanted.items() if want is not None]
    refused = frozenset(scope for scope in told if not wanted[scope])
    set_preferences(member_id=me().id, refused=refused, among=told, now=clock.now())
    return answer(_dump(preferences(member_id=me().id)))
