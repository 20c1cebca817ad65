"""The sales to which the rules of a promotion came: what its report counts and its budget watches."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, text

from app.db import reading, transaction
from app.engagement.activity import COLUMNS, Activity, activity_of
from app.engagement.change import stop_used_up
from app.ids import first_id

#: Longer than a till that was without network may take to upload; sales are found by when they were recorded.
_LATE = timedelta(days=8)
#: Nothing was sold before.
SINCE = datetime(2000, 1, 1, tzinfo=UTC)

#: Sales of members recorded from `:first` until `:last` to which the activity's rules gave `points`, or of which they
#: took `off_fen`, less the part that went back. A refund takes back points of goods, not of rules: `points_back` is the
#: rules' share of them, so that all of it is back with the whole sale.
BY_ITS_RULES = """
    SELECT s.member_id, s.business_date, s.store_id, coalesce(p.points, 0) AS points,
        CASE WHEN p.points > 0 THEN (SELECT p.points * coalesce(sum(points), 0) / s.points_earned
            FROM refunds WHERE sale_id = s.id) ELSE 0 END AS points_back,
        CASE WHEN d.fen > 0 THEN d.fen - (SELECT CASE WHEN s.amount_fen > 0
            THEN d.fen * coalesce(sum(amount_fen), 0) / s.amount_fen WHEN count(*) > 0 THEN d.fen ELSE 0 END
            FROM refunds WHERE sale_id = s.id) ELSE 0 END AS off_fen
    FROM sales s CROSS JOIN LATERAL (
        SELECT sum(CAST(x ->> 'points' AS bigint)) AS points FROM jsonb_array_elements(s.earned) x
        WHERE CAST(x ->> 'rule_no' AS bigint) IN (
            SELECT rule_no FROM activity_rules WHERE book = 'earn_rule' AND activity_id = :id)) p
    CROSS JOIN LATERAL (
        SELECT CAST(sum(CAST(x ->> 'discount_fen' AS bigint)) AS bigint) AS fen
        FROM jsonb_array_elements(s.discounts) x WHERE x ->> 'benefit' IN (
            SELECT 'rule:' || rule_no FROM activity_rules WHERE book = 'discount_rule' AND activity_id = :id)) d
    WHERE s.id >= :first AND s.id < :last AND s.member_id IS NOT NULL AND (p.points > 0 OR d.fen > 0)"""
_SUM = text(f"""
    SELECT coalesce(sum(e.points), 0) AS points, coalesce(sum(e.off_fen), 0) AS off_fen
    FROM ({BY_ITS_RULES}) e""")  # noqa: S608  # a constant of our own
_WATCHED = text(f"""
    SELECT {COLUMNS} WHERE a.kind = 'promotion' AND a.state = 'live' AND a.starts_at <= :now
        AND (a.ends_at IS NULL OR a.ends_at + interval '8 days' > :now)
        AND (p.most IS NOT NULL OR a.definition #> '{{discount,budget_fen}}' IS NOT NULL) AND a.id > :after
    ORDER BY a.id LIMIT :limit""")
_PAGE = 100


#: An activity that was put on before and has been put off since still has what it gave.
_BEGUN = text("""
    SELECT min(begun) FROM (
        SELECT e.effective_from AS begun FROM activity_rules r
        JOIN earn_rules e ON r.book = 'earn_rule' AND e.rule_no = r.rule_no WHERE r.activity_id = :id
        UNION ALL SELECT d.effective_from FROM activity_rules r
        JOIN discount_rules d ON r.book = 'discount_rule' AND d.rule_no = r.rule_no WHERE r.activity_id = :id) x""")


def places(connection: Connection, found: Activity, now: datetime) -> dict[str, str]:
    """Where in the index of sales those of its time stand, since its rules first held."""
    begun = connection.execute(_BEGUN, {"id": found.id}).scalar_one() or found.starts_at
    late = found.ends_at is not None and now - found.ends_at > _LATE
    until = found.ends_at + _LATE if late and found.ends_at is not None else now
    return {
        "first": first_id(max(SINCE, min(begun, found.starts_at))),
        "last": first_id(until + timedelta(days=1)),
    }


def stop_used_up_promotions(*, now: datetime) -> int:
    """Stop those whose rules have given their budget of points, or taken off that of money; how many.

    A sale does not look: all tills would wait for one row. So it may be exceeded by what is sold until the next look.
    """
    with reading() as connection:
        used_up = [found.id for found in _watched(connection, now) if _used_up(connection, found, now)]
    for activity_id in used_up:
        with transaction() as session:
            stop_used_up(session, activity_id, now=now)
    return len(used_up)


def _used_up(connection: Connection, found: Activity, now: datetime) -> bool:
    given = connection.execute(_SUM, {"id": found.id} | places(connection, found, now)).one()
    return any(
        most is not None and so_far >= most
        for so_far, most in ((given.points, found.points_most), (given.off_fen, found.discount_budget_fen))
    )


def _watched(connection: Connection, now: datetime) -> Iterator[Activity]:
    """All of them, page by page."""
    after = ""
    while rows := connection.execute(_WATCHED, {"now": now, "after": after, "limit": _PAGE}).all():
        yield from map(activity_of, rows)
        after = rows[-1].id
