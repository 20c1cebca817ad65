"""How much the rules that one person makes alone may give; what gives more waits for a second person."""

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, ClassVar, Protocol

from msgspec import Meta
from sqlalchemy import text
from sqlalchemy.orm import Session

from app import policies
from app.points.loaded import rule_of
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


#: What people of the staff made alone and what still counts, or will. A version gives way when a higher one has begun.
_ALONE = text("""
    SELECT * FROM earn_rules r
    WHERE approval_id IS NULL AND created_by IS NOT NULL AND rule_no IS DISTINCT FROM :rule_no
        AND kind = :kind AND applies_to = :applies_to
        AND (effective_until IS NULL OR effective_until > greatest(:now, effective_from))
        AND NOT EXISTS (SELECT FROM earn_rules later WHERE later.rule_no = r.rule_no AND later.version > r.version
            AND later.effective_from <= :now)""")


def may_alone(session: Session, rule_no: int | None, wanted: Giving, now: datetime) -> bool:
    """Whether one person may make this rule, or this version of `rule_no`, alone.

    Rules that name no store in common, or are for something else, do not add up. Whether two could ever hold for the
    same sale by their days, tiers or products is not asked: then many narrow rules would be one wide one. The caller
    sees to it that nobody else writes rules meanwhile.
    """
    policy, what = policies.in_force(session, EarningPolicy).value, wanted.definition
    if isinstance(what, Base):  # of these only one counts for a line
        return what.rate_bp <= policy.alone_rate_bp
    values = {"rule_no": rule_no, "kind": what.kind, "applies_to": wanted.applies_to, "now": now}
    others = _largest(rule_of(row) for row in session.execute(_ALONE, values))
    most = policy.alone_points if isinstance(what, Extra) else policy.alone_factor_bp - BASIS
    return max(_together([wanted, *others], store) for store in _places(wanted, others)) <= most


def _largest(rules: Iterable[Rule]) -> list[Rule]:
    """Of each rule's versions the one that gives most, in each set of stores."""
    found: dict[object, Rule] = {}
    for rule in rules:
        key = (rule.rule_no, rule.stacking, rule.definition.conditions.stores)
        if key not in found or _more(rule) > _more(found[key]):
            found[key] = rule
    return list(found.values())


def _places(wanted: Giving, others: Iterable[Giving]) -> set[int | None]:
    """The stores in which rules may differ; None stands for those that no rule names."""
    own = wanted.definition.conditions.stores
    if own is not None:
        return set(own)
    return {None, *(store for other in others for store in other.definition.conditions.stores or ())}


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
