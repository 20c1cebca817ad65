"""What is kept of runs, and for how long; and that of who took consent back nothing waits."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.pruning import always, in_batches

# Nobody else decides about them meanwhile: the caller holds the member, as whoever acts does.
_FORGET = text("""
    UPDATE automation_runs SET state = 'refused', refused = 'withdrawn', decided_at = :now
    WHERE member_id = :member_id AND state = 'waiting'""")
# What was done is why something was given, and why not again: that stays, and so does what it counted for (had.py) and
# who was held out meanwhile (hold_out.py). In the words of the index, which has no others.
_PRUNE = text("""
    DELETE FROM automation_runs WHERE id = ANY (ARRAY(
        SELECT id FROM automation_runs
        WHERE state = 'refused' AND refused NOT IN ('had_before', 'held_out') AND decided_at < :before
        ORDER BY decided_at LIMIT :most FOR UPDATE SKIP LOCKED))""")


def forget(session: Session, member_id: int, *, now: datetime) -> None:
    """Nothing is done any more of what waits for the member."""
    session.execute(_FORGET, {"member_id": member_id, "now": now})


def prune(*, before: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Forget what came to nothing before then; how many."""

    def some(session: Session, most: int) -> int:
        gone = session.execute(_PRUNE, {"before": before, "most": most})
        return gone.rowcount  # type: ignore[attr-defined,no-any-return]

    return in_batches(some, keep_going=keep_going)
