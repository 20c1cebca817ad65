"""Rules of earning as a book of versions (app/points/rulebook.py)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy.orm import Session

from app.approvals.second_person import Exceeded
from app.points.loaded import rule_of
from app.points.models import EarnRule
from app.points.rule_limits import exceeded
from app.points.rulebook import RuleBook
from app.points.rules import AppliesTo, Definition, Rule, RuleMalformed, Stacking, definition_of
from app.typed import convert


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A version that is not one yet. `effective_from` None: at once."""

    name_zh: str
    name_en: str
    applies_to: AppliesTo = "sale"
    definition: Definition
    priority: int = 0
    stacking: Stacking = "add"
    effective_from: datetime | None = None
    effective_until: datetime | None = None


class EarnRules(RuleBook[Rule, Draft]):
    name = "earn_rule"
    model = EarnRule

    def rule_of(self, row: Any) -> Rule:
        return rule_of(row)

    def row_of(self, draft: Draft) -> dict[str, Any]:
        return {
            "name_zh": draft.name_zh,
            "name_en": draft.name_en,
            "kind": draft.definition.kind,
            "applies_to": draft.applies_to,
            "definition": msgspec.to_builtins(draft.definition, order="deterministic"),
            "priority": draft.priority,
            "stacking": draft.stacking,
        }

    def asked_for(self, draft: Draft) -> dict[str, Any]:
        return {**msgspec.to_builtins(draft, order="deterministic"), "kind": draft.definition.kind}

    def draft_of(self, asked: Mapping[str, Any]) -> Draft:
        given = dict(asked)
        definition = definition_of(given.pop("kind"), given.pop("definition"))
        times: dict[str, Any] = {
            name: convert(given.pop(name), datetime | None) for name in ("effective_from", "effective_until")
        }
        return Draft(**given, **times, definition=definition)

    def ending(self, newest: Rule, at: datetime) -> Draft:
        return Draft(
            name_zh=newest.name_zh,
            name_en=newest.name_en,
            applies_to=newest.applies_to,
            definition=newest.definition,
            priority=newest.priority,
            stacking=newest.stacking,
            effective_from=at,
            effective_until=at,
        )

    def check_next(self, newest: Rule, draft: Draft) -> None:
        if (newest.definition.kind, newest.applies_to) != (draft.definition.kind, draft.applies_to):
            raise RuleMalformed(reason="kind and applies_to of a rule stay: make another rule")

    def exceeded(self, session: Session, draft: Draft, others: Sequence[Rule]) -> tuple[Exceeded, ...]:
        return exceeded(session, draft, others)


EARN_RULES = EarnRules()
