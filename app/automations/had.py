"""Who was given something for what went back since keeps it, and it counts for the next occasion instead.

Else whoever buys and returns, or books and cancels, over and over would be given the same each time.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.automations.asking import Occasion, still
from app.automations.models import Automation, AutomationRun

#: Why a run is refused: what it would give was given before.
HAD = "had_before"
#: What a member, or a till, can undo and do again.
_KINDS = ("first_purchase", "spent_in_sale", "spent_in_days", "coupon_used", "event_booked")
#: Of more that were for one member the oldest are not looked at.
_MOST = 500

# Of this version alone: by another one's trigger what was given for a reason may look as if it had none.
_FORMER = text("""
    SELECT occasion, at, state = 'acted' AS given FROM automation_runs
    WHERE automation_no = :no AND member_id = :member_id AND version = :version
        AND (state = 'acted' AND coupons + points > 0 OR refused = :had) ORDER BY id DESC LIMIT :most""")


def has_it(session: Session, automation: Automation, run: AutomationRun, *, now: datetime) -> bool:
    """The member was given more often than there were reasons that hold."""
    if automation.kind not in _KINDS:
        return False
    asked = {"no": automation.no, "member_id": run.member_id, "version": automation.version}
    former = session.execute(_FORMER, {**asked, "had": HAD, "most": _MOST}).all()
    given = sum(bool(row.given) for row in former)
    if not given:
        return False
    occasions = [Occasion(member_id=run.member_id, occasion=row.occasion, at=row.at) for row in former]
    return given > len(still(session, automation, occasions, now=now))
