"""When a session is, as people read it, by the clock of its store."""

from datetime import datetime

from app.clock import zone

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS_ZH = "一二三四五六日"
_DAYS_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def when(starts_at: datetime, ends_at: datetime, time_zone: str, language: str) -> str:
    """`12月5日（周六）14:00–16:00`; of one that ends on another day, with that day."""
    begins, ends = starts_at.astimezone(zone(time_zone)), ends_at.astimezone(zone(time_zone))
    until = f"{ends:%H:%M}" if ends.date() == begins.date() else f"{_day(ends, language)} {ends:%H:%M}"
    between = "" if language != "en" else " "
    return f"{_day(begins, language)}{between}{begins:%H:%M}–{until}"


def _day(at: datetime, language: str) -> str:
    if language == "en":
        return f"{_DAYS_EN[at.weekday()]} {at.day} {_MONTHS[at.month - 1]}"
    return f"{at.month}月{at.day}日（周{_DAYS_ZH[at.weekday()]}）"
