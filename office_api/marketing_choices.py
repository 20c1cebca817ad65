"""What members have told staff about marketing: written down, in the name of who did."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.members.marketing import SCOPES
from app.messages import preferences
from app.staff.roles import EDIT_MEMBERS
from office_api.guard import STAFF, me, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.schemas import Strict, flag, text

blueprint = Blueprint(
    "marketing_choices",
    __name__,
    url_prefix="/office/v1/marketing-choices",
    description="What members want to be told",
)
guarded(blueprint, require_staff)


class MarketingChoiceSchema(Strict):
    member_no = text(20, required=True)
    scopes = fields.List(
        fields.String(validate=validate.OneOf(SCOPES)),
        required=True,
        validate=validate.Length(1, len(SCOPES)),
        metadata={
            "description": "channels, `all`, or `personalised`: recommendations made from what the member bought"
        },
    )
    opted_out = flag(load_default=True, metadata={"description": "false: marketing is allowed again"})
    asked = flag(
        load_default=False,
        metadata={"description": "the member asked for it; without that nothing is allowed again"},
    )
    note = text(200, 0, load_default="", metadata={"description": "how we know, for the audit log"})


class MarketingRefusedSchema(Strict):
    refused = fields.List(fields.String(validate=validate.OneOf(SCOPES)), required=True)


@blueprint.post("")
@blueprint.arguments(MarketingChoiceSchema())
@blueprint.response(200, MarketingRefusedSchema())
@blueprint.doc(security=STAFF)
def record(arguments: dict[str, Any]) -> Response:
    """Record that a member refuses marketing, or what is picked for them, as told to staff of any store. Twice is once.

    Answers all that the member refuses by now. 422 `opt_in_not_asked` for allowing it again on one's own.
    """
    my_stores(EDIT_MEMBERS)
    refused = preferences.record(
        member_no=arguments["member_no"],
        choices=dict.fromkeys(arguments["scopes"], arguments["opted_out"]),
        asked=arguments["asked"],
        note=arguments["note"],
        staff_id=me().id,
        now=clock.now(),
    )
    return answer({"refused": [scope for scope in SCOPES if scope in refused]})
