"""Making, changing and ending rules of discount, as app/points/rule_change.py tells."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.approvals.second_person import Exceeded
from app.discounts.loaded import rule_of
from app.discounts.models import DiscountRuleVersion
from app.discounts.rule_limits import exceeded
from app.discounts.rules import Definition, DiscountRule, definition_of
from app.points import rule_change
from app.points.rulebook import RuleBook
from app.typed import convert


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A version that is not one yet. `effective_from` None: at once."""

    name_zh: str
    name_en: str
    definition: Definition
    priority: int = 0
    group: str = ""
    alone: bool = False
    effective_from: datetime | None = None
    effective_until: datetime | None = None


class DiscountRules(RuleBook[DiscountRule, Draft]):
    name = "discount_rule"
    model = DiscountRuleVersion

    def rule_of(self, row: Any) -> DiscountRule:
        return rule_of(row)

    def row_of(self, draft: Draft) -> dict[str, Any]:
        return {
            "name_zh": draft.name_zh,
            "name_en": draft.name_en,
            "definition": msgspec.to_builtins(draft.definition, order="deterministic"),
            "priority": draft.priority,
            "group": draft.group,
            "alone": draft.alone,
        }

    def asked_for(self, draft: Draft) -> dict[str, Any]:
        return msgspec.to_builtins(draft, order="deterministic")  # type: ignore[no-any-return]

    def draft_of(self, asked: Mapping[str, Any]) -> Draft:
        given = dict(asked)
        definition = definition_of(given.pop("definition"))
        times: dict[str, Any] = {
            name: convert(given.pop(name), datetime | None) for name in ("effective_from", "effective_until")
        }
        return Draft(**given, **times, definition=definition)

    def ending(self, newest: DiscountRule, at: datetime) -> Draft:
        return Draft(
            name_zh=newest.name_zh,
            name_en=newest.name_en,
            definition=newest.definition,
            priority=newest.priority,
            group=newest.group,
            alone=newest.alone,
            effective_from=at,
            effective_until=at,
        )

    def check_next(self, newest: DiscountRule, draft: Draft) -> None:
        """Any rule of discount may take the place of another."""

    def exceeded(
        self, session: Session, draft: Draft, others: Sequence[DiscountRule]
    ) -> tuple[Exceeded, ...]:
        return exceeded(session, draft, others)


DISCOUNT_RULES = DiscountRules()
APPROVAL_KIND = DISCOUNT_RULES.name

create = partial(rule_change.create, DISCOUNT_RULES)
change = partial(rule_change.change, DISCOUNT_RULES)
end = partial(rule_change.end, DISCOUNT_RULES)
carry_out = partial(rule_change.carry_out, DISCOUNT_RULES)
