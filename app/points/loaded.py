"""The rules as every process has them at hand: read again only when there are new ones."""

from typing import Any

import psycopg
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import ask, engine
from app.points.rules import Rule, RuleSet, definition_of

#: For a statement that looks at something else in the same trip: which rules there are. Versions are only ever added,
#: one transaction after another (app/points/change.py), so the newest id names them all.
STAMP = "(SELECT coalesce(max(id), 0) FROM earn_rules)"
_VERSIONS = """
    SELECT id, rule_no, version, name_zh, name_en, kind, applies_to, definition, priority, stacking, effective_from,
        effective_until
    FROM earn_rules WHERE id <= %(stamp)s"""
#: Which database, which stamp, and the rules. Replaced as a whole, so that no thread sees half of it.
_loaded: tuple[Engine, int, RuleSet] | None = None


def rules_at(connection: psycopg.Connection[Any] | Session, stamp: int) -> RuleSet:
    """The rules of that stamp; one statement, and none if they are at hand."""
    global _loaded
    here = engine()
    if _loaded is not None and _loaded[0] is here and _loaded[1] == stamp:
        return _loaded[2]
    rules = read(connection, stamp)
    _loaded = here, stamp, rules
    return rules


def limited_by_day() -> bool:
    """Whether a rule at hand has a daily limit: then it is worth asking in advance what it gave today."""
    return _loaded is not None and _loaded[2].limited_by_day


def read(connection: psycopg.Connection[Any] | Session, stamp: int) -> RuleSet:
    """All versions up to that stamp, from the database."""
    return RuleSet(rule_of(row) for row in ask(connection, _VERSIONS, {"stamp": stamp}))


def rule_of(row: Any) -> Rule:
    return Rule(
        id=row.id,
        rule_no=row.rule_no,
        version=row.version,
        name_zh=row.name_zh,
        name_en=row.name_en,
        applies_to=row.applies_to,
        definition=definition_of(row.kind, row.definition),
        priority=row.priority,
        stacking=row.stacking,
        effective_from=row.effective_from,
        effective_until=row.effective_until,
    )
