"""The calendar of tiers: which days count towards a tier, and which days it then lasts. Whole days of the chain."""

from datetime import date, timedelta

from app.points.lots import months_later
from app.tiers.plan import Window

_DAY = timedelta(days=1)


def counts_from(window: Window, day: date) -> date:
    """The first of the days that count on `day`, which counts itself."""
    match window.kind:
        case "days":
            return day - timedelta(days=(window.n or 1) - 1)
        case "months":
            return months_later(day, -(window.n or 1)) + _DAY
        case "calendar_year":
            return date(day.year, 1, 1)


def period_after(window: Window, reached_on: date) -> tuple[date, date]:
    """The days in which a tier reached on that day is to be earned again: the first, and the last on which it is valid.

    By the calendar year that is the next one: who reaches a tier in December does not lose it in January.
    """
    if window.kind == "calendar_year":
        return date(reached_on.year + 1, 1, 1), date(reached_on.year + 1, 12, 31)
    return period_from(window, reached_on + _DAY)


def period_from(window: Window, first: date) -> tuple[date, date]:
    """The same for a period that begins on that day; a calendar year counts as a whole."""
    match window.kind:
        case "days":
            return first, first + timedelta(days=(window.n or 1) - 1)
        case "months":
            return first, months_later(first - _DAY, window.n or 1)
        case "calendar_year":
            return date(first.year, 1, 1), date(first.year, 12, 31)
