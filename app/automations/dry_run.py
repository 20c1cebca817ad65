"""What an automation would have done in the last days, had it been on: nothing is noted, told or given.

Asked as it will be asked when it is on, of the past. Whether what is found would have been told or capped then is not
looked at; the segment is asked as it is now, and purchases without what went back since.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.automations.asking import Occasion, in_the_past
from app.automations.automation import one
from app.automations.condition import meant
from app.automations.hold_out import held_out
from app.automations.models import Automation
from app.clock import HOME_ZONE, business_date
from app.db import transaction
from app.segments.asking import PREVIEW_S, patient, read_only, take_place
from app.segments.preview import MOST_SAMPLED, SampledMember, shown, shuffled

MOST_DAYS = 90
#: So many occasions are looked at; of more than that the last days are left out.
MOST_OCCASIONS = 100_000
_DAY = timedelta(days=1)
_NEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class DayRuns:
    day: date
    runs: int


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """It would have acted `runs` times, on so many `members`, some of whom are in the sample, and `held_out` times not
    because the member is. `by_day` has each day of the chain's calendar. Not `complete`: there were more than are
    looked at."""

    members: int
    runs: int
    held_out: int
    complete: bool
    by_day: tuple[DayRuns, ...]
    sample: tuple[SampledMember, ...]


def dry_run(*, no: int, days: int, now: datetime) -> DryRun:
    """Of the `days` up to today, today included. Raises `NotFound`, `SegmentTooSlow`, `SegmentsBusy`."""
    until = business_date(now, HOME_ZONE) + _DAY
    first = until - days * _DAY
    with transaction() as session:
        read_only(session)
        automation = one(session, no)
        take_place(session)
        with patient(session, PREVIEW_S, few=True):
            found = in_the_past(
                session,
                automation,
                first=first,
                until=until,
                most=MOST_OCCASIONS + 1,
                meant=meant(session, automation, now),
            )
        runs, spared = _sides(automation, _once(automation, found[:MOST_OCCASIONS]))
        members = sorted({run.member_id for run in runs})
        by_day = dict.fromkeys((first + n * _DAY for n in range(days)), 0)
        for run in runs:
            by_day[business_date(run.at, HOME_ZONE)] += 1
        return DryRun(
            members=len(members),
            runs=len(runs),
            held_out=spared,
            complete=len(found) <= MOST_OCCASIONS,
            by_day=tuple(DayRuns(day=day, runs=number) for day, number in by_day.items()),
            sample=shown(session, sorted(members, key=shuffled)[:MOST_SAMPLED]),
        )


def _sides(automation: Automation, found: list[Occasion]) -> tuple[list[Occasion], int]:
    """Those that are acted on, and how many are held out until they are used up, which takes none of them."""
    runs, spared = list[Occasion](), 0
    for run in found:
        if len(runs) == automation.max_runs:
            break
        if held_out(automation, run.member_id):
            spared += 1
        else:
            runs.append(run)
    return runs, spared


def _once(automation: Automation, found: list[Occasion]) -> list[Occasion]:
    """What is left of occasions, by time, where a member has it once ever or within some days."""
    if automation.once == "occasion":
        return found
    kept, free_from = [], dict[int, datetime]()
    for run in found:
        if run.member_id in free_from and run.at < free_from[run.member_id]:
            continue
        kept.append(run)
        ever = automation.once_days is None
        free_from[run.member_id] = _NEVER if ever else run.at + (automation.once_days or 0) * _DAY
    return kept
