"""The benefits that rules of discount offer a member, in a store, at a moment; where one does not hold, the reason."""

from collections.abc import Iterable
from datetime import datetime

from app.clock import zone
from app.discounts import reasons
from app.discounts.benefit import Benefit
from app.discounts.rules import DiscountRule
from app.points.fitting import MemberFacts, StoreFacts, Unmet, unmet

#: What is told where a condition is not met.
REFUSALS: dict[Unmet, str] = {
    "store": reasons.NOT_HERE,
    "tier": reasons.NOT_YOUR_TIER,
    "birthday": reasons.NOT_BIRTHDAY,
    "time": reasons.NOT_NOW,
}


def benefits_of(
    rules: Iterable[DiscountRule],
    member: MemberFacts | None,
    store: StoreFacts,
    at: datetime,
    *,
    balance_fen: int = 0,
) -> list[Benefit]:
    """A benefit for each of these rules, which are in force at that moment. Without a member none of them holds.

    `balance_fen` is the stored value that the member may spend.
    """
    local = at.astimezone(zone(store.time_zone))
    return [_benefit(rule, _refusal(rule, member, store, local, balance_fen)) for rule in rules]


def _refusal(
    rule: DiscountRule, member: MemberFacts | None, store: StoreFacts, local: datetime, balance_fen: int
) -> str:
    if member is None:
        return reasons.MEMBERS_ONLY
    missing = unmet(rule.definition.conditions, member, store, local)
    if missing is not None:
        return REFUSALS[missing]
    return reasons.BALANCE_TOO_LOW if balance_fen < rule.definition.balance_at_least_fen else ""


def _benefit(rule: DiscountRule, refusal: str) -> Benefit:
    what = rule.definition
    return Benefit(
        key=f"rule:{rule.rule_no}",
        name_zh=rule.name_zh,
        name_en=rule.name_en,
        effect=what.effect,
        conditions=what.conditions,
        at_least_fen=what.at_least_fen,
        at_least_pieces=what.at_least_pieces,
        group=rule.group,
        alone=rule.alone,
        priority=rule.priority,
        refusal=refusal,
    )
