"""Who of some members is in the automation's segment, by the rule that was agreed to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import BigInteger, Select, bindparam, func, select, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.automations.models import Automation
from app.members.models import Member
from app.segments.models import SegmentVersion
from app.segments.segment import one as segment
from app.segments.snapshot import meant_by


def meant(session: Session, automation: Automation, now: datetime) -> Select[int] | None:
    """Selects the ids of those it means; None: everybody. A draft goes by the rule that holds now."""
    if automation.segment_id is None:
        return None
    found = segment(session, automation.segment_id)
    if automation.segment_version is not None:
        agreed = session.get_one(SegmentVersion, (automation.segment_id, automation.segment_version))
        found = replace(found, rule=agreed.rule)
    return meant_by(found, now)


def among(session: Session, automation: Automation, member_ids: Sequence[int], now: datetime) -> set[int]:
    """Those of the members.

    Each is looked up by itself: to gather what the rule asks of all members would take as long for one as for all.
    """
    asked = meant(session, automation, now)
    if asked is None:
        return set(member_ids)
    ids = (
        func.unnest(bindparam("ids", list(member_ids), ARRAY(BigInteger))).table_valued("id").render_derived()
    )
    each = asked.where(Member.id == ids.c.id).correlate(ids).offset(0).lateral()
    return set(session.scalars(select(each.c.id).select_from(ids.join(each, true()))))
