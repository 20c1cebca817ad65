"""Rewards that wait in this store: found by the member's scanned code, and handed over."""

from typing import Any

from flask import Response

from app import clock
from app.checkout import pick_up
from pos_api.guard import TILL, require_till, scope, till
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, page, page_of
from web.rewards import StaffRewardOrderSchema, dump_for_staff
from web.schemas import Strict, text

blueprint = Blueprint("pos_rewards", __name__, url_prefix="/pos/v1", description="Rewards to be picked up")
guarded(blueprint, require_till)


class WaitingArguments(PageArguments):
    ticket = text(43, required=True, metadata={"description": "of a scan of the member's code"})
    staff_no = text(16, load_default=None)


@blueprint.get("/reward-orders")
@blueprint.arguments(WaitingArguments(), location="query")
@blueprint.response(200, page_of(StaffRewardOrderSchema))
@blueprint.doc(security=TILL)
def waiting(arguments: dict[str, Any]) -> Response:
    """What the member may pick up in this store."""
    wanted = asked(arguments)
    found = pick_up.waiting(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda order: order.order_id, dump_for_staff))


class RewardHandOverSchema(Strict):
    ticket = text(43, required=True, metadata={"description": "of a scan of the member's code"})
    order_id = text(26, required=True)
    staff_no = text(16, required=True, metadata={"description": "who hands it over"})


@blueprint.post("/reward-hand-overs")
@blueprint.arguments(RewardHandOverSchema())
@blueprint.response(201, StaffRewardOrderSchema())
@blueprint.doc(security=TILL, parameters=[IDEMPOTENCY_KEY])
def hand_over(arguments: dict[str, Any]) -> Response:
    """Hand a reward over to the member who is here, once."""
    handed = pick_up.pick_up(
        till=till(arguments["staff_no"]),
        ticket=arguments["ticket"],
        order_id=arguments["order_id"],
        request=keyed(scope()),
        now=clock.now(),
    )
    return answer(dump_for_staff(handed), 201)
