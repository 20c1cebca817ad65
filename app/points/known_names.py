"""Rules name tiers and stores that there are: one that is mistyped would hold for nobody, and nobody would notice."""

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.points.rules import Conditions


class RuleNamesUnknown(Invalid):
    """Data: `what`, tiers or stores, and `unknown`, those of the rule that there are not."""

    code = "rule_names_unknown"


_TIERS = text("""
    SELECT wanted FROM unnest(CAST(:names AS text[])) wanted
    WHERE NOT EXISTS (SELECT FROM tiers WHERE code = wanted) ORDER BY wanted""")
_STORES = text("""
    SELECT wanted FROM unnest(CAST(:names AS bigint[])) wanted
    WHERE NOT EXISTS (SELECT FROM stores WHERE id = wanted) ORDER BY wanted""")


def check_names(connection: Connection | Session, asked: Conditions) -> None:
    """Raises `RuleNamesUnknown`. Tiers are never taken away again, nor stores: what is known stays known."""
    for what, names, question in (("tiers", asked.tiers, _TIERS), ("stores", asked.stores, _STORES)):
        if names is None:
            continue
        unknown = list(connection.execute(question, {"names": list(names)}).scalars())
        if unknown:
            raise RuleNamesUnknown(what=what, unknown=unknown)
