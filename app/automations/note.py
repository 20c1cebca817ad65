"""Noting that something is to be done: when a fact is handed over, and as a day of the calendar begins.

Nothing is done here. A fact is noted in the transaction that marks it handled, a day in the one that says so of the
automation: whoever breaks off in between noted nothing, and whoever does it again finds the key taken.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import bindparam, text
from sqlalchemy.orm import Session

from app.automations.asking import note_day, note_fact
from app.automations.automation import locked_if_free
from app.automations.events import OF_FACT
from app.automations.triggers import CALENDAR_KINDS
from app.clock import HOME_ZONE, business_date
from app.db import reading, transaction
from app.facts.models import Fact
from app.pruning import always
from app.segments.asking import SNAPSHOT_S, SegmentTooSlow, patient

log = logging.getLogger(__name__)

#: After a longer rest of the worker the days before are left out: nobody wants to be told so late.
MOST_DAYS = 3

_ON = text(
    "SELECT DISTINCT kind FROM automations WHERE state = 'on' AND kind IN :kinds ORDER BY kind"
).bindparams(bindparam("kinds", expanding=True))
_TO_SCAN = text("""
    SELECT no FROM automations WHERE state = 'on' AND kind IN :kinds AND scanned_through < :today
    ORDER BY no""").bindparams(bindparam("kinds", expanding=True))


def note(session: Session, fact: Fact) -> None:
    """What the fact means to the automations that are on; for the relay."""
    if fact.member_id is None:
        return
    kinds = list(OF_FACT[fact.kind])
    for kind in session.execute(_ON, {"kinds": kinds}).scalars().all():
        note_fact(session, kind, fact.subject, at=fact.created_at)


def scan(*, now: datetime, keep_going: Callable[[], bool] = always) -> int:
    """Look for whom today means, once it has begun, and the days that were missed; how many runs were noted.

    Safe in several processes at once. What takes too long is tried again by the next beat.
    """
    asked = {"kinds": list(CALENDAR_KINDS), "today": business_date(now, HOME_ZONE)}
    with reading() as connection:
        waiting = list(connection.execute(_TO_SCAN, asked).scalars())
    total = 0
    for no in waiting:
        if not keep_going():
            break
        try:
            total += _scan(no, now)
        except SegmentTooSlow:
            log.error("automation %d: who is meant was not found out in time", no)
    return total


def _scan(no: int, now: datetime) -> int:
    today, total = business_date(now, HOME_ZONE), 0
    with transaction() as session:
        automation = locked_if_free(session, no)
        if automation is None or automation.state != "on" or automation.scanned_through is None:
            return 0
        day = max(automation.scanned_through, today - timedelta(days=MOST_DAYS))
        with patient(session, SNAPSHOT_S, few=True):
            while (day := day + timedelta(days=1)) <= today:
                total += note_day(session, automation, day)
        automation.scanned_through = today
        session.flush()
    return total
