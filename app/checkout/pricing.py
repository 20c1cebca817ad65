"""From a bill, a member and the rules to what is to be paid: pure, no database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType
from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from app.checkout.bill import Line
from app.checkout.quoted import (
    BalanceReason,
    LineDiscount,
    Priced,
    QuotedBalance,
    QuotedBenefit,
    QuotedCoupon,
    QuotedEarning,
    QuotedLine,
)
from app.clock import business_date
from app.discounts import pricing
from app.discounts.asks import TierWords, asks
from app.discounts.benefit import Benefit, Told
from app.discounts.effects import share
from app.points.earn import Earning, earn
from app.points.fitting import MemberFacts, StoreFacts
from app.points.pay import PointsPaymentPolicy, use
from app.points.rules import Rule
from app.policies import Policy
from app.stored_value.policy import StoredValuePolicy
from app.stored_value.spend import split


class RoundingPolicy(Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is left to pay is rounded down to whole 1, 10 or 100 fen (抹零)."""

    NAME: ClassVar[str] = "rounding"

    down_to_fen: Annotated[Literal[1, 10, 100], Meta(description="1: nothing is rounded")] = 1


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the member wants: these benefits certainly, those not, and of the others the best, or none.

    At most so many points and so much stored value.
    """

    benefits: Collection[str] = frozenset()
    without: Collection[str] = frozenset()
    best: bool = True
    points: int = 0
    balance_fen: int = 0


@dataclass(frozen=True, kw_only=True)
class Purse:
    """What the member may spend at this moment."""

    points: int = 0
    principal_fen: int = 0
    bonus_fen: int = 0

    @property
    def balance_fen(self) -> int:
        return self.principal_fen + self.bonus_fen


@dataclass(frozen=True, kw_only=True)
class Terms:
    """The rules and policies that hold, with their versions; `taken` is what rules with a daily limit gave today."""

    earning: Sequence[Rule]
    paying: PointsPaymentPolicy
    rounding: RoundingPolicy
    stored_value: StoredValuePolicy
    versions: Mapping[str, int]
    taken: Mapping[int, int]


@dataclass(frozen=True, kw_only=True)
class _Earns:
    """A line as far as it earns."""

    sku: str
    category: str
    amount_fen: int


def price(
    lines: Sequence[Line],
    *,
    benefits: Sequence[Benefit],
    member: MemberFacts | None,
    store: StoreFacts,
    purse: Purse,
    terms: Terms,
    wishes: Wishes,
    at: datetime,
    coupons: Mapping[str, QuotedCoupon] = MappingProxyType({}),
    tiers: Mapping[str, TierWords] = MappingProxyType({}),
) -> Priced:
    """What the lines come to. Without a member nothing but rounding makes them cheaper, and nothing is earned.

    `coupons` are those of the benefits, by key. In this order: benefits, points, stored value, rounding. Raises
    `BenefitNotApplicable` for one of the chosen.
    """
    cheaper = _cheaper(lines, benefits, wishes)
    nets = [line.amount_fen - off for line, off in zip(lines, cheaper.line_discounts, strict=True)]
    due_fen = sum(nets)
    points = use(terms.paying, wanted=wishes.points, have=purse.points, bill_fen=due_fen)
    balance = _balance(terms.stored_value, purse, wishes.balance_fen, due_fen - points.fen)
    left_fen = due_fen - points.fen - balance.amount_fen
    # Never to nothing: a bill of 0.99 is not free.
    down_to_fen = terms.rounding.down_to_fen
    rounding_fen = left_fen % down_to_fen if left_fen >= down_to_fen else 0
    rounded = _shared(rounding_fen, nets)
    nets = [net - off for net, off in zip(nets, rounded, strict=True)]
    excluded = _shared(points.fen + balance.bonus_fen, nets)
    earning = _earning(lines, nets, excluded, member, store, terms, at)
    return Priced(
        lines=_quoted_lines(lines, cheaper.told, nets, rounded, excluded, earning),
        benefits=_quoted_benefits(cheaper.told, benefits, coupons, tiers, business_date(at, store.time_zone)),
        complete=cheaper.complete,
        goods_fen=due_fen + cheaper.discount_fen,
        discount_fen=cheaper.discount_fen + rounding_fen,
        rounding_fen=rounding_fen,
        amount_fen=due_fen - rounding_fen,
        points=points,
        balance=balance,
        payable_fen=left_fen - rounding_fen,
        earning=_kept(earning),
        tier=None if member is None else member.tier,
        versions=dict(terms.versions),
    )


def _cheaper(lines: Sequence[Line], benefits: Sequence[Benefit], wishes: Wishes) -> pricing.Priced:
    chosen, refused = frozenset(wishes.benefits), frozenset(wishes.without)
    if not wishes.best:
        refused |= {one.key for one in benefits}
    return pricing.best(lines, benefits, chosen=chosen, refused=refused - chosen)


def _shared(fen: int, nets: Sequence[int]) -> Sequence[int]:
    return share(fen, nets) if fen else [0] * len(nets)


def _quoted_lines(
    lines: Sequence[Line],
    told: Sequence[Told],
    nets: Sequence[int],
    rounded: Sequence[int],
    excluded: Sequence[int],
    earning: Earning | None,
) -> tuple[QuotedLine, ...]:
    return tuple(
        QuotedLine(
            sku=line.sku,
            name=line.name,
            category=line.category,
            quantity=line.quantity,
            unit_price_fen=line.unit_price_fen,
            discounts=_discounts(told, place, rounded[place]),
            discount_fen=line.amount_fen - nets[place],
            excluded_fen=excluded[place],
            points=earning.shares[place] if earning else 0,
        )
        for place, line in enumerate(lines)
    )


def _quoted_benefits(
    told: Sequence[Told],
    benefits: Sequence[Benefit],
    coupons: Mapping[str, QuotedCoupon],
    tiers: Mapping[str, TierWords],
    today: date,
) -> tuple[QuotedBenefit, ...]:
    by_key = {one.key: one for one in benefits}

    def asked(one: Told, language: str) -> str:
        return asks(one.reason, by_key[one.key].conditions, tiers, today=today, language=language)

    return tuple(
        QuotedBenefit(
            name_zh=by_key[one.key].name_zh,
            name_en=by_key[one.key].name_en,
            told=replace(one, line_discounts=()),
            coupon=coupons.get(one.key),
            asks_zh=asked(one, "zh"),
            asks_en=asked(one, "en"),
        )
        for one in told
    )


#: The key under which a line tells what rounding took off it.
ROUNDING = "rounding"


def _discounts(told: Sequence[Told], place: int, rounding_fen: int) -> tuple[LineDiscount, ...]:
    found = [
        LineDiscount(benefit=one.key, discount_fen=one.line_discounts[place])
        for one in told
        if one.applied and one.line_discounts[place]
    ]
    if rounding_fen:
        found.append(LineDiscount(benefit=ROUNDING, discount_fen=rounding_fen))
    return tuple(found)


def _balance(policy: StoredValuePolicy, purse: Purse, wanted_fen: int, due_fen: int) -> QuotedBalance:
    most_fen = min(purse.balance_fen, due_fen)
    spent_fen = min(wanted_fen, most_fen)
    reason: BalanceReason = "none" if not wanted_fen else "used"
    if spent_fen < wanted_fen:
        reason = "bill" if due_fen < purse.balance_fen else "not_enough"
    if not spent_fen:
        return QuotedBalance(principal_fen=0, bonus_fen=0, most_fen=most_fen, reason=reason)
    parts = split(
        spent_fen, principal_fen=purse.principal_fen, bonus_fen=purse.bonus_fen, order=policy.spend_order
    )
    return QuotedBalance(
        principal_fen=parts.principal_fen, bonus_fen=parts.bonus_fen, most_fen=most_fen, reason=reason
    )


def _earning(
    lines: Sequence[Line],
    nets: Sequence[int],
    excluded: Sequence[int],
    member: MemberFacts | None,
    store: StoreFacts,
    terms: Terms,
    at: datetime,
) -> Earning | None:
    """On what is paid with money: nothing for what points and bonus pay."""
    if member is None:
        return None
    earns = [
        _Earns(sku=line.sku, category=line.category, amount_fen=net - off)
        for line, net, off in zip(lines, nets, excluded, strict=True)
    ]
    return earn(rules=terms.earning, lines=earns, member=member, store=store, at=at, taken=terms.taken)


def _kept(earning: Earning | None) -> QuotedEarning:
    if earning is None:
        return QuotedEarning(points=0, rule_id=None, available_at=None, expires_at=None, parts=(), counts=())
    return QuotedEarning(
        points=earning.points,
        rule_id=earning.rule_id,
        available_at=earning.available_at,
        expires_at=earning.expires_at,
        parts=earning.parts,
        counts=earning.counts,
    )
