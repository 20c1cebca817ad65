"""What a coupon does, and for whom, where and when it holds, in Chinese and English."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache

from app.clock import HOME_ZONE, business_date
from app.coupons.face import Between, Face, Gift
from app.discounts.benefit import Benefit
from app.discounts.explain import effect_text as benefit_text
from app.discounts.explain import from_what_on
from app.points.lots import valid_through
from app.points.rules import Conditions, TimeOfDay
from app.texts import say

#: So many names fit on a phone; of more, the first ones and their number.
_FEW = 5
#: Faces do not change, and the same ones are put into words for every wallet: as many texts are kept.
_KEPT = 2_000


@dataclass(frozen=True, kw_only=True)
class Names:
    """Of the stores and tiers that faces mention: by id, and by code in (zh, en)."""

    stores: Mapping[int, str] = field(default_factory=dict)
    tiers: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@lru_cache(_KEPT)
def effect_text(face: Face, language: str) -> str:
    """What it takes off or gives, and from what on: 满 ¥100.00，减 ¥10.00, or ¥10.00 off when you spend ¥100.00."""
    if not isinstance(face.effect, Gift):
        benefit = Benefit(
            key="",
            name_zh=face.name_zh,
            name_en=face.name_en,
            effect=face.effect,
            at_least_fen=face.at_least_fen,
            at_least_pieces=face.at_least_pieces,
        )
        return benefit_text(benefit, language)
    item = face.effect.item_en if language == "en" else face.effect.item_zh
    key = "coupon.gift.when" if face.at_least_fen or face.at_least_pieces else "coupon.gift"
    return from_what_on(say(key, language, item=item), face.at_least_fen, face.at_least_pieces, language)


def window_text(face: Face, language: str) -> str:
    """How long a coupon of a template lasts."""
    validity = face.validity
    if isinstance(validity, Between):
        begins, through = _days(validity.begins_at, validity.ends_at)
        return say("coupon.window.between", language, begins=begins, through=through)
    if validity.after_days:
        return say("coupon.window.later", language, after=validity.after_days, days=validity.days)
    return say("coupon.window.days", language, days=validity.days)


def rules_text(face: Face, names: Names, language: str) -> list[str]:
    """For whom, where and when it holds, and with what not; a sentence each."""
    asked = face.conditions
    told = [*_who(asked, names, language), *_what_and_when(asked, language)]
    return [*told, say("coupon.alone", language)] if face.alone else told


def _who(asked: Conditions, names: Names, language: str) -> list[str]:
    told = []
    if asked.stores is not None:
        stores = [names.stores[store] for store in sorted(asked.stores) if store in names.stores]
        key = "coupon.stores" if len(stores) <= _FEW else "coupon.stores.more"
        told.append(say(key, language, stores=_listed(stores[:_FEW], language), count=len(asked.stores)))
    if asked.tiers is not None:
        tiers = [names.tiers.get(code, (code, code))[language == "en"] for code in sorted(asked.tiers)]
        told.append(say("coupon.tiers", language, tiers=_listed(tiers, language)))
    if asked.birthday is not None:
        told.append(say(f"coupon.birthday.{asked.birthday}", language))
    return told


@lru_cache(_KEPT)
def _what_and_when(asked: Conditions, language: str) -> tuple[str, ...]:
    return (*_what(asked, language), *_when(asked, language))


def _what(asked: Conditions, language: str) -> list[str]:
    told = []
    if asked.products is not None:
        told.append(say("coupon.products", language))
    if asked.categories is not None:
        named = _listed(sorted(asked.categories), language)
        told.append(say("coupon.categories", language, categories=named))
    return told


def _when(asked: Conditions, language: str) -> list[str]:
    told = []
    if asked.weekdays is not None:
        days = [say(f"coupon.weekday.{day}", language) for day in sorted(asked.weekdays)]
        told.append(say("coupon.weekdays", language, days=_listed(days, language)))
    if asked.monthdays is not None:
        days = [_monthday(day, language) for day in sorted(asked.monthdays, key=lambda day: day % 32)]
        told.append(say("coupon.monthdays", language, days=_listed(days, language)))
    if asked.dates is not None:
        told.append(_dates(sorted(asked.dates), language))
    if asked.time_of_day is not None:
        told.append(_hours(asked.time_of_day, language))
    return told


def _monthday(day: int, language: str) -> str:
    return say("coupon.last_of_month", language) if day < 0 else say("coupon.monthday", language, day=day)


def _dates(dates: list[date], language: str) -> str:
    if len(dates) > _FEW:
        return say("coupon.dates.more", language, count=len(dates))
    return say("coupon.dates", language, dates=_listed([day.isoformat() for day in dates], language))


def _hours(hours: TimeOfDay, language: str) -> str:
    begins, ends = (
        f"{minute // 60:02}:{minute % 60:02}" for minute in (hours.from_minute, hours.until_minute)
    )
    return say("coupon.hours", language, begins=begins, ends=ends)


def _days(begins_at: datetime, ends_at: datetime) -> tuple[date, date]:
    return business_date(begins_at, HOME_ZONE), valid_through(ends_at, HOME_ZONE)


def _listed(names: list[str], language: str) -> str:
    return (", " if language == "en" else "、").join(names)
