"""What holds for the whole brand: the named policies."""

from typing import Any

import msgspec
from flask import Response
from marshmallow import fields

from app import clock, policies
from app.approvals.second_person import Waiting
from app.checkout.find_by_phone import FindByPhonePolicy
from app.checkout.offline_policy import OfflinePolicy
from app.checkout.pricing import RoundingPolicy
from app.checkout.refund import RefundPolicy
from app.checkout.retro_credit import RetroCreditPolicy
from app.checkout.set_policy import KINDS, set_policy
from app.coupons.policy import CouponPolicy
from app.discounts.rule_limits import DiscountPolicy
from app.engagement.events.policy import EventPolicy
from app.engagement.policy import ActivityPolicy
from app.engagement.rewards.policy import RewardPolicy
from app.errors import Forbidden, NotFound
from app.messages.policy import MessagePolicy
from app.points.adjust import AdjustmentPolicy
from app.points.pay import PointsPaymentPolicy
from app.points.rule_limits import EarningPolicy
from app.recommendations.policy import RecommendationPolicy
from app.settlement.policy import SettlementPolicy
from app.staff.roles import (
    ADJUST_POINTS,
    APPROVE,
    MANAGE_ACTIVITIES,
    MANAGE_RULES,
    MANAGE_SEGMENTS,
    SETTLE,
    stores_with,
)
from app.stored_value.policy import StoredValuePolicy
from app.stored_value.refund_policy import TopUpRefundPolicy
from office_api.guard import STAFF, me, need, require_staff
from office_api.waiting import WaitingSchema, answer_waiting
from web.answers import answer
from web.api import Blueprint
from web.guards import guarded
from web.schemas import Strict, whole

blueprint = Blueprint(
    "policies", __name__, url_prefix="/office/v1/policies", description="Policies of the whole brand"
)
guarded(blueprint, require_staff)

#: Whom a policy concerns beside those who set it: whoever has one of these rights in some store.
BINDS: dict[str, tuple[str, ...]] = {
    ActivityPolicy.NAME: (MANAGE_ACTIVITIES, APPROVE),
    AdjustmentPolicy.NAME: (ADJUST_POINTS, APPROVE),
    CouponPolicy.NAME: (MANAGE_ACTIVITIES, APPROVE),
    DiscountPolicy.NAME: (MANAGE_RULES, APPROVE),
    EarningPolicy.NAME: (MANAGE_RULES, MANAGE_ACTIVITIES, APPROVE),
    EventPolicy.NAME: (MANAGE_ACTIVITIES, APPROVE),
    FindByPhonePolicy.NAME: (APPROVE,),
    MessagePolicy.NAME: (MANAGE_ACTIVITIES, APPROVE),
    OfflinePolicy.NAME: (ADJUST_POINTS,),
    PointsPaymentPolicy.NAME: (APPROVE,),
    RecommendationPolicy.NAME: (MANAGE_SEGMENTS, APPROVE),
    RefundPolicy.NAME: (APPROVE,),
    RetroCreditPolicy.NAME: (APPROVE,),
    RewardPolicy.NAME: (APPROVE,),
    RoundingPolicy.NAME: (APPROVE,),
    SettlementPolicy.NAME: (SETTLE, APPROVE),
    StoredValuePolicy.NAME: (APPROVE,),
    TopUpRefundPolicy.NAME: (APPROVE,),
}


class PolicySchema(Strict):
    name = fields.String(required=True)
    version = fields.Integer(
        required=True, metadata={"description": "0: nobody has set it, these are defaults"}
    )
    value = fields.Dict(keys=fields.String(), required=True)


class PoliciesSchema(Strict):
    items = fields.List(fields.Nested(PolicySchema()), required=True)


def _dump(name: str, policy: policies.InForce[Any]) -> dict[str, Any]:
    return {"name": name, "version": policy.version, "value": msgspec.to_builtins(policy.value)}


@blueprint.get("")
@blueprint.response(200, PoliciesSchema())
@blueprint.doc(security=STAFF)
def listing() -> Response:
    """The policies that concern the caller, as they stand; docs/policies.md tells what each field means."""
    shown = [name for name in KINDS if _concerns_me(name)]
    if not shown:
        raise Forbidden
    return answer({"items": [_dump(name, policies.standing(KINDS[name])) for name in shown]})


def _concerns_me(name: str) -> bool:
    """Whether the caller sets policies, or does what this one limits."""
    grants = me().grants
    sets_it = stores_with(grants, MANAGE_RULES) is None
    return sets_it or any(stores_with(grants, right) != frozenset() for right in BINDS.get(name, ()))


class PolicyChangeSchema(Strict):
    version = whole(0, 2**31 - 1, required=True, metadata={"description": "the one in force, as read"})
    value = fields.Dict(keys=fields.String(), required=True, metadata={"description": "the whole policy"})


@blueprint.put("/<string:name>")
@blueprint.arguments(PolicyChangeSchema())
@blueprint.response(200, PolicySchema())
@blueprint.alt_response(202, schema=WaitingSchema(), description="Waits for a second person")
@blueprint.doc(security=STAFF)
def change(arguments: dict[str, Any], name: str) -> Response:
    """Set a policy anew, whole. What happened before keeps the policy it happened under.

    202 when it would allow more than the one in force, in whatever field.
    """
    need(MANAGE_RULES, None)
    kind = KINDS.get(name)
    if kind is None:
        raise NotFound
    changed = set_policy(
        kind=kind,
        value=arguments["value"],
        version=arguments["version"],
        staff_id=me().id,
        now=clock.now(),
    )
    if isinstance(changed, Waiting):
        return answer_waiting(changed)
    return answer(_dump(name, changed))
