"""Thirty benefits, as a chain may have them: by tier, category, product and sum, some that exclude others.

Twenty are rules of discount, ten are coupons that the member holds (bench/coupons.py).
"""

from app import clock
from app.audit import OPERATOR
from app.discounts import change
from app.discounts.change import Draft
from app.discounts.effects import AmountOff, PercentOff, PerFull, RuleEffect, SpecialPrice
from app.discounts.rules import Definition
from app.points.rules import Conditions
from app.stores.setup import open_store

#: The tier of the members who spend.
TIER = "gold"
#: What the rules take off for each tier.
TIERS = {"silver": 200, TIER: 500, "diamond": 800, "black": 1_200}
CATEGORIES = ("乳品", "烘焙", "茶饮", "零食", "水果", "日化", "酒水", "粮油")
ALL_DAYS = frozenset(range(1, 8))


def lines_of(count: int) -> list[dict[str, object]]:
    """A bill of so many lines, of all categories in turn; 20 come to some 700 yuan."""
    return [
        {
            "sku": f"69012345678{number:02}",
            "name": f"有机纯牛奶 250ml×{number + 1}",
            "category": CATEGORIES[number % len(CATEGORIES)],
            "quantity": 1 + number % 3,
            "unit_price_fen": 690 + 130 * number,
        }
        for number in range(count)
    ]


def add_rules() -> int:
    """Make the rules; how many there are."""
    drafts = [
        *_of_tiers(),
        *_of_days(),
        *_of_sums(),
        *_of_products(),
        _elsewhere(),
    ]
    for draft in drafts:
        change.create(draft=draft, actor=OPERATOR, now=clock.now())
    return len(drafts)


def as_coupons() -> list[Draft]:
    """Those that are coupons."""
    return [*_of_categories(), *_alone()]


def _rule(
    name: str,
    effect: RuleEffect,
    conditions: Conditions | None = None,
    *,
    at_least_fen: int = 0,
    at_least_pieces: int = 0,
    priority: int = 0,
    group: str = "",
    alone: bool = False,
) -> Draft:
    definition = Definition(
        effect=effect,
        conditions=conditions or Conditions(),
        at_least_fen=at_least_fen,
        at_least_pieces=at_least_pieces,
    )
    return Draft(
        name_zh=name, name_en=name, definition=definition, priority=priority, group=group, alone=alone
    )


def _of_tiers() -> list[Draft]:
    return [
        _rule(
            f"{tier} 会员折扣",
            PercentOff(percent_bp=bp),
            Conditions(tiers=frozenset({tier})),
            group="tier",
            priority=10,
        )
        for tier, bp in TIERS.items()
    ]


def _of_days() -> list[Draft]:
    """Every day is the member day, or a figure would depend on the day it was taken."""
    return [
        _rule(
            "会员日全场 97 折",
            PercentOff(percent_bp=300, most_fen=5_000),
            Conditions(weekdays=ALL_DAYS),
            priority=5,
        ),
        _rule(
            "会员日茶饮每满 50 减 5",
            PerFull(every_fen=5_000, off_fen=500, most_times=3),
            Conditions(weekdays=ALL_DAYS, categories=frozenset({"茶饮"})),
            priority=5,
        ),
        _rule("生日月九折", PercentOff(percent_bp=1_000), Conditions(birthday="month"), priority=5),
    ]


def _of_categories() -> list[Draft]:
    return [
        _rule(
            f"{category}第二件折扣" if number % 2 else f"{category}满减",
            PercentOff(percent_bp=400 + 100 * number) if number % 2 else AmountOff(off_fen=300 + 50 * number),
            Conditions(categories=frozenset({category})),
            at_least_pieces=2 if number % 2 else 0,
            at_least_fen=0 if number % 2 else 3_000,
        )
        for number, category in enumerate(CATEGORIES)
    ]


def _of_sums() -> list[Draft]:
    steps = {9_900: 800, 19_900: 2_000, 29_900: 3_500, 39_900: 5_000, 59_900: 8_000, 99_900: 15_000}
    return [
        _rule(
            f"满 {least // 100} 减 {off // 100}",
            AmountOff(off_fen=off),
            at_least_fen=least,
            group="full",
            priority=-10,
        )
        for least, off in steps.items()
    ]


def _of_products() -> list[Draft]:
    return [
        _rule(
            f"会员价 {number}",
            SpecialPrice(price_fen=600 + 120 * number),
            Conditions(products=frozenset({f"69012345678{number:02}"})),
            priority=20,
        )
        for number in range(0, 12, 2)
    ]


def _alone() -> list[Draft]:
    return [
        _rule("全场八八折，不与其他优惠同享", PercentOff(percent_bp=1_200), alone=True),
        _rule("满 500 减 60，不与其他优惠同享", AmountOff(off_fen=6_000), at_least_fen=50_000, alone=True),
    ]


def _elsewhere() -> Draft:
    store = open_store(
        code="ELSEWHERE", name="南京路店", time_zone="Asia/Shanghai", actor=OPERATOR, now=clock.now()
    )
    return _rule("南京路店庆", PercentOff(percent_bp=1_500), Conditions(stores=frozenset({store.id})))
