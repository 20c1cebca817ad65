"""What happened to a member's tier, for whoever is asked about it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select, text

from app.db import reading
from app.errors import NotFound
from app.members.models import Member
from app.tiers.card import TierName


@dataclass(frozen=True, kw_only=True)
class TierEvent:
    """A row of the history, with the tiers' names as they are now."""

    seq: int
    kind: str
    from_tier: TierName
    to_tier: TierName
    plan_version: int
    amount: int
    basis: str
    sale_id: str | None
    gift_points: int
    counts_from: date | None
    valid_through: date | None
    at: datetime
    decided_at: datetime


_HISTORY = text("""
    SELECT c.*, p.definition ->> 'basis' AS basis, f.name_zh AS from_zh, f.name_en AS from_en, t.name_zh AS to_zh,
        t.name_en AS to_en
    FROM tier_changes c JOIN tier_plans p ON p.version = c.plan_version
    JOIN tiers f ON f.code = c.from_tier JOIN tiers t ON t.code = c.to_tier
    WHERE c.member_id = :member_id AND (CAST(:before AS integer) IS NULL OR c.seq < :before)
    ORDER BY c.seq DESC LIMIT :limit""")


def history(*, member_no: str, limit: int, before: int | None) -> list[TierEvent]:
    """Newest first, older than `before` (a `seq`). Raises `NotFound`."""
    with reading() as connection:
        member_id = connection.execute(
            select(Member.id).where(Member.member_no == member_no)
        ).scalar_one_or_none()
        if member_id is None:
            raise NotFound
        rows = connection.execute(_HISTORY, {"member_id": member_id, "before": before, "limit": limit}).all()
    return [
        TierEvent(
            seq=row.seq,
            kind=row.kind,
            from_tier=TierName(code=row.from_tier, zh=row.from_zh, en=row.from_en),
            to_tier=TierName(code=row.to_tier, zh=row.to_zh, en=row.to_en),
            plan_version=row.plan_version,
            amount=row.amount,
            basis=row.basis,
            sale_id=row.sale_id,
            gift_points=row.gift_points,
            counts_from=row.counts_from,
            valid_through=row.valid_through,
            at=row.at,
            decided_at=row.decided_at,
        )
        for row in rows
    ]
