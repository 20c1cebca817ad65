"""The rules as every process has them at hand: read again only when there are new ones."""

from typing import Any

from app.db import ask
from app.points.at_hand import AtHand, Connection
from app.points.rules import Rule, RuleSet, definition_of

#: For a statement that looks at something else in the same trip: which rules there are. Versions are only ever added,
#: one transaction after another (app/points/rulebook.py), so the newest id names them all.
STAMP = "(SELECT coalesce(max(id), 0) FROM earn_rules)"
_VERSIONS = """
    SELECT id, rule_no, version, name_zh, name_en, kind, applies_to, definition, priority, stacking, effective_from,
        effective_until
    FROM earn_rules WHERE id <= %(stamp)s"""


def read(connection: Connection, stamp: int) -> RuleSet:
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


_rules = AtHand(read)


def rules_at(connection: Connection, stamp: int) -> RuleSet:
    """The rules of that stamp; one statement, and none if they are at hand."""
    return _rules.at(connection, stamp)


def limited_by_day() -> bool:
    """Whether a rule at hand has a daily limit: then it is worth asking in advance what it gave today."""
    rules = _rules.last()
    return rules is not None and rules.limited_by_day
