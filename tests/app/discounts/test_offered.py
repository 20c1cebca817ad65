"""Which rules of discount hold for a member, in a store, at a moment; and the words for it."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from app.discounts import reasons
from app.discounts.benefit import Told
from app.discounts.explain import effect_text, reason_text
from app.discounts.offered import benefits_of
from app.discounts.pricing import Benefit, PercentOff, PerFull, SpecialPrice, best
from app.discounts.rules import DiscountRule, definition_of
from app.points.fitting import MemberFacts, StoreFacts
from app.points.rules import RuleMalformed
from app.texts.words import TEXTS
from tests.app.discounts.pricing_cases import amount, benefit, line, percent
from tests.app.points.rule_making import NOBODY, NOON, SHANGHAI, born

FIVE = {"kind": "percent", "percent_bp": 500}


def rule(number: int, effect: dict[str, Any] = FIVE, *, group: str = "", **definition: Any) -> DiscountRule:
    return DiscountRule(
        id=number,
        rule_no=number,
        version=1,
        name_zh="金卡九五折",
        name_en="Gold: 5% off",
        definition=definition_of({"effect": effect, **definition}),
        priority=0,
        group=group,
        alone=False,
        effective_from=datetime(2030, 1, 1, tzinfo=UTC),
        effective_until=None,
    )


def offered(
    conditions: dict[str, Any], member: MemberFacts | None = NOBODY, store: StoreFacts = SHANGHAI
) -> Benefit:
    [found] = benefits_of([rule(7, conditions=conditions)], member, store, NOON)
    return found


@pytest.mark.parametrize(
    ("conditions", "member", "refusal"),
    [
        ({}, NOBODY, ""),
        ({}, None, "members_only"),
        ({"tiers": ["gold"]}, born(None, "gold"), ""),
        ({"tiers": ["gold"]}, NOBODY, "not_your_tier"),
        ({"stores": [1]}, NOBODY, ""),
        ({"stores": [2]}, NOBODY, "not_here"),
        ({"weekdays": [3]}, NOBODY, ""),
        ({"weekdays": [4]}, NOBODY, "not_now"),
        ({"dates": ["2031-05-14"]}, NOBODY, ""),
        ({"time_of_day": {"from_minute": 0, "until_minute": 60}}, NOBODY, "not_now"),
        ({"birthday": "day"}, born(date(1990, 5, 14)), ""),
        ({"birthday": "day"}, born(date(1990, 5, 15)), "not_birthday"),
        ({"birthday": "month"}, born(date(1990, 5, 1)), ""),
        ({"tiers": ["gold"], "weekdays": [4]}, NOBODY, "not_your_tier"),
    ],
)
def test_a_rule_that_does_not_hold_comes_with_the_reason(
    conditions: dict[str, Any], member: MemberFacts | None, refusal: str
) -> None:
    found = offered(conditions, member)
    assert (found.key, found.refusal) == ("rule:7", refusal)
    priced = best([line(10_000)], [found])
    assert priced.discount_fen == (0 if refusal else 500)
    assert priced.told[0].reason == (refusal or "applied")


def test_a_rule_carries_everything_into_the_price() -> None:
    full = rule(
        1,
        {"kind": "per_full", "every_fen": 10_000, "off_fen": 1_000},
        group="festival",
        conditions={"categories": ["drinks"]},
        at_least_pieces=2,
    )
    [found] = benefits_of([full], NOBODY, SHANGHAI, NOON)
    assert (found.group, found.at_least_pieces) == ("festival", 2)
    bill = [line(10_000, "TEA", "drinks", quantity=2), line(10_000, "CUP", "ware")]
    assert best(bill, [found]).line_discounts == (2_000, 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"effect": {"kind": "percent", "percent_bp": 0}},
        {"effect": {"kind": "percent", "percent_bp": 10_001}},
        {"effect": {"kind": "percent", "percent_bp": 500, "off_fen": 5}},
        {"effect": {"kind": "percent", "percent_bp": 5.5}},
        {"effect": {"kind": "gift"}},
        {"effect": {"kind": "per_full", "every_fen": 100, "off_fen": 101}},
        {"effect": {"kind": "price", "price_fen": -1}},
        {"effect": FIVE, "at_least_fen": -1},
        {"effect": FIVE, "conditions": {"monthdays": [0]}},
        {"effect": FIVE, "conditions": {"moon": 1}},
    ],
)
def test_a_rule_that_does_not_fit_together_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RuleMalformed):
        definition_of(wrong)


@pytest.mark.parametrize(
    ("given", "zh", "en"),
    [
        (percent("a", 500), "打 9.5 折", "5% off"),
        (percent("a", 1_234), "打 8.766 折", "12.34% off"),
        (percent("a", 2_000, at_least_fen=10_000), "满 ¥100.00，打 8 折", "20% off when you spend ¥100.00"),
        (percent("a", 10_000, at_least_pieces=2), "满 2 件，免费", "free when you buy 2 or more"),
        (
            benefit("a", PercentOff(percent_bp=1_000, most_fen=2_000)),
            "打 9 折，最多减 ¥20.00",
            "10% off, at most ¥20.00 off",
        ),
        (
            benefit("a", PercentOff(percent_bp=1_000, most_fen=2_000), at_least_fen=5_000, at_least_pieces=2),
            "满 ¥50.00，满 2 件，打 9 折，最多减 ¥20.00",
            "10% off when you spend ¥50.00 and buy 2 or more, at most ¥20.00 off",
        ),
        (amount("a", 500), "减 ¥5.00", "¥5.00 off"),
        (
            benefit("a", PerFull(every_fen=10_000, off_fen=1_000, most_times=3)),
            "每满 ¥100.00 减 ¥10.00，最多 3 次",
            "¥10.00 off for every ¥100.00, at most 3 times",
        ),
        (benefit("a", SpecialPrice(price_fen=990)), "每件 ¥9.90", "¥9.90 each"),
    ],
)
def test_what_it_takes_off_in_words(given: Benefit, zh: str, en: str) -> None:
    assert (effect_text(given, "zh"), effect_text(given, "en")) == (zh, en)


def test_what_is_missing_in_words() -> None:
    coupon = amount("c", 500, at_least_fen=5_000, at_least_pieces=3)
    names = {"c": "满 50 减 5"}
    [less] = best([line(3_800, quantity=1)], [coupon]).told
    assert reason_text(less, names, "zh") == "再买 2 件且满 ¥12.00 可享“满 50 减 5”"
    [few] = best([line(3_000, quantity=2)], [coupon]).told
    assert reason_text(few, names, "zh") == "再买 1 件可享“满 50 减 5”"
    [cheap] = best([line(1_000, quantity=3)], [coupon]).told
    assert reason_text(cheap, {"c": "¥5 off"}, "en") == "Buy for ¥20.00 more to get ¥5 off"


@pytest.mark.parametrize("reason", reasons.ALL)
def test_every_reason_has_words(reason: str) -> None:
    told = Told(key="a", applied=False, reason=reason, missing_fen=100, missing_pieces=0, other="b")
    for language in ("zh", "en"):
        assert reason_text(told, {}, language)
    assert f"benefit.{reason}" in TEXTS or reason == "below_threshold"


def test_an_offer_for_those_who_hold_stored_value_asks_for_it() -> None:
    holders = rule(1, balance_at_least_fen=10_000)
    for balance_fen, refusal in ((9_999, reasons.BALANCE_TOO_LOW), (10_000, "")):
        [found] = benefits_of([holders], NOBODY, SHANGHAI, NOON, balance_fen=balance_fen)
        assert found.refusal == refusal
