"""What those who took part in something bought: within its time, and as long before."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, TextClause, text

from app.engagement.earned_by import SINCE
from app.ids import first_id


@dataclass(frozen=True, kw_only=True)
class Bought:
    """Of those who took part: how many bought, how often, and for how much, less refunds."""

    buyers: int = 0
    purchases: int = 0
    amount_fen: int = 0


@dataclass(frozen=True, kw_only=True)
class Span:
    """When something is on (`ends_at` None: for ever), and in which stores (None: in all)."""

    starts_at: datetime
    ends_at: datetime | None
    stores: Collection[int] | None


def bought_by(part: str) -> TextClause:
    """The question to give `conversion`; `part` selects a `member_id` for each time somebody took part."""
    # By the index over (member, id): an id tells when a sale was recorded, which is not before it happened.
    return text(f"""
    WITH part AS ({part}), member AS (SELECT DISTINCT member_id FROM part)
    SELECT s.occurred_at >= :starts_at AS during, count(DISTINCT s.member_id) AS buyers, count(*) AS purchases,
        CAST(sum(s.amount_fen - r.back_fen) AS bigint) AS amount_fen
    FROM member JOIN sales s ON s.member_id = member.member_id
    CROSS JOIN LATERAL (SELECT coalesce(sum(amount_fen), 0) AS back_fen FROM refunds WHERE sale_id = s.id) r
    WHERE s.id >= :recorded_from AND s.occurred_at >= :before AND s.occurred_at < :until
        AND (CAST(:stores AS bigint[]) IS NULL OR s.store_id = ANY(:stores)) AND r.back_fen < s.amount_fen
    GROUP BY 1""")  # noqa: S608  # our own constants


def conversion(
    connection: Connection, question: TextClause, values: Mapping[str, Any], span: Span, now: datetime
) -> tuple[Bought, Bought]:
    """During its time up to now, and in as long before; `values` are those of the part."""
    rows = connection.execute(question, {**values, **_times(span, now)})
    found = {
        row.during: Bought(buyers=row.buyers, purchases=row.purchases, amount_fen=row.amount_fen)
        for row in rows
    }
    return found.get(True, Bought()), found.get(False, Bought())


def _times(span: Span, now: datetime) -> dict[str, Any]:
    starts_at = span.starts_at
    until = now if span.ends_at is None else min(now, span.ends_at)
    before = max(SINCE, starts_at - min(max(until - starts_at, timedelta()), starts_at - SINCE))
    return {
        "before": before,
        "starts_at": starts_at,
        "until": until,
        "recorded_from": first_id(before),
        "stores": None if span.stores is None else sorted(span.stores),
    }
