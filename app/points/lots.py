"""From when points may be spent and when they end, by the calendar of the store where they were earned."""

import calendar
from datetime import date, datetime, timedelta

from app.clock import business_date, start_of_day
from app.points.rules import Base, Expiry


def spendable_from(base: Base, business_date: date, time_zone: str) -> datetime | None:
    """The midnight after which pending points may be spent; None: at once."""
    if base.pending_days == 0:
        return None
    return start_of_day(business_date + timedelta(days=base.pending_days), time_zone)


def expires_at(base: Base, business_date: date, time_zone: str) -> datetime | None:
    """When points earned on that day end. Counted from the day they can be spent, so that none end before."""
    return ends_at(base.expiry, business_date + timedelta(days=base.pending_days), time_zone)


def ends_at(expiry: Expiry, day: date, time_zone: str) -> datetime | None:
    """The midnight in the store's zone after the last whole day; None: never."""
    last = _last_day(expiry, day)
    return None if last is None else start_of_day(last + timedelta(days=1), time_zone)


def valid_through(ends: datetime, time_zone: str) -> date:
    """The last day in that zone on which points that end then may be spent: `ends` itself is no longer in time."""
    return business_date(ends - timedelta(microseconds=1), time_zone)


def _last_day(expiry: Expiry, day: date) -> date | None:
    match expiry.kind:
        case "days":
            return day + timedelta(days=expiry.n or 0)
        case "months":
            return months_later(day, expiry.n or 0)
        case "end_of_year":
            return date(day.year, 12, 31)
        case "end_of_next_year":
            return date(day.year + 1, 12, 31)
        case "never":
            return None


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last if it is shorter."""
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
