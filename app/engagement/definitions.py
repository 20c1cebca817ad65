"""Activities as data: what each kind asks for and gives."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, get_args

import msgspec
from msgspec import Meta, Struct

from app.discounts.effects import AmountOff, PercentOff, PerFull
from app.engagement.reward import MOST_REWARD_POINTS, Reward
from app.engagement.survey_questions import MOST_QUESTIONS, Question
from app.errors import Invalid
from app.points.rules import BASIS, MOST_BP, MOST_POINTS, Conditions, RuleMalformed, check_conditions
from app.typed import convert

Kind = Literal["check_in", "lottery", "welcome", "first_order", "profile", "referral", "survey", "promotion"]
KINDS: tuple[Kind, ...] = get_args(Kind)
ProfileField = Literal["name", "birthday", "phone"]
MOST_CYCLE_DAYS = 31
MOST_PRIZES = 20
MOST_WEIGHT = 1_000_000
MOST_STOCK = 1_000_000
MOST_ROUNDS = 366
MOST_FEN = 1_000_000_000
MOST_BUDGET = 1_000_000_000_000
MOST_WINDOW_DAYS = 366
MOST_INVITED_A_DAY = 1_000
MOST_INVITED = 100_000
MOST_ITEMS = 20

_Cost = Annotated[int, Meta(ge=0, le=MOST_REWARD_POINTS)]


class ActivityMalformed(Invalid):
    """Data: `reason`, what does not fit and where."""

    code = "activity_malformed"


class Definition(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What all kinds have. `conditions` ask about the member: tier, birthday, home store (of a purchase: its store),
    and about the moment; never about goods. `points_at_least`: who has fewer at the moment may not take part."""

    kind: ClassVar[Kind]

    conditions: Conditions = Conditions()
    points_at_least: Annotated[int, Meta(ge=0, le=MOST_POINTS)] = 0

    def rewards(self) -> Iterator[Reward]:
        """All it may ever give."""
        raise NotImplementedError


class CheckIn(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Of `days` the first is for the first day in a row, and so on; after the last it begins again.

    `make_ups_a_month` missed days of a calendar month can be made up, each for `make_up_points`.
    """

    kind: ClassVar[Kind] = "check_in"

    days: Annotated[tuple[Reward, ...], Meta(min_length=1, max_length=MOST_CYCLE_DAYS)]
    make_ups_a_month: Annotated[int, Meta(ge=0, le=31)] = 0
    make_up_points: _Cost = 0

    def rewards(self) -> Iterator[Reward]:
        return iter(self.days)


class Prize(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`stock` of a round; None: as many as are drawn."""

    name_zh: Annotated[str, Meta(min_length=1, max_length=40)]
    name_en: Annotated[str, Meta(min_length=1, max_length=60)]
    weight: Annotated[int, Meta(ge=1, le=MOST_WEIGHT)]
    stock: Annotated[int, Meta(ge=1, le=MOST_STOCK)] | None = None
    reward: Reward = Reward()


class Lottery(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A prize is drawn with its weight's share of all. Where it is used up, `fallback` (its number, from 1) is given.

    A draw costs `cost_points` (None: not to be had for points) or a chance.
    """

    kind: ClassVar[Kind] = "lottery"

    prizes: Annotated[tuple[Prize, ...], Meta(min_length=1, max_length=MOST_PRIZES)]
    fallback: Annotated[int, Meta(ge=1, le=MOST_PRIZES)]
    cost_points: Annotated[int, Meta(ge=1, le=MOST_REWARD_POINTS)] | None = None
    draws_a_day: Annotated[int, Meta(ge=1, le=100)] = 10
    most_rounds: Annotated[int, Meta(ge=1, le=MOST_ROUNDS)] = 1

    def rewards(self) -> Iterator[Reward]:
        return (prize.reward for prize in self.prizes)


class Welcome(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """For joining."""

    kind: ClassVar[Kind] = "welcome"

    reward: Reward

    def rewards(self) -> Iterator[Reward]:
        return iter((self.reward,))


class FirstOrder(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """For a member's first purchase, if it came to `at_least_fen`."""

    kind: ClassVar[Kind] = "first_order"

    reward: Reward
    at_least_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 0

    def rewards(self) -> Iterator[Reward]:
        return iter((self.reward,))


class Profile(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """For telling all of `fields`, once."""

    kind: ClassVar[Kind] = "profile"

    reward: Reward
    fields: Annotated[frozenset[ProfileField], Meta(min_length=1)] = frozenset({"name", "birthday", "phone"})

    def rewards(self) -> Iterator[Reward]:
        return iter((self.reward,))


class Referral(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whoever joins by an invite and within `window_days` buys for `at_least_fen` at once brings a reward to both.

    An inviter is rewarded `most_a_day` times a day and `most` times in all. With `phone_needed` it counts once the
    newcomer has told a phone number, which no other member has or had.
    """

    kind: ClassVar[Kind] = "referral"

    inviter: Reward = Reward()
    newcomer: Reward = Reward()
    at_least_fen: Annotated[int, Meta(ge=1, le=MOST_FEN)]
    window_days: Annotated[int, Meta(ge=1, le=MOST_WINDOW_DAYS)] = 30
    most_a_day: Annotated[int, Meta(ge=1, le=MOST_INVITED_A_DAY)] = 10
    most: Annotated[int, Meta(ge=1, le=MOST_INVITED)] = 100
    phone_needed: bool = False

    def rewards(self) -> Iterator[Reward]:
        return iter((self.inviter, self.newcomer))


class Survey(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A member answers once and is given `reward`, if there is one. `anonymous`: nobody is told who said what.

    `about`: the activity in whose report the answers are told.
    """

    kind: ClassVar[Kind] = "survey"

    questions: Annotated[tuple[Question, ...], Meta(min_length=1, max_length=MOST_QUESTIONS)]
    anonymous: bool = False
    reward: Reward = Reward()
    about: Annotated[str, Meta(max_length=26)] | None = None

    def rewards(self) -> Iterator[Reward]:
        return iter((self.reward,))


class Discount(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a promotion takes off a bill that comes to `at_least_fen`; of one `group` at most one is taken off. Once all
    bills were lowered by `budget_fen` it stops; None: however much it is."""

    effect: PercentOff | AmountOff | PerFull
    at_least_fen: Annotated[int, Meta(ge=0, le=MOST_FEN)] = 0
    group: Annotated[str, Meta(pattern=r"^[a-z0-9_-]{0,24}\Z")] = ""
    budget_fen: Annotated[int, Meta(ge=1, le=MOST_BUDGET)] | None = None


class Promotion(Definition, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """It gives nothing itself. While it is on, an earning rule makes `factor_bp` of the points of a sale, or adds
    `points` to it, for a member at most `per_day` more a day; a rule of discount takes `discount` off; and the reward
    items `items` are in the mall."""

    kind: ClassVar[Kind] = "promotion"

    discount: Discount | None = None
    factor_bp: Annotated[int, Meta(gt=BASIS, le=MOST_BP)] | None = None
    points: Annotated[int, Meta(ge=1, le=MOST_REWARD_POINTS)] | None = None
    per_day: Annotated[int, Meta(ge=1, le=MOST_POINTS)] | None = None
    items: Annotated[tuple[Annotated[str, Meta(max_length=26)], ...], Meta(max_length=MOST_ITEMS)] = ()

    def rewards(self) -> Iterator[Reward]:
        return iter(())

    @property
    def gives_points(self) -> bool:
        return self.factor_bp is not None or self.points is not None


DEFINITIONS: dict[Kind, type[Definition]] = {
    kind.kind: kind for kind in (CheckIn, Lottery, Welcome, FirstOrder, Profile, Referral, Survey, Promotion)
}


def definition_of(kind: Kind, data: Mapping[str, Any]) -> Definition:
    """The definition of an activity of that kind. Raises `ActivityMalformed`."""
    try:
        definition: Definition = convert(data, DEFINITIONS[kind])
        check_conditions(definition.conditions)
    except msgspec.ValidationError as error:
        raise ActivityMalformed(reason=str(error)) from None
    except RuleMalformed as error:
        raise ActivityMalformed(reason=str(error.data["reason"])) from None
    if (fault := _fault(definition)) is not None:
        raise ActivityMalformed(reason=fault)
    return definition


def _fault(definition: Definition) -> str | None:
    if definition.conditions.products is not None or definition.conditions.categories is not None:
        return "conditions: an activity asks for no goods"
    if (fault := next((f for r in definition.rewards() if (f := r.fault)), None)) is not None:
        return f"reward: {fault}"
    if isinstance(definition, Lottery):
        return _fault_of_lottery(definition)
    if isinstance(definition, Survey):
        faults = ((number, question.fault) for number, question in enumerate(definition.questions, 1))
        return next((f"question {number}: {fault}" for number, fault in faults if fault), None)
    if isinstance(definition, Promotion):
        return _fault_of_promotion(definition)
    if not isinstance(definition, CheckIn) and all(reward.is_nothing for reward in definition.rewards()):
        return "reward: it gives nothing"
    return None


def _fault_of_lottery(lottery: Lottery) -> str | None:
    if lottery.fallback > len(lottery.prizes):
        return "fallback: there is no such prize"
    fallback = lottery.prizes[lottery.fallback - 1]
    if fallback.stock is not None or fallback.reward.coupons:
        return "fallback: it must never be used up, so it has neither stock nor coupons"
    return None


def _fault_of_promotion(promotion: Promotion) -> str | None:
    rules = [one for one in (promotion.factor_bp, promotion.points) if one is not None]
    if len(rules) > 1:
        return "factor_bp, points: one of them"
    if not rules and not promotion.items and promotion.discount is None:
        return "promotion: it has neither a rule nor items"
    effect = None if promotion.discount is None else promotion.discount.effect
    if isinstance(effect, PerFull) and (fault := effect.fault):
        return f"discount: {fault}"
    if promotion.per_day is not None and not rules:
        return "per_day: it limits points, and there are none"
    if promotion.points_at_least:
        return "points_at_least: rules of earning do not ask for it"
    if promotion.items and promotion.conditions.stores is not None:
        return "items: they have stores of their own"
    return "items: one stands there twice" if len(set(promotion.items)) < len(promotion.items) else None
