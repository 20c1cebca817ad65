"""Looking at activities from the back office: lists, and one."""

from collections.abc import Collection
from datetime import datetime

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
        AND (CAST(:since AS timestamptz) IS NULL OR a.ends_at IS NULL OR a.ends_at > :since)
        AND (CAST(:until AS timestamptz) IS NULL OR a.starts_at < :until)
    ORDER BY a.id DESC LIMIT :limit""")


def list_activities(
    *,
    store_ids: Collection[int] | None,
    limit: int,
    before: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Activity]:
    """Newest first; of those that name stores, only those naming one of the given (None: all). With `since` or `until`
    only those whose time has something of `[since, until)`."""
    return _ask(store_ids, limit, before, None, since, until)


def one_activity(*, activity_id: str, store_ids: Collection[int] | None) -> Activity:
    """Raises `NotFound`, also for one that names stores but none of the given."""
    found = _ask(store_ids, 1, None, activity_id)
    if not found:
        raise NotFound
    return found[0]


def _ask(
    store_ids: Collection[int] | None,
    limit: int,
    before: str | None,
    activity_id: str | None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Activity]:
    values = {
        "stores": None if store_ids is None else sorted(store_ids),
        "limit": limit,
        "before": before,
        "id": activity_id,
        "since": since,
        "until": until,
    }
    with reading() as connection:
        return [activity_of(row) for row in connection.execute(_LIST, values)]
