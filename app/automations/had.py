"""Who was given something for what went back since keeps it, and it counts for the next occasion instead.

Else whoever buys and returns, or books and cancels, over and over would be given the same each time.
"""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.automations.asking import Occasion, still
from app.automations.hold_out import HELD_OUT
from app.automations.models import Automation, AutomationRun

#: Why a run is refused: what it would give was given before.
HAD = "had_before"
#: What a member, or a till, can undo and do again.
_KINDS = ("first_purchase", "spent_in_sale", "spent_in_days", "tier_up", "coupon_used", "event_booked")
#: Of more that were for one member the oldest are not looked at.
_MOST = 500

# Who was held out had it as others had, and got nothing. Of this version alone: by another one's trigger what was given
# for a reason may look as if it had none.
_FORMER = text("""
    SELECT occasion, at, refused IS DISTINCT FROM :had AS given FROM automation_runs
    WHERE automation_no = :no AND member_id = :member_id AND version = :version
        AND (state = 'acted' AND coupons + points > 0 OR refused IN (:had, :held_out)) ORDER BY id DESC LIMIT :most""")
# Who has come further since, or fallen in the course of time, had come up all the same; not so who fell because a sale
# was void, or is found not to have risen at all. Higher and lower is by the plan of that time.
_PLACE = """(SELECT l.place FROM jsonb_array_elements(p.definition -> 'levels') WITH ORDINALITY l (level, place)
        WHERE l.level ->> 'code' = {tier})"""
_CAME_UP = text(f"""
    SELECT count(*) FROM tier_changes c LEFT JOIN LATERAL (
        SELECT n.kind FROM tier_changes n JOIN tier_plans p ON p.version = n.plan_version
        WHERE n.member_id = c.member_id AND n.seq > c.seq
            AND {_PLACE.format(tier="n.to_tier")} < {_PLACE.format(tier="c.to_tier")}
        ORDER BY n.seq LIMIT 1) fell ON true
    WHERE c.member_id = :member_id AND concat(c.member_id, ':', c.seq) = ANY(CAST(:occasions AS text[]))
        AND coalesce(fell.kind, '') NOT IN ('void', 'mend')""")  # noqa: S608  # our own words


def has_it(session: Session, automation: Automation, run: AutomationRun, *, now: datetime) -> bool:
    """The member was given more often than there were reasons that hold."""
    if automation.kind not in _KINDS:
        return False
    asked = {"no": automation.no, "member_id": run.member_id, "version": automation.version}
    former = session.execute(_FORMER, {**asked, "had": HAD, "held_out": HELD_OUT, "most": _MOST}).all()
    given = sum(bool(row.given) for row in former)
    if not given:
        return False
    occasions = [Occasion(member_id=run.member_id, occasion=row.occasion, at=row.at) for row in former]
    return given > _standing(session, automation, occasions, now)


def _standing(session: Session, automation: Automation, occasions: list[Occasion], now: datetime) -> int:
    """How many of one member's occasions hold, or did as long as they could."""
    if automation.kind != "tier_up":
        return len(still(session, automation, occasions, now=now))
    asked = {"member_id": occasions[0].member_id, "occasions": [one.occasion for one in occasions]}
    return int(session.execute(_CAME_UP, asked).scalar_one())
