"""What a purchase earns under several rules: exact, whole, explained, and shared out to the last point."""

from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import clock
from app.checkout.bill import Line
from app.points.lots import ends_at
from app.points.rules import Expiry, Rule, RuleSet
from tests.app.points.rule_making import NOON, buy, double, extra, line, rule

MOST_FEN = 1_000_000_000
FEN = st.integers(0, MOST_FEN)
LINES = st.lists(
    st.builds(line, FEN, st.sampled_from(["A", "B", ""]), st.sampled_from(["x", ""])), min_size=1, max_size=8
)
CONDITIONS = st.sampled_from(
    [{}, {"products": ["A"]}, {"categories": ["x"]}, {"stores": [1]}, {"stores": [2]}]
)
CAPS = st.sampled_from([{}, {"per_sale": 50}, {"per_day": 80}, {"per_sale": 9, "per_day": 5}])


@st.composite
def bonuses(draw: st.DrawFn, first: int = 10, stacking: Any = None) -> list[Rule]:
    """A few multipliers and extras of all sorts."""
    found = []
    for number in range(first, first + draw(st.integers(0, 4))):
        options: dict[str, Any] = {
            "conditions": draw(CONDITIONS),
            "caps": draw(CAPS),
            "stacking": stacking or draw(st.sampled_from(["add", "best"])),
            "priority": draw(st.integers(-2, 2)),
        }
        if draw(st.booleans()):
            found.append(double(number, factor_bp=draw(st.integers(10_001, 1_000_000)), **options))
        else:
            found.append(extra(number, draw(st.integers(1, 1_000_000)), **options))
    return found


@st.composite
def bases(draw: st.DrawFn) -> list[Rule]:
    return [
        rule(
            number,
            rate_bp=draw(st.integers(0, 1_000_000)),
            conditions=draw(CONDITIONS),
            caps=draw(CAPS),
            priority=draw(st.integers(-2, 2)),
        )
        for number in range(1, 1 + draw(st.integers(1, 3)))
    ]


@given(bases(), bonuses(), LINES, st.dictionaries(st.integers(1, 14), st.integers(0, 100)))
def test_shares_and_reasons_sum_to_the_points(
    plain: list[Rule], more: list[Rule], lines: list[Line], taken: dict[int, int]
) -> None:
    earning = buy([*plain, *more], *lines, taken=taken)
    assert sum(earning.shares) == sum(part.points for part in earning.parts) == earning.points
    assert len(earning.shares) == len(lines)
    assert min(earning.shares) >= 0
    for part in earning.parts:
        assert part.text("zh")
        assert part.text("en").isascii() or "¥" in part.text("en")


@given(bases(), bonuses(), bonuses(first=20, stacking="add"), LINES)
def test_more_rules_that_add_up_never_give_less(
    plain: list[Rule], some: list[Rule], more: list[Rule], lines: list[Line]
) -> None:
    assert buy([*plain, *some, *more], *lines).points >= buy([*plain, *some], *lines).points


@given(bases(), bonuses(stacking="best"), LINES, st.dictionaries(st.integers(10, 14), st.integers(0, 100)))
def test_of_rules_that_do_not_add_up_the_one_that_gives_most_counts(
    plain: list[Rule], best: list[Rule], lines: list[Line], taken: dict[int, int]
) -> None:
    alone = [buy([*plain, one], *lines, taken=taken).points for one in best]
    together = buy([*plain, *best], *lines, taken=taken)
    assert together.points == max(alone, default=buy(plain, *lines).points)
    assert sum(part.kind != "base" for part in together.parts) <= 1


@given(st.integers(0, 1_000_000), st.integers(10_001, 1_000_000), LINES)
def test_each_rule_is_rounded_down_once_from_the_exact_fraction(
    rate_bp: int, factor_bp: int, lines: list[Line]
) -> None:
    exact = Fraction(sum(one.amount_fen for one in lines) * rate_bp, 100 * 10_000)
    more = exact * (Fraction(factor_bp, 10_000) - 1)
    earning = buy([rule(1, rate_bp=rate_bp), double(2, factor_bp=factor_bp)], *lines)
    assert earning.points == exact.__floor__() + more.__floor__()


@given(bases(), bonuses(), LINES)
def test_no_rule_gives_more_than_its_limits(plain: list[Rule], more: list[Rule], lines: list[Line]) -> None:
    rules = {one.rule_no: one for one in [*plain, *more]}
    taken = dict.fromkeys(rules, 3)
    for part in buy(list(rules.values()), *lines, taken=taken).parts:
        caps = rules[part.rule_no].definition.caps
        assert caps.per_sale is None or part.points <= caps.per_sale
        assert caps.per_day is None or part.points <= caps.per_day - 3


def test_double_points_on_one_line_are_on_that_line() -> None:
    earning = buy([rule(1), double(2, conditions={"products": ["A"]})], line(1_000, "A"), line(9_000, "B"))
    assert (earning.points, earning.shares) == (110, (20, 90))
    assert [(part.rule_no, part.points, part.amount_fen) for part in earning.parts] == [
        (1, 100, 10_000),
        (2, 10, 1_000),
    ]


def test_each_line_earns_by_one_base_rule_the_first_by_priority_store_and_age() -> None:
    brand, store = rule(3, rate_bp=10_000), rule(1, rate_bp=20_000, conditions={"stores": [1]})
    newer = rule(4, rate_bp=30_000)
    tea = rule(2, rate_bp=50_000, conditions={"products": ["A"]}, priority=1)
    assert buy([brand, newer]).points == 300
    assert buy([brand, newer, store]).points == 200
    assert buy([brand, newer, store, tea], line(5_000, "A"), line(5_000)).shares == (250, 100)


def test_without_a_base_rule_nothing_is_earned() -> None:
    earning = buy([extra(1, 5), double(2)])
    assert (earning.points, earning.shares, earning.rule_id, earning.parts) == (0, (0,), None, ())


def test_a_rate_of_zero_takes_goods_out_and_is_told() -> None:
    none = rule(2, rate_bp=0, conditions={"products": ["GIFT-CARD"]}, priority=9)
    earning = buy([rule(1), none, double(3)], line(10_000, "GIFT-CARD"), line(5_000))
    assert earning.shares == (0, 100)
    assert [(part.rule_no, part.points) for part in earning.parts] == [(2, 0), (1, 50), (3, 50)]


def test_nothing_is_given_for_nothing() -> None:
    assert buy([rule(1), extra(2, 100)], line(0)).points == 0
    assert buy([rule(1), extra(2, 100)], line(1)).points == 100


def test_limits_cut_the_rule_and_say_so() -> None:
    rules = [rule(1), double(2, caps={"per_sale": 60}), extra(3, 50, caps={"per_day": 70})]
    first = buy(rules)
    assert [(part.points, part.cap) for part in first.parts] == [(100, ""), (60, "sale"), (50, "")]
    assert [(count.rule_no, count.points, count.most) for count in first.counts] == [(3, 50, 70)]
    second = buy(rules, taken={3: 50})
    assert [(part.points, part.cap) for part in second.parts] == [(100, ""), (60, "sale"), (20, "day")]
    third = buy(rules, taken={3: 70})
    assert [(part.points, part.cap) for part in third.parts] == [(100, ""), (60, "sale"), (0, "day")]
    assert third.counts == ()


def test_the_better_rule_gives_way_once_its_limit_is_used_up() -> None:
    better = double(2, factor_bp=30_000, stacking="best", caps={"per_day": 250})
    lesser = double(3, stacking="best")
    assert [part.rule_no for part in buy([rule(1), better, lesser]).parts] == [1, 2]
    assert [part.rule_no for part in buy([rule(1), better, lesser], taken={2: 200}).parts] == [1, 3]


@pytest.mark.parametrize(
    ("definition", "zh", "en"),
    [
        ({}, "¥123.45 每元积 1 分，得 123 分", "¥123.45 at 1 point per yuan: 123"),
        ({"rate_bp": 15_000}, "¥123.45 每元积 1.5 分，得 185 分", "¥123.45 at 1.5 points per yuan: 185"),
        (
            {"caps": {"per_sale": 7}},
            "¥123.45 每元积 1 分，得 7 分（已达单笔上限）",
            "¥123.45 at 1 point per yuan: 7 (the most for one sale)",
        ),
    ],
)
def test_reasons_are_told_in_both_languages(definition: dict[str, Any], zh: str, en: str) -> None:
    [part] = buy([rule(1, **definition)], line(12_345)).parts
    assert (part.name("zh"), part.text("zh")) == ("规则1", zh)
    assert (part.name("en"), part.text("en")) == ("Rule 1", en)


# How long points last


@pytest.mark.parametrize(
    ("expiry", "day", "last"),
    [
        ({"kind": "days", "n": 1}, date(2031, 2, 28), date(2031, 3, 1)),
        ({"kind": "months", "n": 1}, date(2031, 1, 31), date(2031, 2, 28)),
        ({"kind": "months", "n": 1}, date(2032, 1, 31), date(2032, 2, 29)),
        ({"kind": "months", "n": 12}, date(2032, 2, 29), date(2033, 2, 28)),
        ({"kind": "months", "n": 11}, date(2031, 1, 15), date(2031, 12, 15)),
        ({"kind": "months", "n": 12}, date(2031, 12, 31), date(2032, 12, 31)),
        ({"kind": "end_of_year"}, date(2031, 1, 1), date(2031, 12, 31)),
        ({"kind": "end_of_year"}, date(2031, 12, 31), date(2031, 12, 31)),
        ({"kind": "end_of_next_year"}, date(2031, 12, 31), date(2032, 12, 31)),
    ],
)
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York", "Pacific/Apia"])
def test_points_last_through_the_last_whole_day_of_the_store(
    expiry: dict[str, Any], day: date, last: date, zone: str
) -> None:
    end = ends_at(Expiry(**expiry), day, zone)
    assert end is not None
    assert clock.business_date(end, zone) > last
    assert clock.business_date(end - NOON.resolution, zone) == last


def test_pending_points_wait_for_a_midnight_and_end_no_sooner() -> None:
    waiting = buy([rule(1, pending_days=7, expiry={"kind": "days", "n": 1})])
    assert waiting.available_at == datetime(2031, 5, 20, 16, tzinfo=UTC)
    assert waiting.expires_at == datetime(2031, 5, 22, 16, tzinfo=UTC)
    late = buy(
        [rule(1, pending_days=7, expiry={"kind": "end_of_year"})], at=datetime(2031, 12, 30, tzinfo=UTC)
    )
    assert late.available_at is not None
    assert late.expires_at is not None
    assert late.expires_at > late.available_at


def test_the_base_rule_that_gives_most_decides_how_long_all_points_last() -> None:
    long, short = (
        rule(1, conditions={"products": ["A"]}, expiry={"kind": "end_of_next_year"}, priority=1),
        rule(2, expiry={"kind": "days", "n": 30}),
    )
    assert buy([long, short], line(600, "A"), line(500)).rule_id == 1
    assert buy([long, short], line(400, "A"), line(500)).rule_id == 2


# Which version holds


def test_of_the_versions_that_have_begun_the_highest_holds_until_it_ends() -> None:
    hours = [datetime(2031, 1, 1, hour, tzinfo=UTC) for hour in range(8)]

    def version(number: int, begins: int, ends: int | None) -> Rule:
        whole = rule(number)
        return Rule(
            **{
                **{name: getattr(whole, name) for name in whole.__dataclass_fields__},
                "rule_no": 1,
                "version": number,
                "effective_from": hours[begins],
                "effective_until": None if ends is None else hours[ends],
            }
        )

    rules = RuleSet([version(1, 1, None), version(2, 5, None), version(3, 3, 4), version(4, 6, 6)])
    held = [[one.version for one in rules.in_force(at)] for at in hours]
    assert held == [[], [1], [1], [3], [], [], [], []]
    assert held == [[one.version for one in rules.in_force(at)] for at in hours], "asked again"
