"""The second person, and the switch: on by two, off and on again by one as long as nothing was changed."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.approvals.second_person import ApprovalOutdated, Approved
from app.automations import actions
from app.automations.automation import AutomationView, locked, view
from app.automations.draft import editable
from app.automations.models import Automation
from app.clock import HOME_ZONE, business_date
from app.db import transaction
from app.segments.save import SegmentArchived
from app.segments.segment import one as segment
from app.staff.roles import MANAGE_CAMPAIGNS
from app.staff.sign_in import may_still

APPROVAL_KIND = "automation"


def submit(*, no: int, version: int, staff_id: int, now: datetime) -> AutomationView:
    """Put it before a second person, with the segment as it is now: it will stay the one that is asked about.

    Raises `NotFound`, `VersionConflict`, `AutomationInOtherState`, `SegmentArchived`.
    """
    with transaction() as session:
        automation = editable(session, no, version, now, "draft", "in_review")
        named = None
        if automation.segment_id is not None:
            meant = segment(session, automation.segment_id)
            if meant.state == "archived":
                raise SegmentArchived(field="segment")
            named, automation.segment_version = meant.name, meant.version
        automation.approval_id = second_person.ask(
            session,
            kind=APPROVAL_KIND,
            subject=str(no),
            details=_details(session, automation, named, now),
            store_id=None,
            staff_id=staff_id,
            now=now,
        )
        automation.state = "in_review"
        return _recorded(session, automation, "submit", audit.Actor(type="staff", id=staff_id), now)


def _details(
    session: Session, automation: Automation, segment_name: str | None, now: datetime
) -> dict[str, Any]:
    """All that it will do, and how much it may give at most."""
    done, runs = actions.kept(automation.actions), automation.max_runs
    points = None if done.points is None or runs is None else done.points.points * runs
    coupons = None if done.coupon is None or runs is None else done.coupon.count * runs
    return {
        "name": automation.name,
        "version": automation.version,
        "trigger": automation.trigger,
        "segment": segment_name,
        "segment_version": automation.segment_version,
        "actions": automation.actions,
        "coupon": actions.gift_words(session, done, now)["zh"].get("coupon"),
        "once": automation.once,
        "once_days": automation.once_days,
        "delay_minutes": automation.delay_minutes,
        "max_runs": runs,
        "attribution_days": automation.attribution_days,
        "hold_out_bp": automation.hold_out_bp,
        "points_at_most": points,
        "coupons_at_most": coupons,
    }


def carry_out(session: Session, approved: Approved, now: datetime) -> None:
    """It is on. Raises `ApprovalOutdated` when whoever asked may not any more."""
    automation = locked(session, int(approved.subject))
    if automation.state != "in_review" or automation.approval_id != approved.id:
        raise ApprovalOutdated
    if not may_still(session, approved.requested_by, MANAGE_CAMPAIGNS, None):
        raise ApprovalOutdated
    _switch_on(automation, now)
    session.flush()


def close_refused(session: Session, subject: str) -> None:
    """A second person has said no, or who asked has withdrawn it: a draft again."""
    automation = locked(session, int(subject))
    if automation.state == "in_review":
        automation.state, automation.approval_id, automation.segment_version = "draft", None, None
        session.flush()


def _switch_on(automation: Automation, now: datetime) -> None:
    """What happened while it was off is not made good; of the calendar today is, unless it was looked at before.

    What a former version said and still waits is called back all the same (halt.py).
    """
    yesterday = business_date(now, HOME_ZONE) - timedelta(days=1)
    automation.state, automation.on_since = "on", now
    automation.scanned_through = max(yesterday, automation.scanned_through or yesterday)


def switch_on(*, no: int, actor: audit.Actor, now: datetime) -> AutomationView:
    """As it was agreed to. Raises `NotFound`, `AutomationInOtherState`, `Busy`."""
    with transaction() as session:
        automation = locked(session, no, "off")
        _switch_on(automation, now)
        return _recorded(session, automation, "on", actor, now)


def switch_off(*, no: int, actor: audit.Actor, now: datetime) -> AutomationView:
    """Nothing more is noted or done; what comes due until it is on again comes to nothing, and messages that wait are
    called back (halt.py). Raises as `switch_on`."""
    with transaction() as session:
        automation = locked(session, no, "on")
        automation.state, automation.to_call_back = "off", True
        return _recorded(session, automation, "off", actor, now)


def archive(*, no: int, actor: audit.Actor, now: datetime) -> AutomationView:
    """For good. Raises as `switch_on`."""
    with transaction() as session:
        automation = locked(session, no, "draft", "on", "off")
        automation.to_call_back = automation.state == "on" or automation.to_call_back
        automation.state = "archived"
        return _recorded(session, automation, "archive", actor, now)


def _recorded(
    session: Session, automation: Automation, what: str, actor: audit.Actor, now: datetime
) -> AutomationView:
    session.flush()
    told: dict[str, Any] = {"version": automation.version, "approval_id": automation.approval_id}
    audit.record(session, actor, f"automation.{what}", "automation", automation.no, now=now, **told)
    return view(automation)
