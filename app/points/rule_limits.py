"""How much the rules that one person makes alone may give; what gives more waits for a second person."""

from collections.abc import Iterable
from typing import Annotated, ClassVar, Protocol

from msgspec import Meta
from sqlalchemy.orm import Session

from app import policies
from app.approvals.second_person import Exceeded
from app.points.rulebook import places
from app.points.rules import BASIS, MOST_BP, AppliesTo, Base, Definition, Extra, Multiplier, Rule, Stacking


class EarningPolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one person may give alone: a base rate, and all multipliers and all extras together that a sale may meet."""

    NAME: ClassVar[str] = "earning_rules"

    alone_rate_bp: Annotated[int, Meta(ge=0, le=MOST_BP)] = 20_000
    alone_factor_bp: Annotated[int, Meta(ge=BASIS, le=MOST_BP)] = 30_000
    alone_points: Annotated[int, Meta(ge=0, le=1_000_000)] = 200


class Giving(Protocol):
    """A rule, or one to be."""

    @property
    def definition(self) -> Definition: ...
    @property
    def applies_to(self) -> AppliesTo: ...
    @property
    def stacking(self) -> Stacking: ...


def exceeded(session: Session, wanted: Giving, before: Iterable[Rule]) -> tuple[Exceeded, ...]:
    """The limit that keeps one person from making this rule alone, beside what was made alone `before` and counts.

    Rules that name no store in common, or are for something else, do not add up. Whether two could ever hold for the
    same sale by their days, tiers or products is not asked: then many narrow rules would be one wide one. The caller
    sees to it that nobody else writes rules meanwhile.
    """
    policy, what = policies.in_force(session, EarningPolicy).value, wanted.definition
    if isinstance(what, Base):  # of these only one counts for a line
        return () if what.rate_bp <= policy.alone_rate_bp else _beyond("alone_rate_bp", policy)
    others = _largest(
        rule for rule in before if (rule.definition.kind, rule.applies_to) == (what.kind, wanted.applies_to)
    )
    most = policy.alone_points if isinstance(what, Extra) else policy.alone_factor_bp - BASIS
    if max(_together([wanted, *others], store) for store in places(wanted, others)) <= most:
        return ()
    return _beyond("alone_points" if isinstance(what, Extra) else "alone_factor_bp", policy)


def _beyond(field: str, policy: EarningPolicy) -> tuple[Exceeded, ...]:
    return (Exceeded(policy=policy.NAME, field=field, limit=getattr(policy, field)),)


def _largest(rules: Iterable[Rule]) -> list[Rule]:
    """Of each rule's versions the one that gives most, in each set of stores."""
    found: dict[object, Rule] = {}
    for rule in rules:
        key = (rule.rule_no, rule.stacking, rule.definition.conditions.stores)
        if key not in found or _more(rule) > _more(found[key]):
            found[key] = rule
    return list(found.values())


def _together(rules: Iterable[Giving], store: int | None) -> int:
    here = [r for r in rules if (names := r.definition.conditions.stores) is None or store in names]
    best = max((_more(rule) for rule in here if rule.stacking == "best"), default=0)
    return best + sum(_more(rule) for rule in here if rule.stacking == "add")


def _more(rule: Giving) -> int:
    """What it adds to a sale: ten-thousandths of the base, or points."""
    what = rule.definition
    if isinstance(what, Multiplier):
        return what.factor_bp - BASIS
    return what.points if isinstance(what, Extra) else 0
