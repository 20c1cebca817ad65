"""A rule of discount as the API speaks of it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from marshmallow import fields, validate

from app.discounts.change import Draft
from app.discounts.effects import BASIS, MOST_FEN, MOST_TIMES
from app.discounts.rules import LEAST_PRIORITY, MOST_PIECES, MOST_PRIORITY, DiscountRule, definition_of
from office_api.rule_schemas import ConditionsSchema, conditions_of, dump_conditions, given, state_of
from web.schemas import Strict, flag, text, whole


def _maybe(least: int, most: int, description: str) -> fields.Integer:
    return whole(least, most, load_default=None, allow_none=True, metadata={"description": description})


class EffectSchema(Strict):
    kind = fields.String(required=True, validate=validate.OneOf(("percent", "amount", "per_full", "price")))
    percent_bp = _maybe(1, BASIS, "percent: ten-thousandths that are taken off")
    most_fen = _maybe(1, MOST_FEN, "percent: at most; null is any")
    off_fen = _maybe(1, MOST_FEN, "amount, per_full")
    every_fen = _maybe(1, MOST_FEN, "per_full: `off_fen` each time this is reached")
    most_times = _maybe(1, MOST_TIMES, "per_full: at most; null is any")
    price_fen = _maybe(0, MOST_FEN, "price: for each piece")


def code_of_group() -> fields.String:
    return fields.String(
        load_default="",
        validate=validate.Regexp(r"^[a-z0-9_-]{0,24}\Z", error="Must be a code of a-z, 0-9, - and _."),
        metadata={"description": "of one group at most one is applied; empty: none"},
    )


class DiscountDraftSchema(Strict):
    name_zh = text(40, required=True)
    name_en = text(60, required=True)
    effect = fields.Nested(EffectSchema(), required=True)
    conditions = fields.Nested(ConditionsSchema(), load_default=None, allow_none=True)
    at_least_fen = whole(
        0, MOST_FEN, load_default=0, metadata={"description": "what the goods must cost when its turn comes"}
    )
    at_least_pieces = whole(0, MOST_PIECES, load_default=0)
    balance_at_least_fen = whole(
        0, MOST_FEN, load_default=0, metadata={"description": "stored value that the member must hold"}
    )
    priority = whole(
        LEAST_PRIORITY, MOST_PRIORITY, load_default=0, metadata={"description": "higher comes first"}
    )
    group = code_of_group()
    alone = flag(load_default=False, metadata={"description": "nothing else beside it"})
    effective_from = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: at once"}
    )
    effective_until = fields.AwareDateTime(load_default=None, allow_none=True)


class DiscountRuleSchema(DiscountDraftSchema):
    rule_no = fields.Integer(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("planned", "in_force", "ended")))


def draft_of(arguments: Mapping[str, Any], store_ids: Mapping[str, int]) -> Draft:
    """Raises `RuleMalformed`."""
    definition = {
        "conditions": conditions_of(arguments["conditions"] or {}, store_ids),
        "effect": given(arguments["effect"]),
        "at_least_fen": arguments["at_least_fen"],
        "at_least_pieces": arguments["at_least_pieces"],
        "balance_at_least_fen": arguments["balance_at_least_fen"],
    }
    return Draft(
        name_zh=arguments["name_zh"],
        name_en=arguments["name_en"],
        definition=definition_of(definition),
        priority=arguments["priority"],
        group=arguments["group"],
        alone=arguments["alone"],
        effective_from=arguments["effective_from"],
        effective_until=arguments["effective_until"],
    )


def dump_rule(rule: DiscountRule, store_codes: Mapping[int, str], now: datetime) -> dict[str, Any]:
    what = rule.definition
    return {
        "rule_no": rule.rule_no,
        "version": rule.version,
        "state": state_of(rule, now),
        "name_zh": rule.name_zh,
        "name_en": rule.name_en,
        "effect": msgspec.to_builtins(what.effect),
        "conditions": dump_conditions(what.conditions, store_codes),
        "at_least_fen": what.at_least_fen,
        "at_least_pieces": what.at_least_pieces,
        "balance_at_least_fen": what.balance_at_least_fen,
        "priority": rule.priority,
        "group": rule.group,
        "alone": rule.alone,
        "effective_from": rule.effective_from,
        "effective_until": rule.effective_until,
    }
