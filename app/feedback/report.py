"""What feedback is about, where and when: counts for whoever improves things."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from app.clock import HOME_ZONE
from app.db import reading
from app.feedback.thread import Category

MOST_MONTHS = 12


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Threads opened in a month (by the chain's calendar) about one thing in one place (None: no store named).

    `waiting` of them are open now. `first_answer_s`: mean seconds until the first answer, of those that have one.
    """

    month: date
    category: Category
    store: str | None
    threads: int
    answered: int
    waiting: int
    first_answer_s: int | None


_REPORT = text("""
    SELECT CAST(date_trunc('month', t.opened_at AT TIME ZONE CAST(:zone AS text)) AS date) AS month, t.category,
        s.code AS store, count(*) AS threads, count(t.answered_at) AS answered,
        count(*) FILTER (WHERE t.state = 'open') AS waiting,
        CAST(avg(extract(epoch FROM t.answered_at - t.opened_at)) AS bigint) AS first_answer_s
    FROM feedback_threads t LEFT JOIN stores s ON s.id = t.store_id
    WHERE t.opened_at >= CAST(:from AS timestamp) AT TIME ZONE CAST(:zone AS text)
        AND t.opened_at < CAST(:until AS timestamp) AT TIME ZONE CAST(:zone AS text)
        AND (CAST(:stores AS bigint[]) IS NULL OR t.store_id = ANY(:stores))
    GROUP BY 1, 2, 3 ORDER BY 1, 3 NULLS FIRST, 2 LIMIT :limit OFFSET :skip""")


def report(
    *, from_month: date, months: int, stores: Collection[int] | None, limit: int, skip: int
) -> list[Counts]:
    """From that month on so many, up to `MOST_MONTHS`; about some stores (None: all, and about none); behind the first
    `skip` rows."""
    begins = from_month.replace(day=1)
    later = begins.year * 12 + begins.month - 1 + months
    ends = date(later // 12, later % 12 + 1, 1)
    within = None if stores is None else sorted(stores)
    values = {"zone": HOME_ZONE, "from": begins, "until": ends, "stores": within}
    values |= {"limit": limit, "skip": skip}
    with reading() as connection:
        return [Counts(**row._mapping) for row in connection.execute(_REPORT, values)]
