"""Checking in: a day once, rewards by days in a row, missed days made up within limits."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from app import clock, db
from app.engagement import check_in as story
from app.engagement.activity import Activity, ActivityNotOpen, ActivityUsedUp, one
from app.engagement.calendar import calendar
from app.engagement.check_in import AlreadyCheckedIn, CannotMakeUp, CheckedIn, MakeUpsUsedUp
from app.errors import NotFound
from app.ledger.post import NotEnough
from app.texts import refusal_text
from app.texts.errors import ERRORS
from tests.app.engagement.offering import asked, live
from tests.conftest import rows
from tests.coupons import live_template
from tests.racing import race
from tests.shop import Phone, Shop

#: Noon on the tenth of a month, at home.
NOON = datetime(2031, 3, 10, 4, tzinfo=UTC)
DAY = timedelta(days=1)
THREE = [{"points": 1}, {"points": 2}, {"points": 10}]


def monthly(**what: object) -> Activity:
    return live("check_in", now=NOON - 40 * DAY, **{"days": THREE, "make_ups_a_month": 2} | what)


def check_in(activity: Activity, phone: Phone, at: datetime, key: str | None = None) -> CheckedIn:
    request = asked(phone.member_id, key or f"in-{at}")
    return story.check_in(member_id=phone.member_id, activity_id=activity.id, request=request, now=at)


def make_up(activity: Activity, phone: Phone, day: date, at: datetime = NOON) -> CheckedIn:
    request = asked(phone.member_id, f"up-{day}-{at}")
    return story.make_up(member_id=phone.member_id, activity_id=activity.id, day=day, request=request, now=at)


def test_days_in_a_row_give_more_and_then_begin_again(shop: Shop, engine: Engine) -> None:
    activity, phone = monthly(), shop.member()
    given = [check_in(activity, phone, NOON + n * DAY) for n in range(4)]
    assert [(one.streak, one.cycle_day, one.points) for one in given] == [
        (1, 1, 1),
        (2, 2, 2),
        (3, 3, 10),
        (4, 1, 1),
    ]
    after_a_gap = check_in(activity, phone, NOON + 5 * DAY)
    assert (after_a_gap.streak, after_a_gap.points) == (1, 1)


def test_the_day_is_the_chains(shop: Shop, engine: Engine) -> None:
    activity, phone = monthly(), shop.member()
    late = datetime(2031, 3, 10, 15, 59, tzinfo=UTC)  # one minute to midnight at home
    assert check_in(activity, phone, late).day == date(2031, 3, 10)
    assert check_in(activity, phone, late + timedelta(minutes=1)).day == date(2031, 3, 11)


def test_a_day_counts_once_and_a_key_is_answered_again(shop: Shop, engine: Engine) -> None:
    activity, phone = monthly(), shop.member()
    first = check_in(activity, phone, NOON, "k")
    assert check_in(activity, phone, NOON, "k") == first
    with pytest.raises(AlreadyCheckedIn):
        check_in(activity, phone, NOON, "other")


def test_a_missed_day_that_is_made_up_mends_the_row(shop: Shop, engine: Engine) -> None:
    activity, phone = monthly(), shop.member()
    check_in(activity, phone, NOON - 2 * DAY)
    mended = make_up(activity, phone, date(2031, 3, 9))
    assert (mended.streak, mended.points) == (2, 0)
    assert check_in(activity, phone, NOON).streak == 3
    shown = calendar(member_id=phone.member_id, month=None, now=NOON)
    assert shown is not None
    assert [(one.day.day, one.made_up) for one in shown.days] == [(8, False), (9, True), (10, False)]
    assert (shown.streak, shown.next_day, shown.checked_in_today, shown.make_ups_left) == (3, 1, True, 1)


def test_what_cannot_be_made_up(shop: Shop, engine: Engine) -> None:
    activity, phone = monthly(), shop.member()
    for day in (date(2031, 3, 10), date(2031, 3, 11), date(2031, 2, 28)):
        with pytest.raises(CannotMakeUp) as refused:
            make_up(activity, phone, day)
        for language in ("zh", "en"):
            why = refusal_text("cannot_make_up", refused.value.data, language)
            assert why not in ERRORS["cannot_make_up"]
    make_up(activity, phone, date(2031, 3, 1))
    with pytest.raises(AlreadyCheckedIn):
        make_up(activity, phone, date(2031, 3, 1), NOON + DAY)
    make_up(activity, phone, date(2031, 3, 2))
    with pytest.raises(MakeUpsUsedUp):
        make_up(activity, phone, date(2031, 3, 3))
    new = live("check_in", now=NOON, days=THREE, make_ups_a_month=3)
    with pytest.raises(CannotMakeUp):
        make_up(new, phone, date(2031, 3, 9))


def test_making_up_may_cost_points(shop: Shop, engine: Engine) -> None:
    activity, phone = monthly(make_up_points=5), shop.member()
    with pytest.raises(NotEnough):
        make_up(activity, phone, date(2031, 3, 9))
    shop.rule(rate_bp=10_000)
    shop.earn(phone, 8)
    assert make_up(activity, phone, date(2031, 3, 9)).cost_points == 5
    assert rows(engine, "SELECT balance FROM ledger_accounts WHERE unit = 'points'") == [(3,)]


def test_only_whom_it_is_for_may_check_in(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    golden = monthly(conditions={"tiers": ["gold"]})
    with pytest.raises(ActivityNotOpen):
        check_in(golden, phone, NOON)
    with pytest.raises(NotFound):
        check_in(live("welcome", reward={"points": 1}), phone, NOON)
    assert calendar(member_id=phone.member_id, month=None, now=NOON) is None


def test_coupons_that_are_gone_do_not_keep_anybody_from_checking_in(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now(), stock=1)
    both = [{"points": 3, "coupon_template": template, "coupons": 1}]
    activity, first, second = live("check_in", days=both), shop.member(), shop.member()
    assert check_in(activity, first, clock.now()).coupons == 1
    without = check_in(activity, second, clock.now())
    assert (without.points, without.coupons) == (3, 0)


def test_a_used_up_budget_ends_the_activity(shop: Shop, engine: Engine) -> None:
    activity = monthly(points_most=2)
    for _ in range(2):
        check_in(activity, shop.member(), NOON)
    with pytest.raises(ActivityUsedUp):
        check_in(activity, shop.member(), NOON)
    with db.reading() as connection:
        left = one(connection, activity.id)
    assert (left.state, left.points_given) == ("stopped", 2)
    assert rows(engine, "SELECT actor_type FROM audit_log WHERE action = 'activity.used_up'") == [("system",)]


def outcome(activity: Activity, phone: Phone, n: int) -> str:
    try:
        return f"day {check_in(activity, phone, NOON, f'k{n}').streak}"
    except (AlreadyCheckedIn, ActivityNotOpen, ActivityUsedUp) as error:
        return error.code
    except IntegrityError:
        return "schema"


def test_of_sixteen_at_once_one_checks_in(shop: Shop, engine: Engine) -> None:
    activity, phone = monthly(), shop.member()
    results = race(16, lambda n: outcome(activity, phone, n))
    assert sorted(results) == ["already_checked_in"] * 15 + ["day 1"]


def test_sixteen_members_at_once_get_no_more_than_the_budget(shop: Shop, engine: Engine) -> None:
    activity, phones = monthly(points_most=5), [shop.member() for _ in range(16)]
    results = race(16, lambda n: outcome(activity, phones[n], n))
    assert results.count("day 1") <= 5
    assert set(results) <= {"day 1", "activity_used_up", "activity_not_open"}
    assert rows(engine, "SELECT given <= most FROM activity_budgets") == [(True,)]
