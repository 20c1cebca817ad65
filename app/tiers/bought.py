"""What a member bought, and what that comes to in the basis of a plan."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from app.points.rules import BASIS
from app.tiers.plan import Plan

_FEN_PER_YUAN = 100


@dataclass(frozen=True, slots=True)
class Bought:
    """A purchase, or (negative) a refund, as far as tiers look at it; `day` is the chain's.

    `void`: with this refund the whole sale turns out to be one that should not have been recorded.
    """

    at: datetime
    day: date
    store_id: int
    amount_fen: int
    sale_id: str
    void: bool = False


def standing_sales(bought: Sequence[Bought]) -> list[Bought]:
    """Without the sales that should not have been recorded."""
    voided = {one.sale_id for one in bought if one.void}
    return [one for one in bought if one.sale_id not in voided]


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
