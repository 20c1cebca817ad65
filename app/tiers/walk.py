"""Where a member stands, and how they came there: a pure function of the plans and of what they bought.

Purchases, plans that begin and periods that end are gone through in the order of time. Nothing else decides about a
tier, so that whatever was decided at the time can be worked out again for any day.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from app.clock import HOME_ZONE, business_date, start_of_day
from app.points.rules import BASIS
from app.tiers.days import counts_from, period_after, period_from
from app.tiers.plan import LOWEST, Plan, Plans, PlanVersion

Kind = Literal["upgrade", "keep", "demote", "plan", "mend"]
_FEN_PER_YUAN = 100


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase, or (negative) a refund, as far as tiers look at it; `day` is the chain's."""

    at: datetime
    day: date
    store_id: int
    amount_fen: int
    sale_id: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A tier, and the days in which it is to be earned again: None in the lowest, which nobody loses."""

    tier: str
    counts_from: date | None
    valid_through: date | None


BEGINNING = Standing(tier=LOWEST, counts_from=None, valid_through=None)


@dataclass(frozen=True, kw_only=True)
class Change:
    """`amount` is what counted when it was decided. `mend` says that the books did not know what they should have."""

    kind: Kind
    at: datetime
    from_tier: str
    standing: Standing
    plan_version: int
    amount: int
    sale_id: str | None = None
    gift_points: int = 0


@dataclass(frozen=True, kw_only=True)
class Walked:
    """`next_at` is when something happens to the member without a purchase, or with one that has a later time."""

    changes: tuple[Change, ...]
    standing: Standing
    next_at: datetime | None


class Tally:
    """How much a member's purchases, oldest first, come to in the plan's basis."""

    def __init__(self, plan: Plan, bought: Sequence[Bought]) -> None:
        self._days = [one.day for one in bought]
        self._sums = [0]
        came: set[tuple[date, int]] = set()
        kept: dict[str, int] = {}
        for one in bought:
            # A bill that was split is one visit; so is coming back on the same day.
            visit = one.amount_fen > 0 and (one.day, one.store_id) not in came
            if visit:
                came.add((one.day, one.store_id))
            # By what is kept of the sale: a refund in many small pieces takes as much as one.
            before = kept.get(one.sale_id, 0)
            after = kept[one.sale_id] = before + one.amount_fen
            grown = _weight(plan, after) - _weight(plan, before)
            self._sums.append(self._sums[-1] + grown + (_visit(plan) if visit else 0))

    def between(self, first: date, last: date, among: int | None = None) -> int:
        """What was bought on these days, both included, `among` the first so many purchases."""
        most = len(self._days) if among is None else among
        low = bisect_left(self._days, first, 0, most)
        # Not below nothing: what is given back in one period may have been bought in another.
        return max(0, self._sums[max(low, bisect_right(self._days, last, 0, most))] - self._sums[low])


def _weight(plan: Plan, amount_fen: int) -> int:
    match plan.basis:
        case "spend":
            return amount_fen
        case "visits":
            return 0
        case "growth":
            return amount_fen * plan.growth.per_yuan_bp // (BASIS * _FEN_PER_YUAN)


def _visit(plan: Plan) -> int:
    match plan.basis:
        case "spend":
            return 0
        case "visits":
            return 1
        case "growth":
            return plan.growth.per_visit


def ends_at(plan: Plan, standing: Standing, *, in_grace: bool) -> datetime | None:
    """The midnight after the period's last day, or after the last day of grace; None: it does not end."""
    if standing.valid_through is None:
        return None
    days = 1 + (plan.grace_days if in_grace else 0)
    return start_of_day(standing.valid_through + timedelta(days=days), HOME_ZONE)


def walk(plans: Plans, bought: Sequence[Bought], *, until: datetime) -> Walked:
    """From the member's beginning up to `until`, included; `bought` is sorted by time."""
    here = _Walk(bought)
    while (step := here.next_step(plans)) is not None and step[0] <= until:
        here.take(plans, *step)
    later = None if step is None else step[0]
    return Walked(changes=tuple(here.changes), standing=here.standing, next_at=later)


# What happens at the same instant happens in this order.
_PLAN_BEGINS, _PERIOD_ENDS, _BUYS = range(3)


class _Walk:
    def __init__(self, bought: Sequence[Bought]) -> None:
        self.standing = BEGINNING
        self.changes: list[Change] = []
        self._bought = bought
        self._seen = 0
        self._begun = 0
        self._in_grace = False
        self._at = datetime.min.replace(tzinfo=UTC)
        self._held: PlanVersion | None = None
        self._tally = Tally(Plan(), ())

    def next_step(self, plans: Plans) -> tuple[datetime, int] | None:
        steps = []
        if self._begun < len(plans.in_turn):
            steps.append((plans.in_turn[self._begun].effective_from, _PLAN_BEGINS))
        if self._seen < len(self._bought):
            steps.append((self._bought[self._seen].at, _BUYS))
        if self._held is not None and self.standing.valid_through is not None:
            end = ends_at(self._held.plan, self.standing, in_grace=self._in_grace)
            if end is not None:
                # A plan that shortens the grace takes back none of the days before it began.
                steps.append((max(end, self._at), _PERIOD_ENDS))
        return min(steps, default=None)

    def take(self, plans: Plans, at: datetime, what: int) -> None:
        self._at = at
        if what == _PLAN_BEGINS:
            self._held = plans.in_turn[self._begun]
            self._begun += 1
            self._tally = Tally(self._held.plan, self._bought)
            self._plan_begins(self._held, at)
        elif what == _BUYS:
            self._seen += 1
            if self._held is not None:
                self._buys(self._held, self._bought[self._seen - 1])
        elif self._held is not None:
            self._period_ends(self._held, at)

    def _plan_begins(self, held: PlanVersion, at: datetime) -> None:
        today = business_date(at, HOME_ZONE)
        amount = self._tally.between(counts_from(held.plan.window, today), today, self._seen)
        here, reached = held.plan.place(self.standing.tier), held.plan.reached(amount)
        if here is None or reached > here:
            self._move("plan" if here is None else "upgrade", held, at, reached, amount, reached_on=today)

    def _buys(self, held: PlanVersion, one: Bought) -> None:
        plan = held.plan
        amount = self._tally.between(counts_from(plan.window, one.day), one.day, self._seen)
        reached = plan.reached(amount)
        if reached > self._place(held):
            self._move("upgrade", held, one.at, reached, amount, reached_on=one.day, sale_id=one.sale_id)
        elif self._in_grace:
            earned = self._earned(one.day)
            if plan.reached(earned) >= self._place(held):
                self._keep(held, one.at, earned, one.sale_id)

    def _period_ends(self, held: PlanVersion, at: datetime) -> None:
        yesterday = business_date(at - timedelta(microseconds=1), HOME_ZONE)
        amount = self._earned(yesterday)
        reached, here = held.plan.reached(amount), self._place(held)
        if reached >= here:
            self._keep(held, at, amount, None)
        elif held.plan.grace_days and not self._in_grace:
            self._in_grace = True
        else:
            self._move("demote", held, at, reached, amount, period_of=yesterday + timedelta(days=1))

    def _place(self, held: PlanVersion) -> int:
        place = held.plan.place(self.standing.tier)
        assert place is not None  # a plan that does not have the tier moved the member as it began
        return place

    def _earned(self, last: date) -> int:
        """What counts towards keeping the tier, up to that day."""
        assert self.standing.counts_from is not None
        return self._tally.between(self.standing.counts_from, last, self._seen)

    def _keep(self, held: PlanVersion, at: datetime, amount: int, sale_id: str | None) -> None:
        assert self.standing.valid_through is not None
        # From the end of the former period also when it was earned in the grace.
        first, last = period_from(held.plan.window, self.standing.valid_through + timedelta(days=1))
        standing = Standing(tier=self.standing.tier, counts_from=first, valid_through=last)
        self._note("keep", held, at, standing, amount, sale_id)

    def _move(
        self,
        kind: Kind,
        held: PlanVersion,
        at: datetime,
        place: int,
        amount: int,
        *,
        reached_on: date | None = None,
        period_of: date | None = None,
        sale_id: str | None = None,
    ) -> None:
        level, window = held.plan.levels[place], held.plan.window
        if place == 0:
            standing = BEGINNING
        else:
            first, last = (
                period_after(window, reached_on) if reached_on else period_from(window, period_of or date.min)
            )
            standing = Standing(tier=level.code, counts_from=first, valid_through=last)
        gift = level.gift_points if kind == "upgrade" else 0
        self._note(kind, held, at, standing, amount, sale_id, gift)

    def _note(
        self,
        kind: Kind,
        held: PlanVersion,
        at: datetime,
        standing: Standing,
        amount: int,
        sale_id: str | None = None,
        gift_points: int = 0,
    ) -> None:
        change = Change(
            kind=kind,
            at=at,
            from_tier=self.standing.tier,
            standing=standing,
            plan_version=held.version,
            amount=amount,
            sale_id=sale_id,
            gift_points=gift_points,
        )
        self.changes.append(change)
        self.standing, self._in_grace = standing, False
