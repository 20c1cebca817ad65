"""What it takes for a benefit to hold: which tiers, which days and hours. In Chinese and English, for its reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from app.discounts import reasons
from app.points.rules import Conditions, TimeOfDay
from app.texts import say

#: Of dates that a rule names one by one so many are told, the next ones first.
_DATES_TOLD = 3
_LAST = -1


@dataclass(frozen=True, kw_only=True)
class TierWords:
    """How a tier is called."""

    zh: str
    en: str


def asks(
    reason: str, asked: Conditions, tiers: Mapping[str, TierWords], *, today: date, language: str
) -> str:
    """What the benefit asks for where that is the reason why it does not hold; empty where the reason says it all.

    `tiers` are called by their codes where their words are not given. `today` is that of the store.
    """
    if reason == reasons.NOT_YOUR_TIER:
        return _tiers(asked.tiers or (), tiers, language)
    if reason == reasons.NOT_BIRTHDAY and asked.birthday is not None:
        return say(f"asks.birthday.{asked.birthday}", language)
    return _times(asked, today, language) if reason == reasons.NOT_NOW else ""


def _tiers(codes: Iterable[str], tiers: Mapping[str, TierWords], language: str) -> str:
    """In the order of the tiers, as they are given."""
    known = list(tiers)
    ordered = sorted(codes, key=lambda code: (known.index(code) if code in tiers else len(known), code))
    found = [tiers.get(code, TierWords(zh=code, en=code)) for code in ordered]
    if language == "en":
        return _listed([words.en for words in found], "asks.or", language)
    # 金卡会员、银卡会员 are 金卡、银卡会员.
    names = [words.zh.removesuffix("会员") or words.zh for words in found]
    return say("asks.tiers", language, tiers=_listed(names, "asks.or", language))


def _times(asked: Conditions, today: date, language: str) -> str:
    told = []
    if asked.weekdays is not None:
        days = [say(f"asks.weekday.{day}", language) for day in sorted(asked.weekdays)]
        told.append(say("asks.weekdays", language, days=_listed(days, "asks.and", language)))
    if asked.monthdays is not None:
        days = [_monthday(day, language) for day in sorted(asked.monthdays, key=lambda day: day % 32)]
        told.append(say("asks.monthdays", language, days=_listed(days, "asks.and", language)))
    if asked.dates is not None:
        told.append(_dates(asked.dates, today, language))
    if asked.time_of_day is not None:
        told.append(_hours(asked.time_of_day, language))
    return (", " if language == "en" else " ").join(told)


def _monthday(day: int, language: str) -> str:
    if day == _LAST:
        return say("asks.monthday.last", language)
    if language != "en":
        return say("asks.monthday", language, day=day)
    suffix = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return say("asks.monthday", language, day=f"{day}{suffix}")


def _dates(dates: Iterable[date], today: date, language: str) -> str:
    """Those to come, or, when all are over, the last ones."""
    ordered = sorted(dates)
    coming = [day for day in ordered if day >= today] or ordered[-_DATES_TOLD:]
    days = _listed([day.isoformat() for day in coming[:_DATES_TOLD]], "asks.and", language)
    more = len(coming) > _DATES_TOLD
    return say("asks.dates.more" if more else "asks.dates", language, days=days)


def _hours(hours: TimeOfDay, language: str) -> str:
    key = "asks.hours" if hours.from_minute < hours.until_minute else "asks.hours.night"
    return say(key, language, begins=_clock(hours.from_minute), ends=_clock(hours.until_minute))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _listed(words: list[str], last: str, language: str) -> str:
    """In Chinese a comma of its own does between days; `last` comes between the last two otherwise."""
    if len(words) == 1 or (language != "en" and last == "asks.and"):
        return "、".join(words)
    between = ", " if language == "en" else "、"
    return f"{between.join(words[:-1])}{say(last, language)}{words[-1]}"
