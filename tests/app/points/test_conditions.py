"""Each condition of a rule by itself, at its edges, by the clock and calendar of the store."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from app.clock import zone
from app.points.fitting import StoreFacts
from app.points.rules import RuleMalformed, definition_of
from tests.app.points.rule_making import NOON, SHANGHAI, born, buy, double, extra, line, rule

US = timedelta(microseconds=1)


def fits(at: datetime = NOON, *, born_on: date | None = None, **conditions: Any) -> bool:
    """Whether a doubling with these conditions counts."""
    return buy([rule(1), double(2, conditions=conditions)], at=at, member=born(born_on)).points == 200


def shanghai(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=zone("Asia/Shanghai")).astimezone(UTC)  # type: ignore[arg-type,misc]


def test_a_rule_without_conditions_always_counts() -> None:
    assert fits()


@pytest.mark.parametrize(("stores", "counts"), [([1], True), ([2], False), ([2, 1], True)])
def test_stores(stores: list[int], counts: bool) -> None:
    assert fits(stores=stores) is counts


@pytest.mark.parametrize(("tier", "points"), [("gold", 200), ("normal", 100), ("", 100)])
def test_tiers(tier: str, points: int) -> None:
    rules = [rule(1), double(2, conditions={"tiers": ["gold", "black"]})]
    assert buy(rules, member=born(None, tier)).points == points


@pytest.mark.parametrize(
    ("conditions", "points"),
    [
        ({"products": ["TEA"]}, 300 + 100),
        ({"categories": ["drinks"]}, 300 + 150),
        ({"products": ["TEA", "CUP"]}, 300 + 250),
        ({"products": ["TEA", "CUP"], "categories": ["drinks"]}, 300 + 100),
        ({"products": ["NONE"]}, 300),
    ],
)
def test_products_and_categories_choose_lines(conditions: dict[str, Any], points: int) -> None:
    lines = line(10_000, "TEA", "drinks"), line(5_000, "ICE", "drinks"), line(15_000, "CUP")
    earning = buy([rule(1), double(2, conditions=conditions)], *lines)
    assert earning.points == points
    assert sum(earning.shares) == points


@pytest.mark.parametrize(
    ("weekdays", "at", "counts"),
    [
        ([3], shanghai(2031, 5, 14), True),
        ([3], shanghai(2031, 5, 14) - US, False),
        ([3], shanghai(2031, 5, 15) - US, True),
        ([3], shanghai(2031, 5, 15), False),
        ([7], shanghai(2031, 5, 18, 23, 59), True),
        ([1, 7], shanghai(2031, 5, 19), True),
    ],
)
def test_weekdays_are_the_stores(weekdays: list[int], at: datetime, counts: bool) -> None:
    assert fits(at, weekdays=weekdays) is counts


@pytest.mark.parametrize(
    ("monthdays", "day", "counts"),
    [
        ([18], (2031, 5, 18), True),
        ([18], (2031, 5, 19), False),
        ([-1], (2031, 2, 28), True),
        ([-1], (2032, 2, 28), False),
        ([-1], (2032, 2, 29), True),
        ([-1], (2031, 4, 30), True),
        ([31], (2031, 4, 30), False),
        ([31, -1], (2031, 4, 30), True),
        ([31], (2031, 12, 31), True),
    ],
)
def test_days_of_the_month_and_its_last(
    monthdays: list[int], day: tuple[int, int, int], counts: bool
) -> None:
    assert fits(shanghai(*day), monthdays=monthdays) is counts


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        (shanghai(2031, 11, 11) - US, False),
        (shanghai(2031, 11, 11), True),
        (shanghai(2031, 11, 12) - US, True),
        (shanghai(2031, 11, 12), False),
        (shanghai(2032, 11, 11), False),
    ],
)
def test_dates_run_from_midnight_to_midnight_of_the_store(at: datetime, counts: bool) -> None:
    assert fits(at, dates=["2031-11-11"]) is counts


@pytest.mark.parametrize(
    ("birthday", "what", "day", "counts"),
    [
        (None, "day", (2031, 5, 14), False),
        (None, "month", (2031, 5, 14), False),
        (date(1990, 5, 14), "day", (2031, 5, 14), True),
        (date(1990, 5, 15), "day", (2031, 5, 14), False),
        (date(1990, 5, 31), "month", (2031, 5, 1), True),
        (date(1990, 6, 1), "month", (2031, 5, 31), False),
        (date(1992, 2, 29), "day", (2032, 2, 29), True),
        (date(1992, 2, 29), "day", (2032, 2, 28), False),
        (date(1992, 2, 29), "day", (2031, 2, 28), True),
        (date(1992, 2, 29), "day", (2031, 3, 1), False),
        (date(1991, 2, 28), "day", (2032, 2, 29), False),
        (date(1992, 2, 29), "month", (2031, 2, 1), True),
        (date(1992, 2, 29), "month", (2031, 3, 1), False),
    ],
)
def test_birthdays_also_on_29_february(
    birthday: date | None, what: str, day: tuple[int, int, int], counts: bool
) -> None:
    assert fits(shanghai(*day), born_on=birthday, birthday=what) is counts


@pytest.mark.parametrize(
    ("hours", "at", "counts"),
    [
        ((14 * 60, 17 * 60), (13, 59, 59), False),
        ((14 * 60, 17 * 60), (14, 0, 0), True),
        ((14 * 60, 17 * 60), (16, 59, 59), True),
        ((14 * 60, 17 * 60), (17, 0, 0), False),
        ((22 * 60, 2 * 60), (21, 59, 59), False),
        ((22 * 60, 2 * 60), (22, 0, 0), True),
        ((22 * 60, 2 * 60), (0, 0, 0), True),
        ((22 * 60, 2 * 60), (1, 59, 59), True),
        ((22 * 60, 2 * 60), (2, 0, 0), False),
        ((18 * 60, 0), (23, 59, 59), True),
        ((18 * 60, 0), (0, 0, 0), False),
    ],
)
def test_hours_may_cross_midnight(hours: tuple[int, int], at: tuple[int, int, int], counts: bool) -> None:
    asked = {"from_minute": hours[0], "until_minute": hours[1]}
    assert fits(shanghai(2031, 5, 14, *at), time_of_day=asked) is counts


@pytest.mark.parametrize(
    ("at", "counts"),
    [
        # 9 March 2031 in New York: the clock jumps from 2 to 3. The hour between is not on the wall.
        (datetime(2031, 3, 9, 6, 59, tzinfo=UTC), False),
        (datetime(2031, 3, 9, 7, 0, tzinfo=UTC), False),
        # 2 November 2031: 1 to 2 o'clock comes twice, and counts twice.
        (datetime(2031, 11, 2, 5, 30, tzinfo=UTC), False),
        (datetime(2031, 11, 2, 7, 30, tzinfo=UTC), True),
    ],
)
def test_hours_are_those_on_the_wall_when_the_clock_changes(at: datetime, counts: bool) -> None:
    new_york = StoreFacts(id=1, time_zone="America/New_York")
    hours = {"time_of_day": {"from_minute": 120, "until_minute": 180}}
    assert (buy([rule(1), double(2, conditions=hours)], at=at, store=new_york).points == 200) is counts


def test_one_moment_is_another_day_in_another_zone() -> None:
    at = datetime(2031, 5, 14, 16, 30, tzinfo=UTC)  # Thursday in Shanghai, Wednesday in New York
    rules = [rule(1), double(2, conditions={"weekdays": [4]})]
    assert buy(rules, at=at, store=SHANGHAI).points == 200
    assert buy(rules, at=at, store=StoreFacts(id=1, time_zone="America/New_York")).points == 100


def test_all_conditions_must_be_so() -> None:
    both = {"weekdays": [3], "stores": [1]}
    assert fits(**both)
    assert not fits(**{**both, "stores": [2]})
    assert not fits(shanghai(2031, 5, 15), **both)


def test_a_rule_for_top_ups_is_not_for_sales() -> None:
    rules = [rule(1), rule(2, applies_to="top_up"), double(3, applies_to="top_up"), extra(4, 7)]
    assert buy(rules).points == 107
    assert buy(rules, applies_to="top_up").points == 200


@pytest.mark.parametrize(
    ("kind", "definition"),
    [
        ("base", {}),
        ("base", {"rate_bp": -1}),
        ("base", {"rate_bp": 1_000_001}),
        ("base", {"rate_bp": 1.5}),
        ("base", {"rate_bp": True}),
        ("base", {"rate_bp": 1, "factor_bp": 2}),
        ("base", {"rate_bp": 1, "pending_days": 367}),
        ("base", {"rate_bp": 1, "expiry": {"kind": "days"}}),
        ("base", {"rate_bp": 1, "expiry": {"kind": "days", "n": 0}}),
        ("base", {"rate_bp": 1, "expiry": {"kind": "months", "n": 121}}),
        ("base", {"rate_bp": 1, "expiry": {"kind": "never", "n": 1}}),
        ("base", {"rate_bp": 1, "expiry": {"kind": "sometime"}}),
        ("multiplier", {"factor_bp": 10_000}),
        ("multiplier", {"factor_bp": 1_000_001}),
        ("extra", {"points": 0}),
        ("extra", {"points": 1, "caps": {"per_day": 0}}),
        ("extra", {"points": 1, "caps": {"per_week": 1}}),
        ("extra", {"points": 1, "conditions": {"moon": "full"}}),
        ("extra", {"points": 1, "conditions": {"stores": []}}),
        ("extra", {"points": 1, "conditions": {"weekdays": [0]}}),
        ("extra", {"points": 1, "conditions": {"weekdays": [8]}}),
        ("extra", {"points": 1, "conditions": {"monthdays": [0]}}),
        ("extra", {"points": 1, "conditions": {"monthdays": [32]}}),
        ("extra", {"points": 1, "conditions": {"dates": ["2031-02-29"]}}),
        ("extra", {"points": 1, "conditions": {"birthday": "year"}}),
        ("extra", {"points": 1, "conditions": {"products": ["x" * 65]}}),
        ("extra", {"points": 1, "conditions": {"products": [f"{n}" for n in range(201)]}}),
        ("extra", {"points": 1, "conditions": {"time_of_day": {"from_minute": 60, "until_minute": 60}}}),
        ("extra", {"points": 1, "conditions": {"time_of_day": {"from_minute": 0, "until_minute": 1_440}}}),
    ],
)
def test_definitions_that_make_no_sense_are_refused(kind: Any, definition: dict[str, Any]) -> None:
    with pytest.raises(RuleMalformed):
        definition_of(kind, definition)
