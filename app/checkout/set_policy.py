"""Setting a policy: tighter at once, looser only with a second person."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app import audit, policies
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved, Exceeded, Waiting
from app.checkout.find_by_phone import FindByPhonePolicy
from app.checkout.offline_policy import OfflinePolicy
from app.checkout.pricing import RoundingPolicy
from app.checkout.refund import RefundPolicy
from app.checkout.retro_credit import RetroCreditPolicy
from app.coupons.policy import CouponPolicy
from app.db import transaction
from app.discounts.rule_limits import DiscountPolicy
from app.engagement.events.policy import EventPolicy
from app.engagement.policy import ActivityPolicy
from app.engagement.rewards.policy import RewardPolicy
from app.errors import VersionConflict
from app.messages.policy import MessagePolicy
from app.points.adjust import AdjustmentPolicy
from app.points.pay import PointsPaymentPolicy
from app.points.rule_limits import EarningPolicy
from app.recommendations.policy import RecommendationPolicy
from app.settlement.policy import SettlementPolicy
from app.staff.roles import MANAGE_RULES
from app.staff.sign_in import may_still
from app.stored_value.policy import StoredValuePolicy
from app.stored_value.refund_policy import TopUpRefundPolicy

APPROVAL_KIND = "policy"
#: All policies there are, by their word in the API.
KINDS: dict[str, type[policies.Policy]] = {
    kind.NAME: kind
    for kind in (
        ActivityPolicy,
        AdjustmentPolicy,
        CouponPolicy,
        DiscountPolicy,
        EarningPolicy,
        EventPolicy,
        FindByPhonePolicy,
        MessagePolicy,
        OfflinePolicy,
        PointsPaymentPolicy,
        RecommendationPolicy,
        RefundPolicy,
        RetroCreditPolicy,
        RewardPolicy,
        RoundingPolicy,
        SettlementPolicy,
        StoredValuePolicy,
        TopUpRefundPolicy,
    )
}


def set_policy(
    *, kind: type[policies.Policy], value: Mapping[str, Any], version: int, staff_id: int, now: datetime
) -> policies.InForce[policies.Policy] | Waiting:
    """Set the policy anew, whole; what loosens it waits for a second person with the right in all stores.

    Raises `PolicyMalformed`, and `VersionConflict` unless `version` is the one in force.
    """
    wanted = policies.read(kind, value)
    with transaction() as session:
        former = policies.expected(session, kind, version)
        if wanted.loosens(former.value):
            return _ask(session, former, wanted, staff_id, now)
        actor = audit.Actor(type="staff", id=staff_id)
        return policies.add(session, former, wanted, actor=actor, now=now)


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """Set what a second person has agreed to.

    Raises `ApprovalOutdated` when the policy has another version since, when the value is none any more, or when
    whoever asked has lost the right or the account.
    """
    kind = KINDS.get(approved.subject)
    if kind is None or not may_still(session, approved.requested_by, MANAGE_RULES, None):
        raise ApprovalOutdated
    try:
        wanted = policies.read(kind, approved.details["after"])
        former = policies.expected(session, kind, approved.details["version"])
        actor = audit.Actor(type="staff", id=approved.requested_by)
        policies.add(session, former, wanted, actor=actor, now=now, approval_id=approved.id)
    except (VersionConflict, policies.PolicyMalformed) as error:
        raise ApprovalOutdated from error


def _ask(
    session: Session,
    former: policies.InForce[policies.Policy],
    wanted: policies.Policy,
    staff_id: int,
    now: datetime,
) -> Waiting:
    approval_id = second_person.ask(
        session,
        kind=APPROVAL_KIND,
        subject=wanted.NAME,
        details={
            "policy": wanted.NAME,
            "version": former.version,
            "before": msgspec.to_builtins(former.value),
            "after": msgspec.to_builtins(wanted),
        },
        store_id=None,
        staff_id=staff_id,
        now=now,
    )
    return Waiting(approval_id=approval_id, why=_why(former.value, wanted))


def _why(former: policies.Policy, wanted: policies.Policy) -> tuple[Exceeded, ...]:
    """The fields that allow more by themselves; all that change, should they do so only together."""
    changed = [name for name in wanted.__struct_fields__ if getattr(wanted, name) != getattr(former, name)]
    alone = [
        name
        for name in changed
        if msgspec.structs.replace(former, **{name: getattr(wanted, name)}).loosens(former)
    ]
    return tuple(
        Exceeded(policy=wanted.NAME, field=name, limit=_said(getattr(former, name)))
        for name in alone or changed
    )


def _said(limit: Any) -> int | str | None:
    """Words are told one after the other."""
    return ", ".join(limit) if isinstance(limit, tuple) else limit
