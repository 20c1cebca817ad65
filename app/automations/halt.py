"""Messages of an automation that is switched off are called back by the worker, as far as nobody is sending them.

Once it is on again only those of former versions are: what it says now it may say.
"""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import text

from app.automations.automation import locked_if_free
from app.db import reading, transaction
from app.messages.campaign import AUTOMATION
from app.messages.cancel import call_back
from app.pruning import always

BATCH = 1_000
OFF = "automation_off"

_TO_CALL_BACK = text("SELECT no FROM automations WHERE to_call_back ORDER BY no")
_ITS_OWN = """m.kind = :kind AND EXISTS (SELECT FROM automation_runs r
        WHERE r.automation_no = :no AND r.member_id = m.member_id AND r.message_id = m.id AND r.version < :below)"""
# From what waits at all, which is little beside what was ever done.
_PENDING = text(f"""
    SELECT DISTINCT ON (m.member_id) m.member_id, m.id FROM messages m
    WHERE m.state = 'pending' AND m.member_id > :after AND {_ITS_OWN}
    ORDER BY m.member_id, m.id LIMIT :most""")  # noqa: S608  # our own words
# What a worker has in hand may wait again: given back by one that stops, or because the provider does not answer.
_IN_HAND = text(f"SELECT EXISTS (SELECT FROM messages m WHERE m.state = 'leased' AND {_ITS_OWN})")  # noqa: S608


def call_back_all(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Cancel what waits, and give the credits back; how many messages. Safe twice and in several processes."""
    with reading() as connection:
        waiting = list(connection.execute(_TO_CALL_BACK).scalars())
    total = 0
    for no in waiting:
        after: int | None = 0
        while after is not None and keep_going():
            cancelled, after = _some(no, after, now)
            total += cancelled
    return total


def _some(no: int, after: int, now: datetime) -> tuple[int, int | None]:
    """How many were cancelled, and behind whom to go on; whom somebody else holds is left for the next beat."""
    with transaction() as session:
        automation = locked_if_free(session, no)
        if automation is None or not automation.to_call_back:
            return 0, None
        below = automation.version + (automation.state != "on")
        asked = {"no": no, "kind": AUTOMATION, "below": below, "after": after, "most": BATCH}
        found = {row.member_id: row.id for row in session.execute(_PENDING, asked)}
        if not found:
            # Nobody was left out: a pass from the first on found nothing.
            automation.to_call_back = after > 0 or session.execute(_IN_HAND, asked).scalar_one()
            session.flush()
            return 0, None
        return len(call_back(session, found, reason=OFF, now=now)), max(found)
