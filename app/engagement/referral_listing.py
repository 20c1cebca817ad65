"""Referrals as the office looks at them: one by one, who brought the most, and how many there are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import text

from app.db import reading
from app.engagement.referral_join import Reason
from app.errors import NotFound
from app.tiers.card import masked_name, masked_no

State = Literal["pending", "rewarded", "taken_back", "blocked"]


@dataclass(frozen=True, kw_only=True)
class ReferralView:
    """Names and member numbers are masked. `lapsed`: nothing was bought in time."""

    id: str
    inviter_no: str
    inviter_name: str
    newcomer_no: str
    newcomer_name: str
    joined_at: datetime
    buy_until: datetime
    state: State
    lapsed: bool
    reason: Reason | None
    sale_id: str | None
    rewarded_at: datetime | None
    taken_back_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Leader:
    """Somebody who brought `rewarded` members whose rewards stand; `place` is the key of the page behind them."""

    place: str
    member_no: str
    name: str
    rewarded: int
    points: int
    coupons: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """`invited` in all, by what became of them; `reasons` of those that were blocked."""

    inviters: int
    invited: int
    pending: int
    lapsed: int
    rewarded: int
    taken_back: int
    blocked: int
    reasons: dict[Reason, int]
    sales_fen: int


_REFERRAL = text("SELECT 1 FROM activities WHERE id = :id AND kind = 'referral'")
_LIST = text("""
    SELECT r.id, i.member_no AS inviter_no, i.name AS inviter_name, n.member_no AS newcomer_no,
        n.name AS newcomer_name, r.joined_at, r.buy_until, r.state,
        r.state = 'pending' AND r.buy_until <= :now AS lapsed, r.reason, r.sale_id, r.rewarded_at, r.taken_back_at
    FROM referrals r JOIN members i ON i.id = r.inviter_id JOIN members n ON n.id = r.newcomer_id
    WHERE r.activity_id = :activity_id AND (CAST(:state AS varchar) IS NULL OR r.state = :state)
        AND (CAST(:before AS varchar) IS NULL OR r.id < :before)
    ORDER BY r.id DESC LIMIT :limit""")
_LEADERS = text("""
    SELECT x.first, m.member_no, m.name, x.rewarded, x.points, x.coupons FROM (
        SELECT r.inviter_id, min(r.id) AS first, count(*) AS rewarded, coalesce(sum(g.points), 0)::bigint AS points,
            coalesce(sum(g.coupons), 0)::bigint AS coupons
        FROM referrals r LEFT JOIN activity_grants g ON g.id = r.inviter_grant_id
        WHERE r.activity_id = :activity_id AND r.state = 'rewarded'
            AND (CAST(:begins AS timestamptz) IS NULL OR r.rewarded_at >= :begins)
            AND (CAST(:until AS timestamptz) IS NULL OR r.rewarded_at < :until)
        GROUP BY r.inviter_id) x
    JOIN members m ON m.id = x.inviter_id
    WHERE CAST(:behind AS bigint) IS NULL OR x.rewarded < :behind
        OR (x.rewarded = :behind AND x.first > CAST(:behind_first AS varchar))
    ORDER BY x.rewarded DESC, x.first LIMIT :limit""")
_FIGURES = text("""
    SELECT count(DISTINCT inviter_id) AS inviters, count(*) AS invited,
        count(*) FILTER (WHERE r.state = 'pending' AND buy_until > :now) AS pending,
        count(*) FILTER (WHERE r.state = 'pending' AND buy_until <= :now) AS lapsed,
        count(*) FILTER (WHERE r.state = 'rewarded') AS rewarded,
        count(*) FILTER (WHERE r.state = 'taken_back') AS taken_back,
        count(*) FILTER (WHERE r.state = 'blocked') AS blocked,
        coalesce(sum(s.amount_fen) FILTER (WHERE r.state = 'rewarded'), 0)::bigint AS sales_fen
    FROM referrals r LEFT JOIN sales s ON s.id = r.sale_id WHERE r.activity_id = :activity_id""")
_REASONS = text("""
    SELECT reason, count(*) AS n FROM referrals WHERE activity_id = :activity_id AND reason IS NOT NULL
    GROUP BY reason ORDER BY reason""")


def referrals(
    *, activity_id: str, state: State | None, limit: int, before: str | None, now: datetime
) -> list[ReferralView]:
    """Newest first. Raises `NotFound` for an activity of another kind, as the others here."""
    asked = {"activity_id": activity_id, "state": state, "limit": limit, "before": before, "now": now}
    with reading() as connection:
        _check(connection.execute(_REFERRAL, {"id": activity_id}).scalar())
        rows = connection.execute(_LIST, asked).all()
    return [
        ReferralView(
            **dict(row._mapping)
            | {
                "inviter_no": masked_no(row.inviter_no),
                "inviter_name": masked_name(row.inviter_name),
                "newcomer_no": masked_no(row.newcomer_no),
                "newcomer_name": masked_name(row.newcomer_name),
            }
        )
        for row in rows
    ]


def leaders(
    *,
    activity_id: str,
    begins: datetime | None,
    until: datetime | None,
    limit: int,
    behind: tuple[int, str] | None,
) -> list[Leader]:
    """Who brought the most members whose rewards were given within `[begins, until)` and stand, the best first."""
    count, first = behind or (None, None)
    asked = {"activity_id": activity_id, "begins": begins, "until": until, "limit": limit}
    asked |= {"behind": count, "behind_first": first}
    with reading() as connection:
        _check(connection.execute(_REFERRAL, {"id": activity_id}).scalar())
        rows = connection.execute(_LEADERS, asked).all()
    return [
        Leader(
            place=f"{row.rewarded}-{row.first}",
            member_no=masked_no(row.member_no),
            name=masked_name(row.name),
            rewarded=row.rewarded,
            points=row.points,
            coupons=row.coupons,
        )
        for row in rows
    ]


def figures(*, activity_id: str, now: datetime) -> Figures:
    """Up to now."""
    asked = {"activity_id": activity_id, "now": now}
    with reading() as connection:
        _check(connection.execute(_REFERRAL, {"id": activity_id}).scalar())
        counted = connection.execute(_FIGURES, asked).one()._mapping
        reasons = {row.reason: row.n for row in connection.execute(_REASONS, asked)}
    return Figures(**counted, reasons=reasons)


def _check(found: object) -> None:
    if found is None:
        raise NotFound
