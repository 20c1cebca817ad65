"""Rounds of a lottery, for those who announce them."""

from typing import Any

from flask import Response
from marshmallow import fields

from app import clock
from app.engagement.lottery_rounds import open_round, rounds_of
from office_api.activities import all_mine, mine
from office_api.guard import STAFF, actor, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.lottery_rounds import ROUND_PAGE, RoundSchema, dump_round
from web.paging import PageArguments, asked, numeric, page
from web.parts import parts
from web.schemas import Strict

blueprint = Blueprint(
    "lottery_rounds",
    __name__,
    url_prefix="/office/v1/activities/<string:activity_id>/rounds",
    description="Rounds of a lottery",
)
guarded(blueprint, require_staff)


class NewRoundSchema(Strict):
    starts_at = fields.AwareDateTime(
        required=True,
        metadata={"description": "a minute from now or later: first the commitment is published"},
    )
    ends_at = fields.AwareDateTime(required=True)


@blueprint.post("")
@blueprint.arguments(NewRoundSchema())
@blueprint.response(201, RoundSchema())
@blueprint.doc(security=STAFF)
def announce(arguments: dict[str, Any], activity_id: str) -> Response:
    """Announce a round of a live lottery. Its terms and seed are fixed from now on; the seed's hash is published."""
    found = all_mine(activity_id)
    held = open_round(lottery_id=found.id, **arguments, vault=parts().seeds, actor=actor(), now=clock.now())
    return answer(dump_round(held), 201)


@blueprint.get("")
@blueprint.arguments(PageArguments(), location="query")
@blueprint.response(200, ROUND_PAGE)
@blueprint.doc(security=STAFF)
def list_rounds(arguments: dict[str, Any], activity_id: str) -> Response:
    """Newest first."""
    wanted = asked(arguments)
    found = rounds_of(lottery_id=mine(activity_id).id, limit=wanted.limit + 1, before=numeric(wanted))
    return answer(page(found, wanted, lambda held: held.round_no, dump_round))
