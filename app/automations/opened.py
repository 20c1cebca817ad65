"""Who comes into the mini-program by a tap on an automation's message: its page names the automation alone."""

from datetime import datetime

from sqlalchemy import text

from app.automations.models import AutomationClick
from app.db import into, transaction
from app.errors import NotFound

# By the key of occasions, which has the member's runs together.
_TOLD = text("""
    SELECT r.id FROM automation_runs r
    WHERE r.automation_no = :no AND r.member_id = :member_id AND r.message_id IS NOT NULL
    ORDER BY r.decided_at DESC, r.id DESC LIMIT 1""")


def opened(*, no: int, member_id: int, now: datetime) -> None:
    """The newest message of it that the member was sent, and of that the first time. Raises `NotFound` for who was not
    told by it: a link may be passed on."""
    with transaction() as session:
        run_id = session.execute(_TOLD, {"no": no, "member_id": member_id}).scalar_one_or_none()
        if run_id is None:
            raise NotFound
        clicked = into(AutomationClick).on_conflict_do_nothing(index_elements=["run_id"])
        session.execute(clicked, {"run_id": run_id, "clicked_at": now})
