"""Where a member stands, and how they came there: a pure function of the plans and of what they bought.

Purchases, plans that begin and periods that end are gone through in the order of time. Nothing else decides about a
tier, so that whatever was decided at the time can be worked out again for any day.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from app.clock import HOME_ZONE, business_date, start_of_day
from app.tiers.bought import Bought, Tally
from app.tiers.days import counts_from, period_after, period_from
from app.tiers.plan import LOWEST, Plan, Plans, PlanVersion

Kind = Literal["upgrade", "keep", "demote", "plan", "mend", "void"]


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A tier, and the days in which it is to be earned again: None in the lowest, which nobody loses."""

    tier: str
    counts_from: date | None
    valid_through: date | None


BEGINNING = Standing(tier=LOWEST, counts_from=None, valid_through=None)


@dataclass(frozen=True, kw_only=True)
class Change:
    """`amount` is what counted when it was decided. `mend` says that the books did not know what they should have.

    `void` says where the member stands without the sale, and for which tiers they would have had no gift: `undone`.
    """

    kind: Kind
    at: datetime
    from_tier: str
    standing: Standing
    plan_version: int
    amount: int
    sale_id: str | None = None
    gift_points: int = 0
    undone: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Walked:
    """`next_at` is when something happens to the member without a purchase, or with one that has a later time.

    `gifts` are the tiers that they have reached with a gift.
    """

    changes: tuple[Change, ...]
    standing: Standing
    next_at: datetime | None
    gifts: frozenset[str] = frozenset()


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
    return Walked(
        changes=tuple(here.changes), standing=here.standing, next_at=later, gifts=frozenset(here.gifts)
    )


# What happens at the same instant happens in this order.
_PLAN_BEGINS, _PERIOD_ENDS, _BUYS = range(3)


class _Walk:
    def __init__(self, bought: Sequence[Bought]) -> None:
        self.standing = BEGINNING
        self.changes: list[Change] = []
        #: The tiers that were reached with a gift, and how much it was.
        self.gifts: dict[str, int] = {}
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
            one = self._bought[self._seen - 1]
            if one.void:
                self._voids(plans, one)
            elif self._held is not None:
                self._buys(self._held, one)
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

    def _voids(self, plans: Plans, one: Bought) -> None:
        """Go on as if the sale had never been: everything up to now is walked again without it."""
        again = _Walk([other for other in self._bought if other.sale_id != one.sale_id])
        seen = sum(other.sale_id != one.sale_id for other in self._bought[: self._seen])
        while (step := again.next_step(plans)) is not None and step[0] <= one.at:
            if step[1] == _BUYS and again._seen == seen:
                break  # of the same instant, and after it
            again.take(plans, *step)
        if self._held is not None:
            self._note_void(self._held, again, one)
        self.standing, self.gifts, self._in_grace = again.standing, again.gifts, again._in_grace
        self._bought, self._seen, self._tally = again._bought, again._seen, again._tally

    def _note_void(self, held: PlanVersion, again: "_Walk", one: Bought) -> None:
        undone = frozenset(self.gifts) - frozenset(again.gifts)
        if again.standing == self.standing and not undone:
            return
        first = counts_from(held.plan.window, one.day)
        change = Change(
            kind="void",
            at=one.at,
            from_tier=self.standing.tier,
            standing=again.standing,
            plan_version=held.version,
            amount=again._tally.between(first, one.day, again._seen),
            sale_id=one.sale_id,
            gift_points=again.gifts.get(again.standing.tier, 0),
            undone=undone,
        )
        self.changes.append(change)

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
        if gift:
            self.gifts.setdefault(level.code, gift)
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
