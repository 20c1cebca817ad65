"""Whether a rule's conditions fit: a member, a store and a moment, and then a line of the bill."""

import calendar
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, Protocol

from app.points.rules import Conditions, TimeOfDay

Unmet = Literal["store", "tier", "birthday", "time"]


class Bought(Protocol):
    """A line of a bill, as far as rules look at it."""

    @property
    def sku(self) -> str: ...
    @property
    def category(self) -> str: ...
    @property
    def amount_fen(self) -> int: ...


@dataclass(frozen=True, kw_only=True)
class MemberFacts:
    """What rules may know of a member, as it is when they buy."""

    tier: str
    birthday: date | None


@dataclass(frozen=True, kw_only=True)
class StoreFacts:
    id: int
    time_zone: str


def fits(asked: Conditions, member: MemberFacts, store: StoreFacts, local: datetime) -> bool:
    """Whether everything but the goods is as asked. `local` is the moment by the store's clock."""
    return unmet(asked, member, store, local) is None


def unmet(asked: Conditions, member: MemberFacts, store: StoreFacts, local: datetime) -> Unmet | None:
    """The first thing, other than the goods, that is not as asked; what waiting does not change comes first."""
    if asked.stores is not None and store.id not in asked.stores:
        return "store"
    if asked.tiers is not None and member.tier not in asked.tiers:
        return "tier"
    if asked.birthday is not None and not _celebrates(asked.birthday, member.birthday, local):
        return "birthday"
    return None if _at_that_time(asked, local) else "time"


def takes(asked: Conditions, line: Bought) -> bool:
    """Whether the rule is about this line of the bill."""
    return (asked.products is None or line.sku in asked.products) and (
        asked.categories is None or line.category in asked.categories
    )


def _at_that_time(asked: Conditions, local: datetime) -> bool:
    return (
        (asked.weekdays is None or local.isoweekday() in asked.weekdays)
        and (asked.monthdays is None or _on_monthday(asked.monthdays, local))
        and (asked.dates is None or local.date() in asked.dates)
        and (asked.time_of_day is None or _within(asked.time_of_day, local))
    )


def _on_monthday(monthdays: frozenset[int], local: datetime) -> bool:
    return local.day in monthdays or (-1 in monthdays and local.day == _days_in(local.year, local.month))


def _within(hours: TimeOfDay, local: datetime) -> bool:
    minute = local.hour * 60 + local.minute
    if hours.from_minute < hours.until_minute:
        return hours.from_minute <= minute < hours.until_minute
    return minute >= hours.from_minute or minute < hours.until_minute


def _celebrates(what: str, birthday: date | None, local: datetime) -> bool:
    if birthday is None or birthday.month != local.month:
        return False
    # Who was born on 29 February celebrates on the 28th in other years: still in their month.
    return what == "month" or local.day == min(birthday.day, _days_in(local.year, local.month))


def _days_in(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]
