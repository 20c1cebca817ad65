"""The rules of discount as every process has them at hand."""

from typing import Any

from app.db import ask
from app.discounts.rules import DiscountRule, definition_of
from app.points.at_hand import AtHand, Connection
from app.points.version_set import VersionSet

#: For a statement that looks at something else in the same trip: which rules there are (app/points/loaded.py).
STAMP = "(SELECT coalesce(max(id), 0) FROM discount_rules)"
_VERSIONS = """
    SELECT id, rule_no, version, name_zh, name_en, definition, priority, "group", alone, effective_from, effective_until
    FROM discount_rules WHERE id <= %(stamp)s"""

DiscountSet = VersionSet[DiscountRule]


def discounts_at(connection: Connection, stamp: int) -> DiscountSet:
    """The rules of that stamp; one statement, and none if they are at hand."""
    return _discounts.at(connection, stamp)


def rule_of(row: Any) -> DiscountRule:
    return DiscountRule(
        id=row.id,
        rule_no=row.rule_no,
        version=row.version,
        name_zh=row.name_zh,
        name_en=row.name_en,
        definition=definition_of(row.definition),
        priority=row.priority,
        group=row.group,
        alone=row.alone,
        effective_from=row.effective_from,
        effective_until=row.effective_until,
    )


def _read(connection: Connection, stamp: int) -> DiscountSet:
    return VersionSet(rule_of(row) for row in ask(connection, _VERSIONS, {"stamp": stamp}))


_discounts = AtHand(_read)
