"""Asking who is meant by an automation's trigger: of a fact, of days, of runs that are due, of the past.

It is the same question each time, so that what a dry run shows is what would have been noted, and what is noted is
looked at again by the same words before it is acted on.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, String, column, text
from sqlalchemy.orm import Session

from app.automations import days, events
from app.automations.models import Automation
from app.clock import HOME_ZONE, business_date, start_of_day
from app.db import UTCDateTime
from app.ids import first_id
from app.tiers.ending import not_kept

_DAY = timedelta(days=1)

#: Of whoever is an active member. `{question}` may look at the automation `a`.
_FOUND = """
    SELECT a.no, a.version, a.once, a.once_days, a.delay_minutes, a.hold_out_since, q.member_id, q.occasion, {at} AS at
    FROM automations a {days} CROSS JOIN LATERAL ({question}) q
    JOIN members m ON m.id = q.member_id AND m.status = 'active' WHERE {which}"""
_OF_DAYS = """CROSS JOIN unnest(CAST(:days AS date[]), CAST(:ats AS timestamptz[]), CAST(:seen AS date[]))
        d (day, at, seen)"""
_ONE = "a.no = :no"
# Nobody is meant again for whom it was done, or who was held out as they are now, before it was changed to once, or to
# once in so long; the keys of the table keep runs of one version apart.
_NOTE = """
    INSERT INTO automation_runs (automation_no, version, member_id, occasion, at, until, due_at)
    SELECT f.no, f.version, f.member_id, f.occasion, f.at,
        CASE f.once WHEN 'ever' THEN timestamptz '9999-12-31 00:00:00+00'
            WHEN 'days' THEN f.at + f.once_days * interval '1 day' END,
        f.at + f.delay_minutes * interval '1 minute'
    FROM ({found}) f WHERE f.once = 'occasion' OR NOT EXISTS (SELECT FROM automation_runs r
        WHERE r.automation_no = f.no AND r.member_id = f.member_id AND r.version < f.version
            AND (r.state = 'acted' OR r.refused = 'held_out' AND r.version >= f.hold_out_since)
            AND (f.once = 'ever' OR r.at > f.at - f.once_days * interval '1 day'))
    ORDER BY f.no, f.member_id, f.at, f.occasion ON CONFLICT DO NOTHING"""


@dataclass(frozen=True, kw_only=True)
class Occasion:
    member_id: int
    occasion: str
    at: datetime


def note_fact(session: Session, kind: str, subject: str, *, at: datetime) -> int:
    """Note what a fact of that time means to the automations of that kind that are on; how many runs."""
    found = _FOUND.format(
        at="CAST(:at AS timestamptz)",
        days="",
        question=events.QUESTIONS[kind].of_subjects(),
        which="a.state = 'on' AND a.kind = :kind AND a.on_since <= :at",
    )
    return _noted(session, found, {"kind": kind, "subjects": [subject], "at": at})


def note_day(session: Session, automation: Automation, day: date) -> int:
    """Note whom a day means, as it begins; how many runs."""
    values = _days([day]) | {"no": automation.no}
    some = _narrowed(session, automation, day, past=False)
    return _noted(session, _of_days(automation, past=False, some=some is not None), values | _members(some))


def still(
    session: Session, automation: Automation, runs: Iterable[Occasion], *, now: datetime
) -> set[tuple[int, str]]:
    """Members and occasions of those for which the reason still holds."""
    runs = list(runs)
    members = sorted({one.member_id for one in runs})
    if automation.kind in events.QUESTIONS:
        found = _of_events(automation, past=False)
        values: dict[str, Any] = {"subjects": [one.occasion for one in runs]}
    else:
        if automation.kind == "tier_ending":
            members = not_kept(session, members, at=now)
        found = _of_days(automation, past=False, some=True)
        # The day of each, as things stand now.
        their = sorted({business_date(one.at, HOME_ZONE) for one in runs})
        seen = business_date(now, HOME_ZONE) + _DAY
        values = {"days": their, "ats": [now] * len(their), "seen": [seen] * len(their), "members": members}
    rows = session.execute(text(found), values | {"no": automation.no})
    return {(row.member_id, row.occasion) for row in rows}


def in_the_past(
    session: Session,
    automation: Automation,
    *,
    first: date,
    until: date,
    most: int,
    meant: Select[int] | None,
) -> list[Occasion]:
    """The first so many in the days from `first` until `until`, by time, of the members who are `meant`."""
    no = {"no": automation.no}
    if automation.kind in events.QUESTIONS:
        since, end = (start_of_day(day, HOME_ZONE) for day in (first, until))
        values = {"since": since, "until": end, "first": first_id(since)} | no
        return _listed(session, _of_events(automation, past=True), meant, most, values)
    wanted = [first + _DAY * n for n in range((until - first).days)]
    if automation.kind != "tier_ending":
        return _listed(session, _of_days(automation, past=True, some=False), meant, most, _days(wanted) | no)
    listed: list[Occasion] = []
    for day in wanted:
        some = _narrowed(session, automation, day, past=True)
        found = _of_days(automation, past=True, some=True)
        listed += _listed(session, found, meant, most - len(listed), _days([day]) | _members(some) | no)
    return listed


def _of_events(automation: Automation, *, past: bool) -> str:
    question = events.QUESTIONS[automation.kind]
    asked = question.of_the_past() if past else question.of_subjects()
    return _FOUND.format(at="q.at", days="", question=asked, which=_ONE)


def _of_days(automation: Automation, *, past: bool, some: bool) -> str:
    question = days.QUESTIONS[automation.kind].of(past=past, some=some)
    return _FOUND.format(at="d.at", days=_OF_DAYS, question=question, which=_ONE)


def _days(wanted: Sequence[date]) -> dict[str, Any]:
    return {
        "days": list(wanted),
        "ats": [start_of_day(day, HOME_ZONE) for day in wanted],
        "seen": list(wanted),
    }


def _narrowed(session: Session, automation: Automation, day: date, *, past: bool) -> list[int] | None:
    """Who has to be asked about apart; None: nobody, the question says it all."""
    if automation.kind != "tier_ending":
        return None
    found = _of_days(automation, past=past, some=False)
    rows = session.execute(text(found), _days([day]) | {"no": automation.no})
    return not_kept(session, [row.member_id for row in rows], at=start_of_day(day, HOME_ZONE))


def _members(some: list[int] | None) -> dict[str, Any]:
    return {} if some is None else {"members": some}


def _noted(session: Session, found: str, values: Mapping[str, Any]) -> int:
    made = session.execute(text(_NOTE.format(found=found)), values)
    return made.rowcount  # type: ignore[attr-defined,no-any-return]


def _listed(
    session: Session, found: str, meant: Select[int] | None, most: int, values: Mapping[str, Any]
) -> list[Occasion]:
    narrowed = "true" if meant is None else "f.member_id IN (SELECT id FROM meant)"
    asked = f"""SELECT DISTINCT f.member_id, f.occasion, f.at FROM ({found}) f WHERE {narrowed}
        ORDER BY f.at, f.member_id, f.occasion LIMIT :most"""  # noqa: S608  # our own words
    question = text(asked).columns(
        column("member_id", BigInteger), column("occasion", String), column("at", UTCDateTime)
    )
    if meant is not None:
        question = question.add_cte(meant.cte("meant"))
    rows = session.execute(question, {**values, "most": most})
    return [Occasion(member_id=row.member_id, occasion=row.occasion, at=row.at) for row in rows]
