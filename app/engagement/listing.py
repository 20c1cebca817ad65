"""Looking at activities from the back office: lists, one, and what each has brought and cost."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import text

from app.db import reading
from app.engagement.activity import COLUMNS, Activity, activity_of
from app.errors import NotFound

_VISIBLE = """(CAST(:stores AS bigint[]) IS NULL OR a.definition -> 'conditions' -> 'stores' IS NULL
        OR EXISTS (SELECT FROM jsonb_array_elements_text(a.definition -> 'conditions' -> 'stores') s
            WHERE CAST(s AS bigint) = ANY(:stores)))"""
_LIST = text(f"""
    SELECT {COLUMNS} WHERE {_VISIBLE} AND (CAST(:before AS varchar) IS NULL OR a.id < :before)
        AND (CAST(:id AS varchar) IS NULL OR a.id = :id)
    ORDER BY a.id DESC LIMIT :limit""")


def list_activities(*, store_ids: Collection[int] | None, limit: int, before: str | None) -> list[Activity]:
    """Newest first; of those that name stores, only those naming one of the given (None: all)."""
    return _ask(store_ids, limit, before, None)


def one_activity(*, activity_id: str, store_ids: Collection[int] | None) -> Activity:
    """Raises `NotFound`, also for one that names stores but none of the given."""
    found = _ask(store_ids, 1, None, activity_id)
    if not found:
        raise NotFound
    return found[0]


def _ask(
    store_ids: Collection[int] | None, limit: int, before: str | None, activity_id: str | None
) -> list[Activity]:
    stores = None if store_ids is None else sorted(store_ids)
    values = {"stores": stores, "limit": limit, "before": before, "id": activity_id}
    with reading() as connection:
        return [activity_of(row) for row in connection.execute(_LIST, values)]


@dataclass(frozen=True, kw_only=True)
class Report:
    """`times`: check-ins, draws, answers or gifts, by how many `members`. Points and coupons are what was given, less
    what was taken back again; `points_paid` what members paid to take part."""

    members: int
    times: int
    points: int
    coupons: int
    coupons_used: int
    chances: int
    points_paid: int
    taken_back: int


_REPORT = text("""
    SELECT part.members, part.times, part.points_paid::bigint AS points_paid, cost.* FROM (
        SELECT count(DISTINCT member_id) AS members, count(*) AS times, coalesce(sum(paid), 0) AS points_paid FROM (
            SELECT c.member_id, c.cost_points AS paid FROM check_ins c WHERE c.activity_id = :id
            UNION ALL
            SELECT d.member_id, d.cost_points FROM lottery_draws d JOIN lottery_rounds r ON r.id = d.round_id
            WHERE r.activity_id = :id
            UNION ALL
            SELECT p.member_id, 0 FROM survey_participants p WHERE p.activity_id = :id
            UNION ALL
            SELECT g.member_id, 0 FROM activity_grants g JOIN activities a ON a.id = g.activity_id
            WHERE g.activity_id = :id AND a.kind NOT IN ('check_in', 'lottery', 'survey')) x) part
    CROSS JOIN (
        SELECT coalesce(sum(g.points) FILTER (WHERE g.taken_back_at IS NULL), 0)::bigint AS points,
            coalesce(sum(coalesce(g.coupons_kept, g.coupons)), 0)::bigint AS coupons,
            coalesce(sum((SELECT count(*) FROM coupons k
                WHERE k.source = 'activity' AND k.source_id = g.id AND k.used > k.restored)), 0)::bigint
                AS coupons_used,
            coalesce(sum(g.chances) FILTER (WHERE g.taken_back_at IS NULL), 0)::bigint AS chances,
            count(*) FILTER (WHERE g.taken_back_at IS NOT NULL) AS taken_back
        FROM activity_grants g WHERE g.activity_id = :id) cost""")


def report(*, activity_id: str) -> Report:
    """What it has brought and cost up to now."""
    with reading() as connection:
        return Report(**connection.execute(_REPORT, {"id": activity_id}).one()._mapping)
