"""A rule of discount as data: whom, when and what it is about, and what it takes off."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from app.discounts.effects import MOST_FEN, PerFull, RuleEffect
from app.points.rules import Conditions, RuleMalformed, check_conditions
from app.typed import convert

MOST_PIECES = 10_000
#: Rules with a higher priority come first; coupons stand among them (docs/discounts.md).
LEAST_PRIORITY, MOST_PRIORITY = -1_000, 1_000


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`at_least_*` are about the rule's goods, at what they cost when its turn comes.

    `balance_at_least_fen` is what the member must hold in stored value, however they pay.
    """

    conditions: Conditions = Conditions()
    effect: RuleEffect
    at_least_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 0
    at_least_pieces: Annotated[int, Meta(ge=0, le=MOST_PIECES)] = 0
    balance_at_least_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 0


@dataclass(frozen=True, kw_only=True)
class DiscountRule:
    """A version of a rule. It holds within `[effective_from, effective_until)` unless a newer version has begun."""

    id: int
    rule_no: int
    version: int
    name_zh: str
    name_en: str
    definition: Definition
    priority: int
    group: str
    alone: bool
    effective_from: datetime
    effective_until: datetime | None


def definition_of(data: Mapping[str, Any]) -> Definition:
    """Raises `RuleMalformed`."""
    try:
        definition = convert(data, Definition)
    except msgspec.ValidationError as error:
        raise RuleMalformed(reason=str(error)) from None
    check_conditions(definition.conditions)
    effect = definition.effect
    if isinstance(effect, PerFull) and (fault := effect.fault):
        raise RuleMalformed(reason=fault)
    return definition
