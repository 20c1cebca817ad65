"""A rule of earning as the API speaks of it: codes of stores instead of ids, hours as people write them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from marshmallow import fields, validate

from app.points.rules import (
    MOST_BP,
    MOST_DAYS,
    MOST_NAMED,
    MOST_POINTS,
    Base,
    Conditions,
    Extra,
    Multiplier,
    Rule,
    RuleMalformed,
    definition_of,
)
from app.points.version_set import Version
from app.points.versions import Draft
from web.schemas import Strict, text, whole

_HOUR = validate.Regexp(r"^(?:[01][0-9]|2[0-3]):[0-5][0-9]\Z", error="Must be an hour as HH:MM.")
_FEW = validate.Length(1, MOST_NAMED)
#: What only rules of one kind have.
_EFFECTS = {"base": ("rate_bp", "expiry", "pending_days"), "multiplier": ("factor_bp",), "extra": ("points",)}


def _some(item: fields.Field[Any], **options: Any) -> fields.List[Any]:
    return fields.List(item, load_default=None, allow_none=True, validate=_FEW, **options)


class TimeOfDaySchema(Strict):
    from_ = fields.String(required=True, data_key="from", validate=_HOUR, metadata={"description": "HH:MM"})
    until = fields.String(
        required=True,
        validate=_HOUR,
        metadata={"description": "HH:MM, no longer included; before `from`: after midnight"},
    )


class ConditionsSchema(Strict):
    """All of them must be so; what is missing asks for nothing. Days and hours are the store's."""

    stores = _some(text(32), metadata={"description": "codes"})
    tiers = _some(text(24), metadata={"description": "codes"})
    products = _some(text(64), metadata={"description": "article numbers (sku) of lines"})
    categories = _some(text(40), metadata={"description": "categories of lines"})
    weekdays = _some(whole(1, 7), metadata={"description": "1 is Monday"})
    monthdays = _some(whole(-1, 31), metadata={"description": "-1 is the last of the month"})
    dates = _some(fields.Date())
    birthday = fields.String(load_default=None, allow_none=True, validate=validate.OneOf(("day", "month")))
    time_of_day = fields.Nested(TimeOfDaySchema(), load_default=None, allow_none=True)


class CapsSchema(Strict):
    per_sale = whole(1, MOST_POINTS, load_default=None, allow_none=True)
    per_day = whole(
        1, MOST_POINTS, load_default=None, allow_none=True, metadata={"description": "for each member"}
    )


class ExpirySchema(Strict):
    kind = fields.String(
        required=True,
        validate=validate.OneOf(("days", "months", "end_of_year", "end_of_next_year", "never")),
    )
    n = whole(1, MOST_DAYS, load_default=None, allow_none=True)


class DraftSchema(Strict):
    name_zh = text(40, required=True)
    name_en = text(60, required=True)
    kind = fields.String(required=True, validate=validate.OneOf(tuple(_EFFECTS)))
    applies_to = fields.String(load_default="sale", validate=validate.OneOf(("sale", "top_up")))
    priority = whole(-1_000, 1_000, load_default=0)
    stacking = fields.String(load_default="add", validate=validate.OneOf(("add", "best")))
    effective_from = fields.AwareDateTime(
        load_default=None, allow_none=True, metadata={"description": "null: at once"}
    )
    effective_until = fields.AwareDateTime(load_default=None, allow_none=True)
    conditions = fields.Nested(ConditionsSchema(), load_default=None, allow_none=True)
    caps = fields.Nested(CapsSchema(), load_default=None, allow_none=True)
    rate_bp = whole(
        0,
        MOST_BP,
        load_default=None,
        allow_none=True,
        metadata={"description": "base: points per yuan × 10,000"},
    )
    expiry = fields.Nested(
        ExpirySchema(), load_default=None, allow_none=True, metadata={"description": "base: null is never"}
    )
    pending_days = whole(
        0,
        366,
        load_default=None,
        allow_none=True,
        metadata={"description": "base: days before points can be spent"},
    )
    factor_bp = whole(
        10_001,
        MOST_BP,
        load_default=None,
        allow_none=True,
        metadata={"description": "multiplier: 20,000 doubles"},
    )
    points = whole(
        1, 1_000_000, load_default=None, allow_none=True, metadata={"description": "extra: for each sale"}
    )


class RuleSchema(DraftSchema):
    rule_no = fields.Integer(required=True)
    version = fields.Integer(required=True)
    state = fields.String(required=True, validate=validate.OneOf(("planned", "in_force", "ended")))


def stores_in(arguments: Mapping[str, Any]) -> set[str]:
    """The codes of the stores a draft names."""
    return set((arguments["conditions"] or {}).get("stores") or ())


def draft_of(arguments: Mapping[str, Any], store_ids: Mapping[str, int]) -> Draft:
    """Raises `RuleMalformed`."""
    kind = arguments["kind"]
    for other, names in _EFFECTS.items():
        foreign = [name for name in names if other != kind and arguments[name] is not None]
        if foreign:
            raise RuleMalformed(reason=f"{foreign[0]} belongs to rules of kind {other}")
    definition = {name: arguments[name] for name in _EFFECTS[kind] if arguments[name] is not None}
    definition["conditions"] = conditions_of(arguments["conditions"] or {}, store_ids)
    definition["caps"] = given(arguments["caps"] or {})
    if definition.get("expiry"):
        definition["expiry"] = given(definition["expiry"])
    return Draft(
        name_zh=arguments["name_zh"],
        name_en=arguments["name_en"],
        applies_to=arguments["applies_to"],
        definition=definition_of(kind, definition),
        priority=arguments["priority"],
        stacking=arguments["stacking"],
        effective_from=arguments["effective_from"],
        effective_until=arguments["effective_until"],
    )


def dump_rule(rule: Rule, store_codes: Mapping[int, str], now: datetime) -> dict[str, Any]:
    what = rule.definition
    told = {
        "rule_no": rule.rule_no,
        "version": rule.version,
        "state": state_of(rule, now),
        "name_zh": rule.name_zh,
        "name_en": rule.name_en,
        "kind": what.kind,
        "applies_to": rule.applies_to,
        "priority": rule.priority,
        "stacking": rule.stacking,
        "effective_from": rule.effective_from,
        "effective_until": rule.effective_until,
        "conditions": dump_conditions(what.conditions, store_codes),
        "caps": msgspec.to_builtins(what.caps),
    }
    if isinstance(what, Base):
        told |= {
            "rate_bp": what.rate_bp,
            "expiry": msgspec.to_builtins(what.expiry),
            "pending_days": what.pending_days,
        }
    elif isinstance(what, Multiplier):
        told["factor_bp"] = what.factor_bp
    elif isinstance(what, Extra):
        told["points"] = what.points
    return told


def dump_conditions(conditions: Conditions, store_codes: Mapping[int, str]) -> dict[str, Any]:
    """As `ConditionsSchema` takes them."""
    asked: dict[str, Any] = msgspec.to_builtins(conditions, order="deterministic")
    if conditions.stores is not None:
        asked["stores"] = sorted(store_codes[store] for store in conditions.stores)
    if (hours := conditions.time_of_day) is not None:
        asked["time_of_day"] = {"from": _clock(hours.from_minute), "until": _clock(hours.until_minute)}
    return asked


def conditions_of(asked: Mapping[str, Any], store_ids: Mapping[str, int]) -> dict[str, Any]:
    """Conditions as rules have them, from those of `ConditionsSchema`."""
    conditions = given(asked)
    if "stores" in conditions:
        conditions["stores"] = [store_ids[code] for code in conditions["stores"]]
    if hours := conditions.get("time_of_day"):
        conditions["time_of_day"] = {
            "from_minute": _minute(hours["from_"]),
            "until_minute": _minute(hours["until"]),
        }
    return conditions


def given(asked: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in asked.items() if value is not None}


def _minute(hour: str) -> int:
    return int(hour[:2]) * 60 + int(hour[3:])


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def state_of(rule: Version, now: datetime) -> str:
    if rule.effective_from > now:
        return "planned"
    return "ended" if rule.effective_until is not None and rule.effective_until <= now else "in_force"
