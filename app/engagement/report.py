"""What an activity has brought and cost: who took part, when and where, what they bought, and what it gave."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, text

from app import policies
from app.clock import HOME_ZONE, business_date
from app.coupons.costs import PROMISED_FEN, USED_FEN
from app.db import reading
from app.engagement.activity import Activity, one
from app.engagement.bought import Bought, Span, bought_by, conversion
from app.engagement.definitions import Promotion, Welcome
from app.engagement.earned_by import BY_ITS_RULES, places
from app.settlement.policy import SettlementPolicy

#: The newest days and the busiest stores are told; what took part before and elsewhere is in the sums.
MOST_DAYS, MOST_STORES = 100, 200
#: Birthdays come again after a year.
_YEAR = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class Count:
    """`times`: check-ins, draws, gifts, or purchases and exchanges, by how many `members`."""

    members: int
    times: int


@dataclass(frozen=True, kw_only=True)
class OfDay(Count):
    day: date


@dataclass(frozen=True, kw_only=True)
class OfStore(Count):
    """`store_id` None: members who are at home in no store."""

    store_id: int | None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """`points_fen` at what the policy `settlement` says a point costs. Faces: what coupons promise, and what those used
    took off bills. `goods_fen`: what exchanged items cost by their own word. `discounts_fen`: what a promotion's rule
    took off bills, less what went back."""

    points_fen: int
    coupons_given_fen: int
    coupons_used_fen: int
    goods_fen: int
    discounts_fen: int

    @property
    def total_fen(self) -> int:
        """What was spent up to now: a coupon that nobody has used costs nothing yet."""
        return self.points_fen + self.coupons_used_fen + self.goods_fen + self.discounts_fen


@dataclass(frozen=True, kw_only=True)
class Budget:
    """`most` None: there is none. Points and coupons that were taken back are in `given`: they do not fill it again."""

    most: int | None
    given: int

    @property
    def left(self) -> int | None:
        return None if self.most is None else max(0, self.most - self.given)


@dataclass(frozen=True, kw_only=True)
class Report:
    """Points and coupons are what was given, less what was taken back again; `points_paid` what members paid to take
    part. `reached`: the members it is for, as they are now; of a welcome gift those who joined while it was on.
    `before`: as long before it began as it has lasted."""

    reached: int
    members: int
    times: int
    points: int
    coupons: int
    coupons_used: int
    chances: int
    points_paid: int
    taken_back: int
    days: Sequence[OfDay]
    stores: Sequence[OfStore]
    during: Bought
    before: Bought
    cost: Cost
    points_budget: Budget
    coupons_budget: Budget
    discounts_budget: Budget


#: One row for each time somebody took part. Of another kind of activity each of these has none.
_PART = f"""
    SELECT c.member_id, c.day, m.home_store_id AS store_id, c.cost_points AS paid, 0 AS earned, 0 AS back,
        0 AS goods_fen, 0 AS off_fen
    FROM check_ins c JOIN members m ON m.id = c.member_id WHERE c.activity_id = :id
    UNION ALL
    SELECT d.member_id, d.drawn_on, m.home_store_id, d.cost_points, 0, 0, 0, 0 FROM lottery_draws d
    JOIN lottery_rounds r ON r.id = d.round_id JOIN members m ON m.id = d.member_id WHERE r.activity_id = :id
    UNION ALL
    SELECT g.member_id, CAST(g.at AT TIME ZONE '{HOME_ZONE}' AS date), coalesce(s.store_id, m.home_store_id), 0, 0, 0,
        0, 0
    FROM activity_grants g JOIN activities a ON a.id = g.activity_id JOIN members m ON m.id = g.member_id
    LEFT JOIN sales s ON g.source = 'sale:' || s.id
    WHERE g.activity_id = :id AND a.kind NOT IN ('check_in', 'lottery', 'survey')
    UNION ALL
    SELECT p.member_id, CAST(NULL AS date), m.home_store_id, 0, 0, 0, 0, 0
    FROM survey_participants p JOIN members m ON m.id = p.member_id WHERE p.activity_id = :id
    UNION ALL
    SELECT e.member_id, e.business_date, e.store_id, 0, e.points, e.points_back, 0, e.off_fen FROM ({BY_ITS_RULES}) e
    UNION ALL
    SELECT o.member_id, o.ordered_on, o.store_id, o.points, 0, 0,
        coalesce(CAST(v.reward ->> 'cost_fen' AS bigint), 0), 0
    FROM reward_orders o JOIN reward_versions v ON v.item_id = o.item_id AND v.version = o.item_version
    WHERE o.item_id = ANY(CAST(:items AS varchar[])) AND o.state NOT IN ('pending', 'cancelled')"""  # noqa: S608  # our own constants
_TAKEN_PART = text(f"""
    WITH part AS ({_PART})
    SELECT grouping(day) AS no_day, grouping(store_id) AS no_store, day, store_id,
        count(DISTINCT member_id) AS members, count(*) AS times, CAST(coalesce(sum(paid), 0) AS bigint) AS paid,
        CAST(coalesce(sum(earned), 0) AS bigint) AS earned, CAST(coalesce(sum(earned - back), 0) AS bigint) AS kept,
        CAST(coalesce(sum(goods_fen), 0) AS bigint) AS goods_fen, CAST(coalesce(sum(off_fen), 0) AS bigint) AS off_fen
    FROM part GROUP BY GROUPING SETS ((), (day), (store_id))""")  # noqa: S608
_BOUGHT = bought_by(_PART)
_GIVEN = text(f"""
    SELECT coalesce(sum(g.points) FILTER (WHERE g.taken_back_at IS NULL), 0)::bigint AS points,
        coalesce(sum(coalesce(g.coupons_kept, g.coupons)), 0)::bigint AS coupons,
        coalesce(sum(k.used), 0)::bigint AS coupons_used,
        coalesce(sum(k.given_fen), 0)::bigint AS given_fen, coalesce(sum(k.used_fen), 0)::bigint AS used_fen,
        coalesce(sum(g.chances) FILTER (WHERE g.taken_back_at IS NULL), 0)::bigint AS chances,
        count(*) FILTER (WHERE g.taken_back_at IS NOT NULL) AS taken_back
    FROM activity_grants g CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE c.used > c.restored) AS used,
            sum(c.uses * w.fen) FILTER (WHERE c.state <> 'void') AS given_fen, sum(u.fen) AS used_fen
        FROM coupons c JOIN coupon_faces f ON f.id = c.face_id
        CROSS JOIN LATERAL (SELECT {PROMISED_FEN} AS fen) w
        CROSS JOIN LATERAL (SELECT sum({USED_FEN}) AS fen
            FROM coupon_redemptions r WHERE r.coupon_id = c.id AND r.undone_at IS NULL) u
        WHERE g.coupons > 0 AND c.source = 'activity' AND c.source_id = g.id) k
    WHERE g.activity_id = :id""")  # noqa: S608
#: Where it matters when they joined: since it was first put on, until it was stopped.
_REACHED = text("""
    WITH put AS (SELECT min(at) FILTER (WHERE action = 'activity.publish') AS on_at,
            max(at) FILTER (WHERE action <> 'activity.publish') AS off_at
        FROM audit_log WHERE :by_joining AND object_type = 'activity' AND object_id = :id
            AND action IN ('activity.publish', 'activity.stop', 'activity.used_up'))
    SELECT count(*) FROM members m JOIN tiers t ON t.id = m.tier_id
    LEFT JOIN ledger_accounts a ON a.member_id = m.id AND a.unit = 'points'
    WHERE m.status = 'active' AND (CAST(:tiers AS text[]) IS NULL OR t.code = ANY(:tiers))
        AND (CAST(:home AS bigint[]) IS NULL OR m.home_store_id = ANY(:home))
        AND (CAST(:birthdays AS text[]) IS NULL OR to_char(m.birthday, 'MMDD') = ANY(:birthdays))
        AND (:points = 0 OR a.balance >= :points)
        AND (NOT :by_joining OR m.joined_at >= greatest(:starts_at, (SELECT on_at FROM put))
            AND m.joined_at < coalesce(CAST(:ends_at AS timestamptz), 'infinity')
            AND (:is_on OR m.joined_at < (SELECT off_at FROM put)))""")


def report(*, activity_id: str, now: datetime) -> Report:
    """What it has brought and cost up to now. Raises `NotFound`."""
    with reading() as connection:
        found = one(connection, activity_id)
        return _report(connection, found, now)


def _report(connection: Connection, found: Activity, now: datetime) -> Report:
    asked = _asked(connection, found, now)
    groups = connection.execute(_TAKEN_PART, asked).all()
    given = connection.execute(_GIVEN, {"id": found.id}).one()
    during, before = conversion(connection, _BOUGHT, asked, _span(found), now)
    [total] = [row for row in groups if row.no_day and row.no_store]
    policy = policies.in_force(connection, SettlementPolicy).value
    points = given.points + total.kept
    return Report(
        reached=connection.execute(_REACHED, _audience(found, now)).scalar_one(),
        members=total.members,
        times=total.times,
        points=points,
        coupons=given.coupons,
        coupons_used=given.coupons_used,
        chances=given.chances,
        points_paid=total.paid,
        taken_back=given.taken_back,
        days=_days(groups),
        stores=_stores(groups),
        during=during,
        before=before,
        cost=Cost(
            points_fen=policy.points_fen(points),
            coupons_given_fen=given.given_fen,
            coupons_used_fen=given.used_fen,
            goods_fen=total.goods_fen,
            discounts_fen=total.off_fen,
        ),
        points_budget=Budget(most=found.points_most, given=found.points_given + total.earned),
        coupons_budget=Budget(most=found.coupons_most, given=found.coupons_given),
        discounts_budget=Budget(most=found.discount_budget_fen, given=total.off_fen),
    )


def _asked(connection: Connection, found: Activity, now: datetime) -> dict[str, Any]:
    what = found.definition
    if not isinstance(what, Promotion):
        return {"id": found.id, "items": [], "first": "", "last": ""}
    return {"id": found.id, "items": list(what.items)} | places(connection, found, now)


def _span(found: Activity) -> Span:
    return Span(starts_at=found.starts_at, ends_at=found.ends_at, stores=found.definition.conditions.stores)


def _audience(found: Activity, now: datetime) -> dict[str, Any]:
    """Stores are asked of members where they are at home, but of a promotion where they buy."""
    asked = found.definition.conditions
    at_home = asked.stores if not isinstance(found.definition, Promotion) else None
    return {
        "id": found.id,
        "by_joining": isinstance(found.definition, Welcome),
        "starts_at": found.starts_at,
        "ends_at": found.ends_at,
        "is_on": found.state == "live",
        "tiers": None if asked.tiers is None else sorted(asked.tiers),
        "home": None if at_home is None else sorted(at_home),
        "birthdays": None if asked.birthday is None else _birthdays(asked.birthday, found, now),
        "points": found.definition.points_at_least,
    }


def _birthdays(what: str, found: Activity, now: datetime) -> list[str]:
    """Month and day of whoever has a birthday within its time."""
    first = business_date(found.starts_at, HOME_ZONE)
    until = found.ends_at if found.ends_at is not None else max(now, found.starts_at)
    last = business_date(found.starts_at + min(until - found.starts_at, _YEAR), HOME_ZONE)
    within = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    if what == "month":
        months = {f"{day:%m}" for day in within}
        return [f"{month}{day:02}" for month in sorted(months) for day in range(1, 32)]
    days = {f"{day:%m%d}" for day in within}
    return sorted(days | {"0229"} if "0228" in days else days)


def _days(groups: Sequence[Any]) -> list[OfDay]:
    """Oldest first. Who answered a survey is noted without the day."""
    found = sorted((row for row in groups if row.day is not None), key=lambda row: row.day)
    return [OfDay(day=row.day, members=row.members, times=row.times) for row in found[-MOST_DAYS:]]


def _stores(groups: Sequence[Any]) -> list[OfStore]:
    """The busiest first."""
    found = sorted(
        (row for row in groups if not row.no_store), key=lambda row: (-row.times, row.store_id or 0)
    )
    return [
        OfStore(store_id=row.store_id, members=row.members, times=row.times) for row in found[:MOST_STORES]
    ]
