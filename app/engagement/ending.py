"""What time ends, exchanges and bookings, each by itself."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import TextClause

from app.db import transaction

BATCH = 200


def end_each(
    due: TextClause, end: Callable[[str], bool], *, now: datetime, keep_going: Callable[[], bool]
) -> int:
    """Call `end` for every id that `due` finds (by `:now`, behind `:after`, the first `:limit` in the order of ids); of
    how many it said that it ended them. Safe in several workers, late, and twice, if `end` is."""
    ended, after = 0, ""
    while keep_going():
        with transaction() as session:
            found = list(session.scalars(due, {"now": now, "after": after, "limit": BATCH}))
        for one in found:
            if not keep_going():
                return ended
            ended += end(one)
            after = one
        if len(found) < BATCH:
            break
    return ended
