"""Looking at activities from the back office: lists, and one."""

from collections.abc import Collection

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
