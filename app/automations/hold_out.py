"""Who is held out of an automation, to tell what would have come anyway.

A member is on one side for good, drawn from the ids of automation and member as of a campaign. Those held out come as
far as all others: what would be done for them is done and undone, so that who could not have been told or given
anything is refused for that, and both sides differ in nothing but in what was done. They keep their place under `once`
and among those who had it before, or they would be looked at more often than the others.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.automations.give import Outcome, give
from app.automations.models import Automation, AutomationRun
from app.campaigns.hold_out import is_held_out

#: Why a run is refused: it would have been acted on.
HELD_OUT = "held_out"
MOST_BP = 5_000


def held_out(automation: Automation, member_id: int) -> bool:
    return is_held_out(f"automation:{automation.no}", member_id, automation.hold_out_bp)


def spare(
    session: Session,
    automation: Automation,
    runs: Sequence[AutomationRun],
    *,
    app_id: str | None,
    now: datetime,
) -> dict[int, Outcome]:
    """As `give`, of those who are held out: nothing of it stays but why it was not done."""
    with session.begin_nested() as undone:
        outcomes = give(session, automation, runs, app_id=app_id, now=now)
        undone.rollback()
    return {
        run_id: Outcome(untold=HELD_OUT) if outcome.acted else outcome for run_id, outcome in outcomes.items()
    }
