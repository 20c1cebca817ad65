"""Tiers by the calendar: windows, periods, grace, leap days, midnight, and plans that take each other's place."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.clock import HOME_ZONE, business_date
from app.tiers.bought import Bought
from app.tiers.days import counts_from, period_after, period_from
from app.tiers.plan import PlanMalformed, Window, plan_of
from app.tiers.walk import walk
from tests.app.tiers.standing import LEVELS, LONG_AGO, always, at, buy, held, plan, stood, told

D = date


@pytest.mark.parametrize(
    ("window", "day", "first"),
    [
        (Window(kind="days", n=1), D(2030, 3, 1), D(2030, 3, 1)),
        (Window(kind="days", n=30), D(2030, 3, 1), D(2030, 1, 31)),
        (Window(kind="days", n=366), D(2028, 12, 31), D(2028, 1, 1)),
        (Window(kind="months", n=1), D(2030, 3, 31), D(2030, 3, 1)),
        (Window(kind="months", n=1), D(2028, 3, 29), D(2028, 3, 1)),
        (Window(kind="months", n=12), D(2028, 2, 29), D(2027, 3, 1)),
        (Window(kind="months", n=12), D(2029, 2, 28), D(2028, 2, 29)),
        (Window(kind="months", n=12), D(2029, 1, 1), D(2028, 1, 2)),
        (Window(kind="calendar_year"), D(2028, 2, 29), D(2028, 1, 1)),
        (Window(kind="calendar_year"), D(2028, 1, 1), D(2028, 1, 1)),
    ],
)
def test_the_first_day_that_counts(window: Window, day: date, first: date) -> None:
    assert counts_from(window, day) == first


@pytest.mark.parametrize(
    ("window", "day", "period"),
    [
        (Window(kind="days", n=10), D(2030, 1, 1), (D(2030, 1, 2), D(2030, 1, 11))),
        (Window(kind="months", n=1), D(2030, 1, 31), (D(2030, 2, 1), D(2030, 2, 28))),
        (Window(kind="months", n=12), D(2028, 2, 29), (D(2028, 3, 1), D(2029, 2, 28))),
        (Window(kind="months", n=12), D(2027, 2, 28), (D(2027, 3, 1), D(2028, 2, 28))),
        (Window(kind="calendar_year"), D(2027, 12, 31), (D(2028, 1, 1), D(2028, 12, 31))),
    ],
)
def test_the_days_after_a_tier_was_reached(window: Window, day: date, period: tuple[date, date]) -> None:
    assert period_after(window, day) == period


def test_a_period_of_a_year_that_began_late_counts_the_whole_year() -> None:
    assert period_from(Window(kind="calendar_year"), D(2028, 1, 31)) == (D(2028, 1, 1), D(2028, 12, 31))


def test_a_tier_is_reached_by_the_purchase_that_crosses_the_threshold_and_not_a_fen_before() -> None:
    plans, first = always(plan()), buy(D(2030, 1, 1), 99)
    assert stood(plans, [first], D(2030, 1, 1)).changes == ()
    [change] = stood(plans, [first, buy(D(2030, 1, 2), 1)], D(2030, 1, 2)).changes
    assert (change.kind, change.from_tier, change.standing.tier, change.amount) == (
        "upgrade",
        "normal",
        "silver",
        100,
    )
    assert (change.at, change.gift_points) == (at(D(2030, 1, 2), 12), 50)
    assert (change.standing.counts_from, change.standing.valid_through) == (D(2030, 1, 3), D(2030, 1, 12))


def test_one_large_purchase_skips_a_tier_and_its_gift() -> None:
    [change] = stood(always(plan()), [buy(D(2030, 1, 1), 300)], D(2030, 1, 1)).changes
    assert (change.from_tier, change.standing.tier, change.gift_points) == ("normal", "gold", 200)


def test_what_is_older_than_the_window_does_not_count() -> None:
    plans = always(plan())
    tenth, eleventh = ([buy(D(2030, 1, 1), 60), buy(D(2030, 1, day), 40)] for day in (10, 11))
    assert stood(plans, tenth, D(2030, 1, 11)).standing.tier == "silver"
    assert stood(plans, eleventh, D(2030, 1, 11)).standing.tier == "normal"


def test_a_tier_not_earned_again_ends_at_the_chains_midnight() -> None:
    plans, bought = always(plan()), [buy(D(2030, 1, 1), 300), buy(D(2030, 1, 5), 120)]
    midnight = datetime(2030, 1, 11, 16, tzinfo=UTC)  # the 12th begins in Shanghai
    before = walk(plans, bought, until=midnight - timedelta(microseconds=1))
    assert (before.standing.tier, before.next_at) == ("gold", midnight)
    after = walk(plans, bought, until=midnight)
    assert told(after.changes)[-1] == ("demote", "01-12 00:00", "silver", D(2030, 1, 21))
    assert after.changes[-1].amount == 120


def test_a_purchase_in_the_last_second_keeps_the_tier_and_one_in_the_next_comes_too_late() -> None:
    plans, midnight = always(plan()), at(D(2030, 1, 12))
    for moment, kinds in ((midnight - timedelta(seconds=1), ["keep"]), (midnight, ["demote", "upgrade"])):
        last = Bought(moment, business_date(moment, HOME_ZONE), 1, 99, "x")
        bought = [buy(D(2030, 1, 1), 100), buy(D(2030, 1, 8), 1), last]
        assert [one.kind for one in walk(plans, bought, until=midnight).changes[1:]] == kinds


def test_a_tier_earned_again_is_kept_for_the_next_period_and_says_so_at_its_end() -> None:
    bought = [buy(D(2030, 1, 1), 100), buy(D(2030, 1, 3), 100)]
    assert told(stood(always(plan()), bought, D(2030, 1, 22)).changes) == [
        ("upgrade", "01-01 12:00", "silver", D(2030, 1, 11)),
        ("keep", "01-12 00:00", "silver", D(2030, 1, 21)),
        ("demote", "01-22 00:00", "normal", None),
    ]


def test_what_reached_the_tier_does_not_keep_it_as_well() -> None:
    bought = [buy(D(2030, 1, 1), 100, hour=9), buy(D(2030, 1, 1), 100, hour=10)]
    assert stood(always(plan()), bought, D(2030, 1, 12)).standing.tier == "normal"


def test_in_the_grace_the_tier_stands_and_a_purchase_keeps_it_at_once() -> None:
    plans, bought = always(plan(grace_days=5)), [buy(D(2030, 1, 1), 100), buy(D(2030, 1, 9), 30)]
    assert stood(plans, bought, D(2030, 1, 16)).standing.tier == "silver"
    assert told(stood(plans, bought, D(2030, 1, 17)).changes)[-1] == ("demote", "01-17 00:00", "normal", None)
    kept = stood(plans, [*bought, buy(D(2030, 1, 16), 70)], D(2030, 1, 17))
    assert told(kept.changes)[-1] == ("keep", "01-16 12:00", "silver", D(2030, 1, 21))
    assert stood(plans, [*bought, buy(D(2030, 1, 17), 70)], D(2030, 1, 17)).standing.tier == "silver"
    # … but that one came too late to keep: it reached the tier anew, with what the window still held.


def test_by_the_calendar_year_a_tier_lasts_through_the_next_one() -> None:
    plans = always(plan("calendar_year", None, grace_days=31))
    bought = [buy(D(2027, 12, 31), 300), buy(D(2028, 2, 29), 100)]
    assert told(stood(plans, bought, D(2029, 12, 31)).changes) == [
        ("upgrade", "12-31 12:00", "gold", D(2028, 12, 31)),
        ("demote", "02-01 00:00", "silver", D(2029, 12, 31)),
    ]


def test_on_new_years_day_counting_begins_anew() -> None:
    bought = [buy(D(2027, 12, 31), 60, hour=23), buy(D(2028, 1, 1), 60, hour=0)]
    assert stood(always(plan("calendar_year", None)), bought, D(2028, 1, 1)).changes == ()


def test_a_leap_days_tier_ends_on_the_last_of_february() -> None:
    plans = always(plan("months", 12))
    walked = stood(plans, [buy(D(2028, 2, 29), 100)], D(2029, 2, 28))
    assert (walked.standing.tier, walked.standing.valid_through) == ("silver", D(2029, 2, 28))
    assert stood(plans, [buy(D(2028, 2, 29), 100)], D(2029, 3, 1)).standing.tier == "normal"


def test_a_split_bill_is_one_visit_and_other_stores_and_days_are_others() -> None:
    levels = [LEVELS[0], {"code": "silver", "at_least": 3}]
    plans = always(plan(basis="visits", levels=levels))
    day = D(2030, 1, 1)
    split = [buy(day, 10, hour=hour) for hour in range(8, 20)]
    assert stood(plans, split, day).standing.tier == "normal"
    assert stood(plans, [*split, buy(day, 0, store=2), buy(day, 0, store=3)], day).standing.tier == "normal"
    assert stood(plans, [*split, buy(day, 1, store=2), buy(day, 1, store=3)], day).standing.tier == "silver"


def test_growth_value_is_rounded_down_for_each_purchase() -> None:
    growth = {"per_yuan_bp": 15_000, "per_visit": 2}
    levels = [LEVELS[0], {"code": "silver", "at_least": 7}]
    plans, day = always(plan(basis="growth", growth=growth, levels=levels)), D(2030, 1, 1)
    assert (
        stood(plans, [buy(day, 199, hour=9), buy(day, 199, hour=10)], day).standing.tier == "normal"
    )  # 2 + 2 + 2
    walked = stood(plans, [buy(day, 199, hour=9), buy(day, 200, hour=10)], day)
    assert (walked.standing.tier, walked.changes[0].amount) == ("silver", 7)


def test_points_that_are_spent_lower_no_tier() -> None:
    """A tier looks at what was bought; a balance of points is nowhere in it."""
    assert set(Bought.__dataclass_fields__) == {"at", "day", "store_id", "amount_fen", "sale_id", "void"}


def test_a_plan_that_asks_for_less_lifts_members_as_it_begins_and_one_that_asks_for_more_waits() -> None:
    dear = plan(levels=[LEVELS[0], {"code": "silver", "at_least": 200}, {"code": "gold", "at_least": 900}])
    bought = [buy(D(2030, 1, 1), 150)]
    assert told(stood(held((LONG_AGO, dear), (D(2030, 1, 3), plan())), bought, D(2030, 1, 3)).changes) == [
        ("upgrade", "01-03 00:00", "silver", D(2030, 1, 13))
    ]
    later = held((LONG_AGO, plan()), (D(2030, 1, 3), dear))
    again = [*bought, buy(D(2030, 1, 4), 150)]
    assert stood(later, again, D(2030, 1, 11)).standing.tier == "silver"
    assert stood(later, again, D(2030, 1, 12)).standing.tier == "normal"


def test_who_is_in_a_tier_that_a_plan_drops_goes_where_they_belong() -> None:
    plans = held((LONG_AGO, plan()), (D(2030, 1, 3), plan(levels=LEVELS[:2])))
    walked = stood(plans, [buy(D(2030, 1, 1), 300)], D(2030, 1, 3))
    assert told(walked.changes)[-1] == ("plan", "01-03 00:00", "silver", D(2030, 1, 13))


def test_of_the_plans_that_have_begun_the_highest_version_holds() -> None:
    plans = held((D(2030, 1, 1), plan()), (D(2030, 3, 1), plan(n=20)), (D(2030, 2, 1), plan(n=30)))
    assert [one.version for one in plans.in_turn] == [1, 3]
    assert plans.at(at(D(2029, 12, 31))) is None


def test_before_the_first_plan_nothing_is_reached_and_as_it_begins_the_past_counts() -> None:
    plans = held((D(2030, 1, 5), plan()))
    assert stood(plans, [buy(D(2030, 1, 1), 300)], D(2030, 1, 4)).changes == ()
    assert stood(plans, [buy(D(2030, 1, 1), 300)], D(2030, 1, 5)).standing.tier == "gold"


@pytest.mark.parametrize(
    "change",
    [
        {"levels": []},
        {"levels": LEVELS[1:]},
        {"levels": [LEVELS[0], LEVELS[2], LEVELS[1]]},
        {"levels": [*LEVELS, LEVELS[2] | {"at_least": 900}]},
        {"levels": [LEVELS[0] | {"gift_points": 1}]},
        {"levels": [LEVELS[0], {"code": "Silver ", "at_least": 1}]},
        {"window": {"kind": "days", "n": None}},
        {"window": {"kind": "days", "n": 0}},
        {"window": {"kind": "months", "n": 61}},
        {"window": {"kind": "calendar_year", "n": 1}},
        {"grace_days": 10},
        {"grace_days": -1},
        {"basis": "points"},
        {"basis": "growth", "growth": {"per_yuan_bp": 0, "per_visit": 0}},
        {"discount_bp": 500},
    ],
)
def test_what_is_no_plan_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(PlanMalformed):
        plan_of({"basis": "spend", "window": {"kind": "days", "n": 10}, "levels": LEVELS, **change})
