"""Looking at rules: the newest version of each, and all versions of one. For rules of every kind."""

from collections.abc import Collection

from sqlalchemy import text

from app.db import reading
from app.errors import NotFound
from app.points.rulebook import D, R, RuleBook

_VISIBLE = """(CAST(:stores AS bigint[]) IS NULL OR definition -> 'conditions' -> 'stores' IS NULL
        OR EXISTS (SELECT FROM jsonb_array_elements_text(definition -> 'conditions' -> 'stores') s
            WHERE CAST(s AS bigint) = ANY(:stores)))"""
# `{table}` is a name of our own (`RuleBook.model`).
_NEWEST = f"""
    SELECT * FROM (
        SELECT DISTINCT ON (rule_no) * FROM {{table}} WHERE rule_no > :after ORDER BY rule_no, version DESC) newest
    WHERE {_VISIBLE} ORDER BY rule_no LIMIT :limit"""  # noqa: S608
_VERSIONS = """
    SELECT * FROM {table} WHERE rule_no = :rule_no AND (CAST(:before AS bigint) IS NULL OR version < :before)
    ORDER BY version DESC LIMIT :limit"""


def list_rules(
    book: RuleBook[R, D], *, store_ids: Collection[int] | None, limit: int, after: int | None
) -> list[R]:
    """The newest version of each rule, by number; of those that name stores, only those naming one of the given."""
    values = {"stores": _sorted(store_ids), "limit": limit, "after": after or 0}
    question = text(_NEWEST.format(table=book.model.__tablename__))
    with reading() as connection:
        return [book.rule_of(row) for row in connection.execute(question, values).all()]


def versions_of(book: RuleBook[R, D], *, rule_no: int, limit: int, before: int | None) -> list[R]:
    """The versions of a rule, newest first, older than `before`."""
    question = text(_VERSIONS.format(table=book.model.__tablename__))
    with reading() as connection:
        rows = connection.execute(question, {"rule_no": rule_no, "before": before, "limit": limit}).all()
    return [book.rule_of(row) for row in rows]


def newest(book: RuleBook[R, D], *, rule_no: int, store_ids: Collection[int] | None) -> R:
    """Raises `NotFound`, also for a rule that names stores but none of the given."""
    found = list_rules(book, store_ids=store_ids, limit=1, after=rule_no - 1)
    if not found or found[0].rule_no != rule_no:
        raise NotFound
    return found[0]


def _sorted(store_ids: Collection[int] | None) -> list[int] | None:
    return None if store_ids is None else sorted(store_ids)
