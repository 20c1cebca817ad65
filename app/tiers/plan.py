"""The plan of tiers as data: what counts, over which time, from how much on, and what reaching a tier gives."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from app.errors import Invalid
from app.tiers.models import TierPlan
from app.typed import convert

#: The tier everybody begins in, and falls to.
LOWEST = "normal"
MOST_TIERS = 10
MOST_DAYS, MOST_MONTHS = 1_830, 60
MOST_GRACE_DAYS = 92
#: What one person may set: a plan needs no second one.
MOST_GIFT_POINTS = 10_000
MOST_AMOUNT = 100_000_000_000

Basis = Literal["spend", "visits", "growth"]
WindowKind = Literal["days", "months", "calendar_year"]


class PlanMalformed(Invalid):
    """Data: `reason`, what does not fit and where."""

    code = "tier_plan_malformed"


class Window(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The last `n` days or months, today included; or the calendar year (then without `n`)."""

    kind: WindowKind
    n: int | None = None


class Growth(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a purchase adds to the growth value: `per_yuan_bp` 10,000 is one for each yuan; `per_visit` for coming."""

    per_yuan_bp: Annotated[int, Meta(ge=0, le=1_000_000)] = 10_000
    per_visit: Annotated[int, Meta(ge=0, le=100_000)] = 0


_Template = Annotated[str, Meta(min_length=1, max_length=26)]


class Level(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tier: reached with `at_least` of what counts (fen, visits or growth value); `gift_points` are given once,
    `birthday_points` every year to whoever is in the tier as their birthday begins. A coupon of a template may come
    with either of them."""

    code: Annotated[str, Meta(pattern=r"^[a-z0-9_-]{1,24}$")]
    at_least: Annotated[int, Meta(ge=0, le=MOST_AMOUNT)]
    gift_points: Annotated[int, Meta(ge=0, le=MOST_GIFT_POINTS)] = 0
    birthday_points: Annotated[int, Meta(ge=0, le=MOST_GIFT_POINTS)] = 0
    gift_coupon: _Template | None = None
    birthday_coupon: _Template | None = None

    @property
    def coupons(self) -> set[str]:
        return {template for template in (self.gift_coupon, self.birthday_coupon) if template is not None}


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`levels` ascend from the lowest tier. `grace_days` come after a tier's last day; gifts last so many whole days,
    None: they never end. Where `birthday_needs_phone`, a birthday's gift is for members with a bound phone alone."""

    basis: Basis = "spend"
    window: Window = Window(kind="months", n=12)
    grace_days: Annotated[int, Meta(ge=0, le=MOST_GRACE_DAYS)] = 0
    growth: Growth = Growth()
    gift_lifetime_days: Annotated[int, Meta(ge=1, le=3_660)] | None = 365
    #: False: plans from before there was the option say nothing of it. The back office makes new ones with it.
    birthday_needs_phone: bool = False
    levels: Annotated[tuple[Level, ...], Meta(min_length=1, max_length=MOST_TIERS)] = (
        Level(code=LOWEST, at_least=0),
    )

    def place(self, code: str) -> int | None:
        """How high that tier is, from 0; None if the plan does not have it."""
        return next((place for place, level in enumerate(self.levels) if level.code == code), None)

    def reached(self, amount: int) -> int:
        """The place of the highest tier for which that much is enough."""
        return bisect_right(self.levels, amount, key=lambda level: level.at_least) - 1


def plan_of(data: Mapping[str, Any]) -> Plan:
    """Raises `PlanMalformed`."""
    try:
        plan = convert(data, Plan)
    except msgspec.ValidationError as error:
        raise PlanMalformed(reason=str(error)) from None
    _check_window(plan.window, plan.grace_days)
    first = plan.levels[0]
    if (first.code, first.at_least, first.gift_points) != (LOWEST, 0, 0):
        raise PlanMalformed(
            reason=f"tiers: the first is {LOWEST}, from 0 on and without a gift for reaching it"
        )
    if any(
        (level.gift_coupon and not level.gift_points) or (level.birthday_coupon and not level.birthday_points)
        for level in plan.levels
    ):
        raise PlanMalformed(reason="tiers: a coupon comes with points, of which there are none")
    if any(higher.at_least <= lower.at_least for lower, higher in pairwise(plan.levels)):
        raise PlanMalformed(reason="tiers: each needs more than the one before it")
    if len({level.code for level in plan.levels}) < len(plan.levels):
        raise PlanMalformed(reason="tiers: a code stands there twice")
    if plan.basis == "growth" and plan.growth.per_yuan_bp == plan.growth.per_visit == 0:
        raise PlanMalformed(reason="growth: nothing would ever grow")
    return plan


def _check_window(window: Window, grace_days: int) -> None:
    most = {"days": MOST_DAYS, "months": MOST_MONTHS}.get(window.kind)
    if most is None:
        if window.n is not None:
            raise PlanMalformed(reason=f"window: {window.kind} takes no n")
    elif window.n is None or not 1 <= window.n <= most:
        raise PlanMalformed(reason=f"window: {window.kind} needs an n of 1 to {most}")
    elif grace_days >= window.n * (28 if window.kind == "months" else 1):
        raise PlanMalformed(reason="grace_days: longer than the period it comes after")


@dataclass(frozen=True, kw_only=True)
class PlanVersion:
    version: int
    effective_from: datetime
    plan: Plan


class Plans:
    """All versions, to be asked which held when. Of those that have begun the highest holds."""

    def __init__(self, versions: Iterable[PlanVersion]) -> None:
        began: list[PlanVersion] = []
        for one in sorted(versions, key=lambda one: (one.effective_from, one.version)):
            if began and one.version < began[-1].version:
                continue  # a higher one has begun before: it never holds
            if began and one.effective_from == began[-1].effective_from:
                began.pop()
            began.append(one)
        #: In the order in which they hold.
        self.in_turn: Sequence[PlanVersion] = began

    def at(self, instant: datetime) -> PlanVersion | None:
        """The version that holds then; None before the first."""
        place = bisect_right(self.in_turn, instant, key=lambda one: one.effective_from)
        return self.in_turn[place - 1] if place else None


def plans(connection: Connection | Session) -> Plans:
    """Every version there is."""
    rows = connection.execute(select(TierPlan.version, TierPlan.effective_from, TierPlan.definition))
    return Plans(
        PlanVersion(
            version=row.version,
            effective_from=row.effective_from,
            plan=convert(row.definition, Plan),
        )
        for row in rows
    )
