"""Doing what is due: some runs a transaction, by whichever worker has the automation.

The row of the automation is held meanwhile: whoever switches it off waits for the batch, and after that nothing more
is done. What is done and that it was done are one transaction: a killed worker leaves the runs waiting and no trace.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.automations.actions import kept
from app.automations.asking import Occasion, still
from app.automations.automation import locked_if_free
from app.automations.condition import among
from app.automations.give import Outcome, give
from app.automations.had import HAD, has_it
from app.automations.hold_out import held_out, spare
from app.automations.models import Automation, AutomationRun
from app.db import Busy, is_lost, reading, transaction
from app.errors import DomainError
from app.messages.may import hold_each
from app.pruning import always

log = logging.getLogger(__name__)

BATCH = 500
#: What fails for a reason that nobody thought of is tried again after so long.
_REST = timedelta(minutes=10)

_DUE = text("""
    SELECT a.no FROM automations a WHERE EXISTS (SELECT FROM automation_runs r
        WHERE r.automation_no = a.no AND r.state = 'waiting' AND r.due_at <= :now) ORDER BY a.no""")
_DECIDED = text("""
    UPDATE automation_runs r SET state = CASE WHEN d.refused IS NULL THEN 'acted' ELSE 'refused' END,
        refused = d.refused, message_id = d.message_id, decided_at = :now, coupons = d.coupons, points = d.points,
        untold = CASE WHEN d.refused IS NULL THEN d.untold END,
        unissued = CASE WHEN d.refused IS NULL THEN d.unissued END
    FROM unnest(CAST(:ids AS bigint[]), CAST(:refused AS text[]), CAST(:messages AS text[]), CAST(:untold AS text[]),
        CAST(:coupons AS integer[]), CAST(:unissued AS text[]), CAST(:points AS bigint[]))
        AS d (id, refused, message_id, untold, coupons, unissued, points)
    WHERE r.id = d.id AND r.state = 'waiting'""")
_ACTED = text("UPDATE automations SET acted = acted + :n WHERE no = :no")
_RESTS = text(
    "UPDATE automation_runs SET due_at = :later WHERE id = ANY(CAST(:ids AS bigint[])) AND state = 'waiting'"
)


def act(*, app_id: str | None, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Do, or decide against, whatever is due; how many runs. Safe in several processes at once."""
    with reading() as connection:
        waiting = list(connection.execute(_DUE, {"now": now}).scalars())
    total = 0
    for no in waiting:
        while keep_going() and (decided := _some(no, app_id, now)):
            total += decided
    return total


def _some(no: int, app_id: str | None, now: datetime) -> int:
    """How many were decided about; 0 when there is nobody left, or somebody else is at it."""
    taken: list[int] = []
    try:
        with transaction() as session:
            return _batch(session, no, app_id, now, taken)
    except Busy:
        log.warning("automation %d: busy, the next beat goes on", no)
    except Exception as error:
        if isinstance(error, DomainError) or is_lost(error):
            raise
        log.exception("automation %d: %d runs failed and rest", no, len(taken))
        with transaction() as session:
            session.execute(_RESTS, {"ids": taken, "later": now + _REST})
    return 0


def _batch(session: Session, no: int, app_id: str | None, now: datetime, taken: list[int]) -> int:
    automation = locked_if_free(session, no)
    if automation is None:
        return 0
    runs = _taken(session, automation, now)
    taken += [run.id for run in runs]
    if automation.state != "on":
        return _refuse(session, {run.id: "off" for run in runs}, now)
    changed = {run.id: "changed" for run in runs if run.version != automation.version}
    if changed:
        return _refuse(session, changed, now)
    if automation.max_runs is not None:
        left = automation.max_runs - automation.acted
        if left == 0:
            return _refuse(session, {run.id: "used_up" for run in runs}, now)
        runs = runs[:left]
    return _acted(session, automation, _held(session, runs), app_id, now)


def _taken(session: Session, automation: Automation, now: datetime) -> Sequence[AutomationRun]:
    """One of a price at a time (give.py)."""
    most = 1 if automation.state == "on" and kept(automation.actions).gives else BATCH
    asked = select(AutomationRun).where(
        AutomationRun.automation_no == automation.no,
        AutomationRun.state == "waiting",
        AutomationRun.due_at <= now,
    )
    ordered = asked.order_by(AutomationRun.due_at, AutomationRun.id).limit(most)
    return session.scalars(ordered.with_for_update(skip_locked=True)).all()


def _held(session: Session, runs: Sequence[AutomationRun]) -> list[AutomationRun]:
    """One of each member whom nobody else holds; the others are left for the next time."""
    first = {run.member_id: run for run in reversed(runs)}
    free = set(hold_each(session, list(first), wait=False))
    return [run for run in runs if run.member_id in free and first[run.member_id] is run]


def _acted(
    session: Session, automation: Automation, runs: list[AutomationRun], app_id: str | None, now: datetime
) -> int:
    if not runs:
        return 0
    occasions = [Occasion(member_id=run.member_id, occasion=run.occasion, at=run.at) for run in runs]
    holds = still(session, automation, occasions, now=now)
    refused = {run.id: "over" for run in runs if (run.member_id, run.occasion) not in holds}
    runs = [run for run in runs if run.id not in refused]
    meant = among(session, automation, [run.member_id for run in runs], now)
    refused |= {run.id: "condition" for run in runs if run.member_id not in meant}
    runs = [run for run in runs if run.id not in refused]
    if kept(automation.actions).gives:
        refused |= {run.id: HAD for run in runs if has_it(session, automation, run, now=now)}
        runs = [run for run in runs if run.id not in refused]
    outcomes: dict[int, Outcome] = {}
    for do, side in ((give, False), (spare, True)):
        these = [run for run in runs if held_out(automation, run.member_id) is side]
        outcomes |= do(session, automation, these, app_id=app_id, now=now) if these else {}
    done = {run_id: outcome for run_id, outcome in outcomes.items() if not outcome.again}
    _decide(session, done, now)
    acted = sum(outcome.acted for outcome in done.values())
    session.execute(_ACTED, {"no": automation.no, "n": acted})
    return _refuse(session, refused, now) + len(done)


def _refuse(session: Session, reasons: Mapping[int, str], now: datetime) -> int:
    """They come to nothing, for that."""
    _decide(session, {run_id: Outcome(untold=reason) for run_id, reason in reasons.items()}, now)
    return len(reasons)


def _decide(session: Session, outcomes: Mapping[int, Outcome], now: datetime) -> None:
    if not outcomes:
        return
    of = list(outcomes.values())
    values = {
        "ids": list(outcomes),
        "refused": [one.refused for one in of],
        "messages": [one.message_id for one in of],
        "untold": [one.untold for one in of],
        "coupons": [one.coupons for one in of],
        "unissued": [one.unissued for one in of],
        "points": [one.points for one in of],
    }
    session.execute(_DECIDED, {**values, "now": now})
