"""What comes by the calendar, and the dry run: what it shows of the past is what was done."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.automations.dry_run import dry_run
from app.clock import HOME_ZONE, business_date, start_of_day
from app.segments import totals
from tests import coupons as coupon
from tests.app.stored_value.offering import offer, topped_up
from tests.app.tiers.shopping import Custom, set_plan
from tests.automations import do, drafted, facts, turned_on
from tests.campaigns import audience
from tests.conftest import rows
from tests.shop import Phone, Shop

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
#: Each with what it needs, so that it comes true within the week for somebody, and for somebody else does not.
KINDS: dict[str, dict[str, Any]] = {
    "birthday": {"days": 1},
    "points_ending": {"days": 2, "at_least": 50},
    "bonus_ending": {"days": 1},
    "coupon_ending": {"days": 1},
    "tier_ending": {"days": 11},
    "idle_balance": {"days": 3, "at_least_fen": 1},
    "no_visit": {"days": 2},
    "first_purchase": {},
    "spent_in_sale": {"at_least_fen": 10_000},
    "spent_in_days": {"at_least_fen": 15_000, "days": 3},
    "tier_up": {},
    "coupon_used": {},
}
TAGGED = {"tag_on": "到了"}


class Week:
    """Days of the chain from tomorrow on, each looked at in the morning; members do something an hour later."""

    def __init__(self, custom: Custom, engine: Engine) -> None:
        self.custom, self.shop, self.engine = custom, custom.shop, engine
        self.today = business_date(clock.now(), HOME_ZONE)

    def day(self, number: int) -> date:
        return self.today + number * DAY

    def at(self, number: int) -> datetime:
        return start_of_day(self.day(number), HOME_ZONE) + 10 * HOUR

    def morning(self, number: int) -> None:
        do(self.at(number))

    def evening(self, number: int) -> None:
        """What the worker makes of the day."""
        later = self.at(number) + 2 * HOUR
        self.custom.works(at=later)
        facts(self.shop, later)
        totals.recount()
        do(later)

    def buys(self, phone: Phone, fen: int, number: int) -> None:
        self.custom.buys(phone, fen, at=self.at(number) + HOUR)

    def done(self, no: int) -> dict[date, int]:
        """How many runs of each day were acted on."""
        found = rows(
            self.engine, "SELECT at FROM automation_runs WHERE automation_no = :no AND state = 'acted'", no=no
        )
        return dict(Counter(business_date(at, HOME_ZONE) for (at,) in found))  # type: ignore[arg-type]


@pytest.fixture
def week(shop: Shop, engine: Engine) -> Week:
    return Week(Custom(shop, engine), engine)


def born(phone: Phone, day: date) -> None:
    """In a leap year, so that every day is one."""
    with db.transaction() as session:
        session.execute(
            text("UPDATE members SET birthday = :day WHERE id = :id"),
            {"day": date(1992, day.month, day.day), "id": phone.member_id},
        )


def test_a_dry_run_of_the_week_shows_what_was_done_in_it(week: Week) -> None:
    shop = week.shop
    set_plan(at=clock.now())
    shop.rule(rate_bp=10_000, lifetime_days=4)
    template = coupon.live_template(clock.now(), validity={"kind": "days", "days": 5})
    one, two, three = shop.member(), shop.member(), shop.member()
    born(one, week.day(3))
    born(two, week.day(40))
    bonus = offer(bonus_days=4)
    assert topped_up(shop, one, offer_id=bonus.id).status_code == 201
    used, _ = [coupon.give(template, phone.member_id, clock.now())[0] for phone in (two, three)]

    on = {kind: turned_on(shop, kind, week.at(1), trigger=t, actions=TAGGED) for kind, t in KINDS.items()}
    for number in range(1, 8):
        week.morning(number)
        if number == 1:
            for phone in (one, two, three):
                week.buys(phone, 12_000, number)
        if number == 2:
            week.buys(two, 11_000, number)  # keeps the tier, and comes again
            assert coupon.use(shop, used, two.member_id, week.at(2) + HOUR)
        week.evening(number)

    shown = {kind: dry_run(no=no, days=7, now=week.at(7) + 3 * HOUR) for kind, no in on.items()}
    by_day = {kind: {one.day: one.runs for one in found.by_day if one.runs} for kind, found in shown.items()}
    assert by_day == {kind: week.done(no) for kind, no in on.items()}
    runs = {kind: found.runs for kind, found in shown.items()}
    assert runs == {
        "birthday": 1,
        "points_ending": 4,
        "bonus_ending": 1,
        "coupon_ending": 1,
        "tier_ending": 2,
        "idle_balance": 1,
        "no_visit": 3,
        "first_purchase": 3,
        "spent_in_sale": 4,
        "spent_in_days": 1,
        "tier_up": 3,
        "coupon_used": 1,
    }
    assert all(found.complete and len(found.by_day) == 7 for found in shown.values())


def test_what_is_mended_until_it_is_due_is_left(week: Week) -> None:
    """Who was away has come, and who had a coupon has used it."""
    shop, phone = week.shop, week.shop.member()
    [held] = coupon.give(
        coupon.live_template(clock.now(), validity=_through(week.day(4))),
        phone.member_id,
        clock.now(),
    )
    week.buys(phone, 1_000, 1)
    week.evening(1)
    turned_on(shop, "no_visit", week.at(3), trigger={"days": 2}, actions=TAGGED, delay_minutes=1_440)
    turned_on(shop, "coupon_ending", week.at(3), trigger={"days": 1}, actions=TAGGED, delay_minutes=1_440)
    week.morning(3)
    assert rows(week.engine, "SELECT state FROM automation_runs") == [("waiting",)] * 2
    week.buys(phone, 1_000, 3)
    assert coupon.use(shop, held, phone.member_id, week.at(3) + HOUR)
    week.evening(3)
    week.morning(4)
    assert rows(week.engine, "SELECT refused FROM automation_runs") == [("over",)] * 2


def _through(day: date) -> dict[str, Any]:
    return {"kind": "days", "days": (day - business_date(clock.now(), HOME_ZONE)).days + 1}


def test_a_day_is_looked_for_once_and_days_that_were_missed_are_made_good(week: Week) -> None:
    for number in (1, 2, 3, 4, 5):
        born(week.shop.member(), week.day(number))
    no = turned_on(week.shop, "birthday", week.at(1), trigger={"days": 0}, actions=TAGGED)
    week.morning(1)
    week.morning(1)
    assert sum(week.done(no).values()) == 1
    week.morning(5)  # three days without a worker, and the day itself: the longest ago is left out
    assert sorted(week.done(no)) == [week.day(number) for number in (1, 3, 4, 5)]


def test_29_february_is_celebrated_on_the_28th(week: Week) -> None:
    born(week.shop.member(), date(1992, 2, 29))
    born(week.shop.member(), date(1992, 2, 28))
    no = drafted("birthday", week.at(1), trigger={"days": 0}, actions=TAGGED).no
    for year, runs in ((2027, [2, 0]), (2028, [1, 1])):
        now = start_of_day(date(year, 2, 28) + DAY, HOME_ZONE) + HOUR
        assert [one.runs for one in dry_run(no=no, days=2, now=now).by_day] == runs


def test_a_gift_for_a_birthday_is_for_who_had_told_it_long_ago(week: Week) -> None:
    new, old = week.shop.member(), week.shop.member()
    for phone, ago in ((new, 29), (old, 31)):
        born(phone, week.day(2))
        with db.transaction() as session:
            session.execute(
                text("UPDATE members SET birthday_set_at = :at WHERE id = :id"),
                {"at": start_of_day(week.day(2 - ago), HOME_ZONE), "id": phone.member_id},
            )
    gives = {"points": {"points": 10, "lifetime_days": 5}}
    turned_on(week.shop, "birthday", week.at(1), trigger={"days": 0}, actions=gives, max_runs=5)
    week.morning(1)
    week.morning(2)
    assert rows(week.engine, "SELECT member_id, points FROM automation_runs") == [(old.member_id, 10)]


def test_a_dry_run_obeys_segment_limit_and_how_often_and_hides_who_it_is(week: Week) -> None:
    shop = week.shop
    people = [shop.member("王小明"), shop.member("陈一"), shop.member("李二")]
    few = audience(people[:2])
    for number in (1, 2, 3):
        for phone in people:
            week.buys(phone, 1_000, number)
    trigger: dict[str, Any] = {"trigger": {"at_least_fen": 1}, "actions": TAGGED, "segment_id": few}
    now = week.at(3) + 2 * HOUR

    def runs(**changed: Any) -> tuple[int, int]:
        made = drafted("spent_in_sale", clock.now(), **trigger, **changed)
        found = dry_run(no=made.no, days=3, now=now)
        return found.runs, found.members

    assert runs() == (6, 2)
    assert runs(once="ever") == (2, 2)
    assert runs(once="days", once_days=2) == (4, 2)
    assert runs(max_runs=3) == (3, 2)
    made = drafted("spent_in_sale", clock.now(), **trigger)
    sample = dry_run(no=made.no, days=3, now=now).sample
    assert len(sample) == 2
    assert all("*" in one.name and "*" in one.member_no for one in sample)
    assert rows(week.engine, "SELECT 1 FROM automation_runs") == []
