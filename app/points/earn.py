"""How many points a sale earns, until when, and by which rule."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import insert

from app import audit
from app.clock import start_of_day
from app.db import transaction
from app.errors import Invalid
from app.points.models import EarnRule

_BASIS = 10_000
_FEN_PER_YUAN = 100


class RuleInThePast(Invalid):
    code = "rule_in_the_past"


class RateMissing(Invalid):
    """Only a store can hand back to the brand; the brand needs a rate, 0 for none."""

    code = "rate_missing"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule as it applies to one store now. `lifetime_days` None: the points never end."""

    id: int
    rate_bp: int
    lifetime_days: int | None


#: The rule by which a sale earns, looked up in the statement that begins the sale (no row: nothing is earned).
#: Newest first; a store's own rule before the brand's. A store rule without a rate hands back to the brand.
IN_FORCE = """
    SELECT r.id, r.rate_bp, r.lifetime_days FROM earn_rules r
    WHERE r.id IN (
        (SELECT id FROM earn_rules WHERE store_id = %(store_id)s AND effective_from <= %(now)s
            ORDER BY effective_from DESC, id DESC LIMIT 1),
        (SELECT id FROM earn_rules WHERE store_id IS NULL AND effective_from <= %(now)s
            ORDER BY effective_from DESC, id DESC LIMIT 1))
    AND r.rate_bp IS NOT NULL
    ORDER BY r.store_id NULLS LAST LIMIT 1"""


def points_for(amount_fen: int, rate_bp: int) -> int:
    """Whole points for an amount paid; what is left of a point is dropped once per sale."""
    return amount_fen * rate_bp // (_FEN_PER_YUAN * _BASIS)


def split(points: int, amounts_fen: Sequence[int]) -> list[int]:
    """Points by line in proportion to what the line cost, rounded down, the remainder to the largest line."""
    total = sum(amounts_fen)
    if total == 0:
        return [0] * len(amounts_fen)
    shares = [points * amount // total for amount in amounts_fen]
    shares[amounts_fen.index(max(amounts_fen))] += points - sum(shares)
    return shares


def ends_at(rule: Rule, business_date: date, time_zone: str) -> datetime | None:
    """When points earned on that day end: at midnight in the store's zone, after the last whole day."""
    if rule.lifetime_days is None:
        return None
    return start_of_day(business_date + timedelta(days=rule.lifetime_days + 1), time_zone)


def set_rule(
    *,
    store_id: int | None,
    rate_bp: int | None,
    lifetime_days: int | None,
    effective_from: datetime,
    actor: audit.Actor,
    now: datetime,
) -> int:
    """Add a rule for a store, or for the brand (no store); the old one keeps what it priced. Returns its id.

    Raises `RuleInThePast`: a sale that was made keeps the rule it was made under; `RateMissing` for the brand.
    """
    if effective_from < now:
        raise RuleInThePast
    if store_id is None and rate_bp is None:
        raise RateMissing
    with transaction() as session:
        rule_id: int = session.execute(
            insert(EarnRule)
            .values(
                store_id=store_id,
                rate_bp=rate_bp,
                lifetime_days=lifetime_days,
                effective_from=effective_from,
                created_by=actor.id if actor.type == "staff" else None,
                created_at=now,
            )
            .returning(EarnRule.id)
        ).scalar_one()
        audit.record(
            session,
            actor,
            "earn_rule.set",
            "earn_rule",
            rule_id,
            now=now,
            store_id=store_id,
            rate_bp=rate_bp,
            lifetime_days=lifetime_days,
            effective_from=effective_from.isoformat(),
        )
        return rule_id
