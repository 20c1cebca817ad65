"""What may lower a bill, and what is told of it afterwards."""

from dataclasses import dataclass

from app.discounts.effects import Effect
from app.errors import Conflict
from app.points.rules import Conditions


class BenefitNotApplicable(Conflict):
    """What was chosen cannot be applied. Data: `benefit`, `reason`, `missing_fen`, `missing_pieces`, `other`."""

    code = "benefit_not_applicable"


ALL_GOODS = Conditions()


@dataclass(frozen=True, kw_only=True)
class Benefit:
    """What may lower a bill; `key` is unique among those of a bill.

    Of `conditions` pricing asks products and categories only; `refusal` is the reason why the rest does not hold here
    and now, if it does not. Thresholds are about its goods, at what they cost after what was applied before it. Of one
    `group` at most one is applied ('' is none); `alone` is applied with nothing else. Unless it is chosen it is applied
    only where it takes off `worth_fen`, what it costs its holder.
    """

    key: str
    name_zh: str
    name_en: str
    effect: Effect
    conditions: Conditions = ALL_GOODS
    at_least_fen: int = 0
    at_least_pieces: int = 0
    group: str = ""
    alone: bool = False
    priority: int = 0
    refusal: str = ""
    worth_fen: int = 0


@dataclass(frozen=True, kw_only=True)
class Told:
    """What became of a benefit.

    `line_discounts` has a number for each line of the bill; they sum to `discount_fen`. `missing_fen` and
    `missing_pieces` tell how much more of its goods it takes; `other` is the key of the benefit that excludes it.
    """

    key: str
    applied: bool
    reason: str
    discount_fen: int = 0
    line_discounts: tuple[int, ...] = ()
    missing_fen: int = 0
    missing_pieces: int = 0
    other: str = ""


@dataclass(frozen=True, kw_only=True)
class Priced:
    """`told` has every benefit that was given, in order of application.

    `complete`: no combination takes off more. If not, the search ended before all were ruled out.
    """

    line_discounts: tuple[int, ...]
    told: tuple[Told, ...]
    discount_fen: int
    complete: bool
