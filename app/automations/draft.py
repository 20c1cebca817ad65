"""Drafts of automations: made, and changed whole. One that is off becomes a draft again when it is changed."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import audit
from app.approvals import second_person
from app.automations import actions, triggers
from app.automations.automation import AutomationInOtherState, AutomationView, locked, view
from app.automations.models import Automation
from app.automations.triggers import misfit
from app.db import transaction
from app.errors import NotFound, VersionConflict
from app.segments.save import SegmentArchived
from app.segments.segment import one as segment


@dataclass(frozen=True, kw_only=True)
class Draft:
    """`segment_id` None: all members. `once_days` goes with once within days. `max_runs` None: any number, of what
    costs nothing. `hold_out_bp` of ten thousand members are held out, to compare with."""

    name: str
    trigger: Mapping[str, Any]
    segment_id: str | None
    actions: Mapping[str, Any]
    once: str
    once_days: int | None
    delay_minutes: int
    max_runs: int | None
    attribution_days: int
    hold_out_bp: int = 0


def create(*, draft: Draft, actor: audit.Actor, now: datetime) -> AutomationView:
    """Raises `AutomationMalformed`, `NotFound` and `SegmentArchived`."""
    with transaction() as session:
        columns = _columns(session, draft, now)
        made = Automation(
            version=1,
            state="draft",
            acted=0,
            hold_out_since=1,
            created_by=actor.id,
            created_at=now,
            **columns,
        )
        session.add(made)
        session.flush()
        audit.record(session, actor, "automation.create", "automation", made.no, now=now, after=columns)
        return view(made)


def change(*, no: int, version: int, draft: Draft, actor: audit.Actor, now: datetime) -> AutomationView:
    """Whole: what waits of the former version comes to nothing. Raises as `create`, and `AutomationInOtherState`,
    `VersionConflict`."""
    with transaction() as session:
        automation = editable(session, no, version, now, "draft", "in_review", "off")
        columns = _columns(session, draft, now)
        if draft.max_runs is not None and draft.max_runs < automation.acted:
            raise misfit("it has acted more often", "max_runs")
        before = {name: getattr(automation, name) for name in columns}
        if draft.hold_out_bp != automation.hold_out_bp:
            automation.hold_out_since = version + 1
        for name, value in columns.items():
            setattr(automation, name, value)
        automation.state, automation.approval_id, automation.segment_version = "draft", None, None
        automation.version += 1
        session.flush()
        told: dict[str, Any] = {"before": before, "after": columns}
        audit.record(session, actor, "automation.change", "automation", no, now=now, **told)
        return view(automation)


def editable(session: Session, no: int, version: int, now: datetime, *states: str) -> Automation:
    """In one of the states, and if it is in review, nobody has looked at it in time.

    Raises `NotFound`, `AutomationInOtherState`, `VersionConflict`.
    """
    automation = locked(session, no, *states)
    if automation.version != version:
        raise VersionConflict(version=automation.version)
    if automation.state == "in_review" and second_person.waits(session, automation.approval_id, now=now):
        raise AutomationInOtherState(state=automation.state)
    return automation


def _columns(session: Session, draft: Draft, now: datetime) -> dict[str, Any]:
    """As they are kept, in what JSON knows."""
    kind, trigger = triggers.read(session, draft.trigger)
    done = actions.read(session, draft.actions, now)
    if (draft.once == "days") != (draft.once_days is not None):
        raise misfit("goes with once: days, and with nothing else", "once_days")
    if draft.max_runs is None and actions.kept(done).gives:
        raise misfit("needed where something is given", "max_runs")
    if draft.segment_id is not None:
        _check_segment(session, draft.segment_id)
    return {**asdict(draft), "kind": kind, "trigger": trigger, "actions": done}


def _check_segment(session: Session, segment_id: str) -> None:
    try:
        found = segment(session, segment_id)
    except NotFound:
        raise NotFound(field="segment") from None
    if found.state == "archived":
        raise SegmentArchived(field="segment")
