"""How much rules of discount that one person makes alone may take off; what takes off more waits for a second one."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, ClassVar, Protocol

from msgspec import Meta
from sqlalchemy.orm import Session

from app import policies
from app.approvals.second_person import Exceeded
from app.discounts.effects import BASIS, MOST_FEN, AmountOff, PercentOff, PerFull, SpecialPrice
from app.discounts.rules import Definition, DiscountRule
from app.points.rulebook import places


class DiscountPolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one person may take off alone, all rules together that a sale may meet: a part of it, and an amount.

    `alone_prices`: whether they may set special prices, of which nobody can say how much they take off.
    """

    NAME: ClassVar[str] = "discounts"

    alone_percent_bp: Annotated[int, Meta(ge=0, le=BASIS)] = 2_000
    alone_off_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 5_000
    alone_prices: bool = False


class Taking(Protocol):
    """A rule, or one to be."""

    @property
    def definition(self) -> Definition: ...
    @property
    def group(self) -> str: ...
    @property
    def alone(self) -> bool: ...


def exceeded(session: Session, wanted: Taking, before: Sequence[DiscountRule]) -> tuple[Exceeded, ...]:
    """The limits that keep one person from making this rule alone, beside what was made alone `before` and counts.

    Of one group the largest counts; what stands alone is looked at by itself. Rules that name no store in common do
    not add up; days, tiers and products are not asked about, or many narrow rules would be one wide one. The caller
    sees to it that nobody else writes rules meanwhile.
    """
    policy = policies.in_force(session, DiscountPolicy).value
    if isinstance(wanted.definition.effect, SpecialPrice):
        return () if policy.alone_prices else (_beyond("alone_prices", policy),)
    beside = [] if wanted.alone else [rule for rule in before if not rule.alone]
    stores = places(wanted, beside)
    here = [[wanted, *(rule for rule in beside if _holds_in(rule, store))] for store in stores]
    limits: tuple[tuple[str, Callable[[Taking], int]], ...] = (
        ("alone_percent_bp", _part),
        ("alone_off_fen", _amount),
    )
    return tuple(
        _beyond(field, policy)
        for field, of in limits
        if any(_together(rules, of) > getattr(policy, field) for rules in here)
    )


def _beyond(field: str, policy: DiscountPolicy) -> Exceeded:
    return Exceeded(policy=policy.NAME, field=field, limit=getattr(policy, field))


def _holds_in(rule: DiscountRule, store: int | None) -> bool:
    return (names := rule.definition.conditions.stores) is None or store in names


def _together(rules: Iterable[Taking], of: Callable[[Taking], int]) -> int:
    """Of each group the largest, and of each rule outside of groups the largest of its versions."""
    largest: dict[object, int] = defaultdict(int)
    for rule in rules:
        key = rule.group or (rule.rule_no if isinstance(rule, DiscountRule) else None)
        largest[key] = max(largest[key], of(rule))
    return sum(largest.values())


def _part(rule: Taking) -> int:
    """The largest part it takes off, in ten-thousandths."""
    effect = rule.definition.effect
    if isinstance(effect, PerFull):
        return -(-effect.off_fen * BASIS // effect.every_fen)
    return effect.percent_bp if isinstance(effect, PercentOff) else 0


def _amount(rule: Taking) -> int:
    effect = rule.definition.effect
    return effect.off_fen if isinstance(effect, AmountOff) else 0
