"""A rule of earning as data: what it asks for, what it gives, and when it holds. app/points/earn.py applies it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct

from app.errors import Invalid
from app.points.version_set import VersionSet
from app.typed import convert

#: Points per yuan, and factors, are given in ten-thousandths: 10,000 is one point for each yuan, or once.
BASIS = 10_000
MOST_BP = 1_000_000
MOST_DAYS, MOST_MONTHS = 3_660, 120
MOST_POINTS = 1_000_000_000
MOST_NAMED = 200

Kind = Literal["base", "multiplier", "extra"]
AppliesTo = Literal["sale", "top_up"]
Stacking = Literal["add", "best"]

_Few = Meta(min_length=1, max_length=MOST_NAMED)
_Most = Annotated[int, Meta(ge=1, le=MOST_POINTS)]
_Minute = Annotated[int, Meta(ge=0, lt=24 * 60)]


class RuleMalformed(Invalid):
    """Data: `reason`, what does not fit and where."""

    code = "rule_malformed"


class TimeOfDay(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From one minute of the day up to another, by the clock on the store's wall; may cross midnight."""

    from_minute: _Minute
    until_minute: _Minute


class Conditions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What must all be so; None asks for nothing.

    `products` and `categories` choose lines of the bill, the others whole sales. Days and times are the store's, each
    asked about the moment of the sale alone. `monthdays` counts -1 as the last of the month.
    """

    stores: Annotated[frozenset[int], _Few] | None = None
    tiers: Annotated[frozenset[Annotated[str, Meta(min_length=1, max_length=24)]], _Few] | None = None
    products: Annotated[frozenset[Annotated[str, Meta(min_length=1, max_length=64)]], _Few] | None = None
    categories: Annotated[frozenset[Annotated[str, Meta(min_length=1, max_length=40)]], _Few] | None = None
    weekdays: Annotated[frozenset[Annotated[int, Meta(ge=1, le=7)]], _Few] | None = None
    monthdays: Annotated[frozenset[Annotated[int, Meta(ge=-1, le=31)]], _Few] | None = None
    dates: Annotated[frozenset[date], _Few] | None = None
    birthday: Literal["day", "month"] | None = None
    time_of_day: TimeOfDay | None = None


class Caps(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The most points the rule gives for one sale, and to one member on one business day."""

    per_sale: _Most | None = None
    per_day: _Most | None = None


class Expiry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How long points last; `n` goes with days and months."""

    kind: Literal["days", "months", "end_of_year", "end_of_next_year", "never"]
    n: int | None = None


NEVER = Expiry(kind="never")


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What rules of every kind have."""

    kind: ClassVar[Kind]

    conditions: Conditions = Conditions()
    caps: Caps = Caps()


class Base(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Points per yuan, how long they last, and how many days pass before they may be spent."""

    kind: ClassVar[Kind] = "base"

    rate_bp: Annotated[int, Meta(ge=0, le=MOST_BP)]
    expiry: Expiry = NEVER
    pending_days: Annotated[int, Meta(ge=0, le=366)] = 0


class Multiplier(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """20,000 doubles: it adds the base once more."""

    kind: ClassVar[Kind] = "multiplier"

    factor_bp: Annotated[int, Meta(gt=BASIS, le=MOST_BP)]


class Extra(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fixed number of points for a sale."""

    kind: ClassVar[Kind] = "extra"

    points: Annotated[int, Meta(ge=1, le=1_000_000)]


DEFINITIONS: dict[Kind, type[Base] | type[Multiplier] | type[Extra]] = {
    "base": Base,
    "multiplier": Multiplier,
    "extra": Extra,
}


def definition_of(kind: Kind, data: Mapping[str, Any]) -> Definition:
    """The definition of a rule of that kind. Raises `RuleMalformed`."""
    try:
        definition: Definition = convert(data, DEFINITIONS[kind])
    except msgspec.ValidationError as error:
        raise RuleMalformed(reason=str(error)) from None
    check_conditions(definition.conditions)
    if isinstance(definition, Base):
        _check_expiry(definition.expiry)
    return definition


def check_conditions(asked: Conditions) -> None:
    """What the types do not say. Raises `RuleMalformed`."""
    hours = asked.time_of_day
    if hours is not None and hours.from_minute == hours.until_minute:
        raise RuleMalformed(reason="time_of_day: from and until are the same")
    if 0 in (asked.monthdays or ()):
        raise RuleMalformed(reason="monthdays: there is no day 0")


def _check_expiry(expiry: Expiry) -> None:
    most = {"days": MOST_DAYS, "months": MOST_MONTHS}.get(expiry.kind)
    if most is None:
        if expiry.n is not None:
            raise RuleMalformed(reason=f"expiry: {expiry.kind} takes no n")
    elif expiry.n is None or not 1 <= expiry.n <= most:
        raise RuleMalformed(reason=f"expiry: {expiry.kind} needs an n of 1 to {most}")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A version of a rule. It holds within `[effective_from, effective_until)` unless a newer version has begun."""

    id: int
    rule_no: int
    version: int
    name_zh: str
    name_en: str
    applies_to: AppliesTo
    definition: Definition
    priority: int
    stacking: Stacking
    effective_from: datetime
    effective_until: datetime | None

    @property
    def precedence(self) -> tuple[int, bool, int]:
        """Of two base rules the greater one counts: priority, then one that names stores, then the newer."""
        return self.priority, self.definition.conditions.stores is not None, self.id


class RuleSet(VersionSet[Rule]):
    def __init__(self, versions: Iterable[Rule]) -> None:
        super().__init__(versions)
        self.limited_by_day = any(rule.definition.caps.per_day is not None for rule in self.versions)
