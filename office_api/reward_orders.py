"""Exchanges of the rewards mall: to look at, and to undo for a member."""

from typing import Any

from flask import Response
from marshmallow import fields, validate

from app import clock
from app.engagement.rewards import cancel, orders
from app.engagement.rewards.orders import Order
from app.staff.roles import MANAGE_ACTIVITIES, REFUND, stores_with
from office_api.guard import STAFF, me, my_stores, require_staff
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.idempotency import IDEMPOTENCY_KEY, keyed
from web.paging import PageArguments, asked, page, page_of
from web.rewards import STATES, StaffRewardOrderSchema, dump_for_staff
from web.schemas import Strict, text

blueprint = Blueprint(
    "reward_orders", __name__, url_prefix="/office/v1/reward-orders", description="Exchanges for rewards"
)
guarded(blueprint, require_staff)


class OrdersArguments(PageArguments):
    state = fields.String(load_default=None, validate=validate.OneOf(STATES))
    item_id = text(26, load_default=None)


class OfficeRewardOrderSchema(StaffRewardOrderSchema):
    member_no = fields.String(
        required=True, metadata={"description": "masked where the caller may not refund"}
    )


def _dump(order: Order) -> dict[str, Any]:
    return dump_for_staff(order) | {"member_no": order.member_no}


@blueprint.get("")
@blueprint.arguments(OrdersArguments(), location="query")
@blueprint.response(200, page_of(OfficeRewardOrderSchema))
@blueprint.doc(security=STAFF)
def listing(arguments: dict[str, Any]) -> Response:
    """Exchanges that wait, or waited, in the stores where the caller makes items, or may refund; the newest first."""
    wanted = asked(arguments)
    found = orders.of_stores(
        stores=my_stores(REFUND, MANAGE_ACTIVITIES),
        whole_numbers_in=stores_with(me().grants, REFUND),
        state=arguments["state"],
        item_id=arguments["item_id"],
        limit=wanted.limit + 1,
        before=wanted.after,
        now=clock.now(),
    )
    return answer(page(found, wanted, lambda order: order.order_id, _dump))


class RewardCancelSchema(Strict):
    note = text(200, required=True, metadata={"description": "why, for the audit log; no personal data"})


@blueprint.post("/<string:order_id>/cancel")
@blueprint.arguments(RewardCancelSchema())
@blueprint.response(200, OfficeRewardOrderSchema())
@blueprint.doc(security=STAFF, parameters=[IDEMPOTENCY_KEY])
def give_up(arguments: dict[str, Any], order_id: str) -> Response:
    """Undo an exchange that was not handed over, or whose gift is unused: all that was paid goes back."""
    undone = cancel.by_staff(
        order_id=order_id,
        stores=my_stores(REFUND),
        staff_id=me().id,
        note=arguments["note"],
        request=keyed(f"staff:{me().id}"),
        now=clock.now(),
    )
    return answer(_dump(undone))
