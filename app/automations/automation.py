"""An automation as it is read, and how it is kept from being changed by two at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.automations.models import Automation
from app.db import transaction
from app.errors import Conflict, NotFound


class AutomationInOtherState(Conflict):
    """Data: `state`, the one it is in."""

    code = "automation_in_other_state"


@dataclass(frozen=True, kw_only=True)
class AutomationView:
    """As `Automation`."""

    no: int
    name: str
    state: str
    version: int
    trigger: Mapping[str, Any]
    segment_id: str | None
    actions: Mapping[str, Any]
    once: str
    once_days: int | None
    delay_minutes: int
    max_runs: int | None
    acted: int
    attribution_days: int
    hold_out_bp: int
    approval_id: str | None
    on_since: datetime | None
    created_at: datetime


def view(row: Automation) -> AutomationView:
    return AutomationView(**{name: getattr(row, name) for name in AutomationView.__dataclass_fields__})


def one(session: Session, no: int) -> Automation:
    """As it is at this moment. Raises `NotFound`."""
    return _found(session.execute(_fresh(no)).scalar_one_or_none())


def locked(session: Session, no: int, *states: str) -> Automation:
    """Nobody changes it or acts by it until the transaction ends. Raises `NotFound`, `AutomationInOtherState`."""
    found = _found(session.execute(_fresh(no).with_for_update(key_share=True)).scalar_one_or_none())
    if states and found.state not in states:
        raise AutomationInOtherState(state=found.state)
    return found


def locked_if_free(session: Session, no: int) -> Automation | None:
    """The same for whoever does not wait."""
    free = _fresh(no).with_for_update(key_share=True, skip_locked=True)
    return session.execute(free).scalar_one_or_none()


def show(*, no: int) -> AutomationView:
    """Raises `NotFound`."""
    with transaction() as session:
        return view(one(session, no))


def list_automations(*, state: str | None, limit: int, before: int | None) -> Sequence[AutomationView]:
    """Newest first."""
    asked = select(Automation).order_by(Automation.no.desc()).limit(limit)
    if state is not None:
        asked = asked.where(Automation.state == state)
    if before is not None:
        asked = asked.where(Automation.no < before)
    with transaction() as session:
        return [view(row) for row in session.scalars(asked)]


def _fresh(no: int) -> Select[Automation]:
    return select(Automation).where(Automation.no == no).execution_options(populate_existing=True)


def _found(row: Automation | None) -> Automation:
    if row is None:
        raise NotFound
    return row
