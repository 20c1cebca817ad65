"""The only reader of the wall clock, and the calendar of a store.

Rules take `now` as an argument; faces, jobs and commands call `now()` once per request or run. Instants are aware
UTC; business days are dates in the store's time zone, because "valid through 30 November" ends at midnight there.
"""

from datetime import UTC, date, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

#: Where the brand is at home: for days that belong to no store.
HOME_ZONE = "Asia/Shanghai"


def now() -> datetime:
    """This instant, aware, in UTC."""
    return datetime.now(UTC)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises `ZoneInfoNotFoundError` for an unknown one."""
    return ZoneInfo(name)


def business_date(at: datetime, time_zone: str) -> date:
    """The calendar day it is in that zone at that instant."""
    return at.astimezone(zone(time_zone)).date()


def start_of_day(day: date, time_zone: str) -> datetime:
    """The instant at which that day begins in that zone, in UTC.

    Where a clock change skips midnight, this is the first instant of the day that exists.
    """
    return datetime.combine(day, time.min, zone(time_zone)).astimezone(UTC)
