"""Statements on their way: opened for a period that follows the last, moved to another end, dropped."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select, text
from sqlalchemy.orm import Session

from app import audit
from app.clock import HOME_ZONE, business_date
from app.db import transaction
from app.errors import Conflict, Invalid, NotFound, VersionConflict
from app.settlement.models import Closing, Settlement


class SettlementPeriod(Invalid):
    """A statement covers whole days that are over. Data: `from`, its first day, and `latest`, the last end possible."""

    code = "settlement_period"


class SettlementOpen(Conflict):
    """There is one draft at a time. Data: `settlement_no`."""

    code = "settlement_open"


class SettlementState(Conflict):
    """Not for a statement that is in this state. Data: `state`."""

    code = "settlement_state"


@dataclass(frozen=True, kw_only=True)
class Changed:
    settlement_no: int
    version: int


def create(*, until: date, actor: audit.Actor, now: datetime) -> Changed:
    """A draft from the end of the last statement to `until` (exclusive).

    The first one begins with the first day on which anything was spent, or is a day long.
    Raises `SettlementOpen`, `SettlementPeriod`.
    """
    with transaction() as session:
        one_after_another(session)
        begins = _next_day(session, until)
        check_period(begins, until, now)
        made: int = session.execute(
            insert(Settlement)
            .values(from_date=begins, until_date=until, created_by=staff_of(actor), created_at=now)
            .returning(Settlement.id)
        ).scalar_one()
        record(session, actor, "settlement.create", made, now, version=1, until=until.isoformat())
        return Changed(settlement_no=made, version=1)


def change(*, settlement_no: int, version: int, until: date, actor: audit.Actor, now: datetime) -> Changed:
    """Another end for a draft, be it one that was reopened.

    Raises `NotFound`, `VersionConflict`, `SettlementState`, `SettlementPeriod`.
    """
    with transaction() as session:
        one_after_another(session)
        draft = expected(session, settlement_no, version, state="draft")
        check_period(draft.from_date, until, now)
        before = draft.until_date.isoformat()
        draft.until_date, draft.version = until, version + 1
        session.flush()
        told = {"version": draft.version, "before": before, "until": until.isoformat()}
        record(session, actor, "settlement.change", settlement_no, now, **told)
        return Changed(settlement_no=settlement_no, version=draft.version)


def discard(*, settlement_no: int, version: int, actor: audit.Actor, now: datetime) -> None:
    """Drop a draft that was never closed. Raises `NotFound`, `VersionConflict`, `SettlementState`."""
    with transaction() as session:
        one_after_another(session)
        expected(session, settlement_no, version, state="draft")
        if session.execute(select(func.count()).where(Closing.settlement_id == settlement_no)).scalar_one():
            raise SettlementState(state="reopened")
        session.execute(delete(Settlement).where(Settlement.id == settlement_no))
        record(session, actor, "settlement.discard", settlement_no, now, version=version)


def one_after_another(session: Session) -> None:
    """Statements follow each other, so whoever makes or changes one does it alone."""
    session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('settlements', 0))"))


def expected(session: Session, settlement_no: int, version: int, *, state: str) -> Settlement:
    """The statement if that is its version and state; the caller has the lock.

    Raises `NotFound`, `VersionConflict`, `SettlementState`.
    """
    found = session.get(Settlement, settlement_no)
    if found is None:
        raise NotFound
    if found.version != version:
        raise VersionConflict(version=found.version)
    if found.state != state:
        raise SettlementState(state=found.state)
    return found


def staff_of(actor: audit.Actor) -> int | None:
    return actor.id if actor.type == "staff" else None


def record(
    session: Session, actor: audit.Actor, action: str, settlement_no: int, now: datetime, **data: Any
) -> None:
    audit.record(session, actor, action, "settlement", settlement_no, now=now, **data)


#: Before any chain's first sale; a year typed wrongly is older.
_EARLIEST = date(2000, 1, 1)
_FIRST_DAY = text("SELECT min(business_date) FROM ledger_transactions WHERE kind IN ('spend', 'restore')")


def _next_day(session: Session, until: date) -> date:
    last = session.execute(select(Settlement).order_by(Settlement.until_date.desc()).limit(1)).scalar()
    if last is None:
        day_before = max(until, _EARLIEST) - timedelta(days=1)
        first: date | None = session.execute(_FIRST_DAY).scalar_one()
        return min(first or day_before, day_before)
    if last.state == "draft":
        raise SettlementOpen(settlement_no=last.id)
    return last.until_date


def check_period(begins: date, until: date, now: datetime) -> None:
    """Raises `SettlementPeriod`: a day that is not over would be settled in two halves."""
    today = business_date(now, HOME_ZONE)
    if not begins < until <= today:
        raise SettlementPeriod(**{"from": begins, "latest": today})
