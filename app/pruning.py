"""Deleting what has served its time: in small transactions, so that no statement runs long and no lock is held long.

Each batch finds its rows through the index on the column of time, oldest first, and leaves alone what somebody else
holds at the moment: the next run takes it.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import transaction

#: So many rows take well under a second; the statement time-out is 10 s.
BATCH = 5_000


def always() -> bool:
    """For whoever is not asked to stop."""
    return True


def forget(table: str, column: str, *, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Delete the rows of `table` whose `column`, which has an index, is before `before`; how many.

    Both names are the program's own, never input.
    """
    delete = text(statement(table, column))

    def some(session: Session, most: int) -> int:
        gone = session.execute(delete, {"before": before, "most": most})
        return gone.rowcount  # type: ignore[attr-defined,no-any-return]

    return in_batches(some, keep_going=keep_going)


def statement(table: str, column: str) -> str:
    """By physical place, which a plan cannot turn into a walk through the whole table; with `:before` and `:most`."""
    return f"""
        DELETE FROM {table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM {table} WHERE {column} < :before
            ORDER BY {column} LIMIT :most FOR UPDATE SKIP LOCKED))"""  # noqa: S608  # names of our own


def in_batches(
    some: Callable[[Session, int], int], *, most: int = BATCH, keep_going: Callable[[], bool] = always
) -> int:
    """Call `some(session, most)`, each time in a transaction of its own, until it finds fewer than `most` rows or
    `keep_going` says no; how many there were. What is left then is for the next run."""
    total = 0
    while keep_going():
        with transaction() as session:
            done = some(session, most)
        total += done
        if done < most:
            break
    return total
