"""A gift on the birthday: once a year, for the tier of the day, late if need be, and never for a birthday made up."""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import clock, withdrawal, work
from app.clock import HOME_ZONE, business_date
from app.ledger.check import differences
from app.messages.preferences import edit
from app.points.fitting import MemberFacts, StoreFacts, fits
from app.points.rules import Conditions
from app.tiers import birthdays
from tests.app.tiers.shopping import Custom, later, set_plan
from tests.phones import bound
from tests.racing import race
from tests.shop import Phone, Shop

DAY = timedelta(days=1)
LEVELS = [
    {"code": "normal", "at_least": 0, "birthday_points": 20},
    {"code": "silver", "at_least": 10_000, "gift_points": 50, "birthday_points": 100},
    {"code": "gold", "at_least": 30_000, "gift_points": 200},
]


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    return Custom(shop, engine)


def noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 4, tzinfo=UTC)


TODAY = business_date(clock.now(), HOME_ZONE)


def born(shop: Shop, celebrated: date, *, known_days: int = 31) -> Phone:
    phone = shop.member()
    told_at = noon(celebrated) - known_days * DAY
    edit(member_id=phone.member_id, changes={"birthday": celebrated.replace(year=1988)}, now=told_at)
    return phone


def plan_of_a_year_ago(**more: Any) -> None:
    # Ten days a tier: long enough for what is bought here.
    set_plan(at=clock.now() - 300 * DAY, levels=LEVELS, **more)


def given(phone: Phone) -> list[int]:
    entries = phone.get("/me/points/entries").json["items"]
    return [one["points"] for one in entries if one["reason"] == "birthday_gift"]


@pytest.mark.parametrize("year", [2027, 2028, 2100])
def test_birthdays_are_celebrated_as_earning_rules_celebrate_them(year: int) -> None:
    store, asked = StoreFacts(id=1, time_zone="UTC"), Conditions(birthday="day")
    births = [date(2000, 1, 1) + n * DAY for n in range(366)]
    for place in range(366 if calendar.isleap(year) else 365):
        day = date(year, 1, 1) + place * DAY
        local = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        rules = [b for b in births if fits(asked, MemberFacts(tier="normal", birthday=b), store, local)]
        assert [b for b in birthdays.born_on(day) if b.year == 2000] == rules


def test_on_the_day_the_tier_of_the_day_gives_once_and_the_member_is_told(custom: Custom) -> None:
    plan_of_a_year_ago()
    phone, other = born(custom.shop, TODAY), born(custom.shop, TODAY + DAY)
    custom.buys(phone, 10_000, at=noon(TODAY) - DAY)
    custom.works(at=noon(TODAY) - DAY + timedelta(seconds=2))
    assert birthdays.give(now=noon(TODAY)) == 1
    assert birthdays.give(now=noon(TODAY) + DAY / 24) == 0
    assert (given(phone), given(other)) == ([100], [])
    assert phone.get("/me/tier").json["benefits"] == [
        {"kind": "birthday_gift", "points": 100, "phone_needed": False, "text": "生日当天送 100 积分"}
    ]
    soon = max(later(), noon(TODAY) + timedelta(seconds=1))
    work.tell_consumers(work.fact_relay(custom.shop.parts), soon)
    work.send_messages(custom.shop.parts, lambda: soon)
    [message] = [m for m in phone.get("/me/messages").json["items"] if m["kind"] == "birthday_gift"]
    assert message["title"] == "生日快乐"
    assert message["body"] == f"祝您生日快乐！送上100积分。可用至{TODAY + 365 * DAY}。"


def test_a_tier_that_gives_nothing_and_no_plan_give_nothing(custom: Custom) -> None:
    phone = born(custom.shop, TODAY)
    assert birthdays.give(now=noon(TODAY)) == 0
    plan_of_a_year_ago()
    custom.buys(phone, 30_000, at=noon(TODAY) - DAY)
    custom.works(at=noon(TODAY) - DAY + timedelta(seconds=2))
    assert birthdays.give(now=noon(TODAY)) == 0
    assert phone.get("/me/tier").json["benefits"] == []


@pytest.mark.parametrize(("days_late", "points"), [(7, [20]), (8, [])])
def test_after_an_outage_it_comes_up_to_a_week_late_for_the_tier_of_the_day(
    custom: Custom, days_late: int, points: list[int]
) -> None:
    plan_of_a_year_ago()
    birthday = TODAY - days_late * DAY
    phone = born(custom.shop, birthday)
    custom.buys(phone, 10_000, at=noon(birthday))  # on the day, but the day began in the lowest tier
    custom.works(at=noon(TODAY) - timedelta(hours=1))
    birthdays.give(now=noon(TODAY))
    assert given(phone) == points


def test_a_tier_that_is_not_decided_yet_is_waited_for(custom: Custom) -> None:
    plan_of_a_year_ago()
    phone = born(custom.shop, TODAY)
    custom.buys(phone, 10_000, at=noon(TODAY) - DAY)
    custom.relays()
    assert birthdays.give(now=noon(TODAY)) == 0
    custom.works(at=noon(TODAY) - timedelta(hours=1))
    assert birthdays.give(now=noon(TODAY)) == 1
    assert given(phone) == [100]


@pytest.mark.parametrize(("known_days", "points"), [(31, [20]), (30, []), (1, [])])
def test_a_birthday_told_shortly_before_gives_nothing(
    custom: Custom, known_days: int, points: list[int]
) -> None:
    plan_of_a_year_ago()
    phone = born(custom.shop, TODAY, known_days=known_days)
    birthdays.give(now=noon(TODAY))
    assert given(phone) == points


def test_with_a_plan_that_asks_for_a_phone_number_it_comes_once_one_is_bound_within_the_week(
    custom: Custom,
) -> None:
    plan_of_a_year_ago(birthday_needs_phone=True)
    early, late = born(custom.shop, TODAY), born(custom.shop, TODAY - 7 * DAY)
    farmed, too_late = born(custom.shop, TODAY), born(custom.shop, TODAY - 8 * DAY)
    bound(custom.shop, early, "+8613800138000")
    assert birthdays.give(now=noon(TODAY)) == 1
    told = late.get("/me/tier").json["benefits"]
    assert told == [
        {
            "kind": "birthday_gift",
            "points": 20,
            "phone_needed": True,
            "text": "生日当天送 20 积分，绑定手机号后可领取",
        }
    ]
    english = late.get("/me/tier", headers={"Accept-Language": "en"}).json["benefits"][0]["text"]
    assert english == "A birthday gift each year: 20 points, once you have added your phone number"
    bound(custom.shop, late, "+8613800138001")
    bound(custom.shop, too_late, "+8613800138002")
    assert late.get("/me/tier").json["benefits"][0]["phone_needed"] is False
    assert [birthdays.give(now=noon(TODAY) + hour * DAY / 24) for hour in (1, 2)] == [1, 0]
    assert [given(phone) for phone in (early, late, farmed, too_late)] == [[20], [20], [], []]


def test_a_plan_stored_before_there_was_the_option_asks_for_none(custom: Custom, engine: Engine) -> None:
    plan_of_a_year_ago(birthday_needs_phone=True)
    phone = born(custom.shop, TODAY)
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE tier_plans SET definition = definition - 'birthday_needs_phone'"))
    assert birthdays.give(now=noon(TODAY)) == 1
    assert given(phone) == [20]


def test_who_is_frozen_or_has_withdrawn_gets_none(custom: Custom, engine: Engine) -> None:
    plan_of_a_year_ago()
    frozen, gone = born(custom.shop, TODAY), born(custom.shop, TODAY)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE members SET status = 'frozen' WHERE id = :id"), {"id": frozen.member_id}
        )
    withdrawal.withdraw(member_id=gone.member_id, now=clock.now())
    assert birthdays.give(now=noon(TODAY)) == 0
    stopped = birthdays.BirthdayGift(
        member_id=frozen.member_id, day=TODAY, points=20, plan_version=1, lifetime_days=1
    )
    assert not birthdays._give(stopped, noon(TODAY))  # after we had looked


def test_sixteen_workers_give_each_once_and_a_stopped_one_leaves_the_rest(
    custom: Custom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(birthdays, "BATCH", 2)
    plan_of_a_year_ago()
    everyone = [born(custom.shop, TODAY) for _ in range(5)]
    turns = iter([True] * 10)  # a look for each of the days before, then two of the five
    assert 0 < birthdays.give(now=noon(TODAY), keep_going=lambda: next(turns, False)) < 5
    race(16, lambda _: birthdays.give(now=noon(TODAY)))
    birthdays.give(now=noon(TODAY))
    assert [given(phone) for phone in everyone] == [[20]] * 5


def sixteen_at_once(shop: Shop) -> list[int]:
    """All have looked before any of them gives."""
    plan_of_a_year_ago()
    phone = born(shop, TODAY)
    gift = birthdays.BirthdayGift(
        member_id=phone.member_id, day=TODAY, points=20, plan_version=1, lifetime_days=1
    )
    race(16, lambda _: birthdays._give(gift, noon(TODAY)))
    return given(phone)


def test_of_sixteen_who_give_at_once_one_does(shop: Shop) -> None:
    assert sixteen_at_once(shop) == [20]


def test_without_the_key_of_the_cause_it_would_be_given_many_times(
    whole_app: Flask, unaudited_engine: Engine
) -> None:
    with unaudited_engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE ledger_transactions DROP CONSTRAINT uq_ledger_transactions_cause")
        )
    assert len(sixteen_at_once(Shop(whole_app))) > 1


@pytest.mark.parametrize(
    "violation",
    [
        "UPDATE ledger_entries SET amount = amount * 5",
        "UPDATE members SET birthday_set_at = birthday_set_at + interval '2 days'",
        "UPDATE members SET birthday = birthday + 1",
        "UPDATE members SET id = id + 1; UPDATE ledger_accounts SET member_id = member_id + 1",
        "UPDATE tier_plans SET version = 2",
    ],
)
def test_the_audit_finds_a_gift_that_should_not_be(
    whole_app: Flask, unaudited_engine: Engine, violation: str
) -> None:
    custom = Custom(Shop(whole_app), unaudited_engine)
    plan_of_a_year_ago()
    born(custom.shop, TODAY)
    birthdays.give(now=noon(TODAY))
    with unaudited_engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(violation))
    with unaudited_engine.connect() as connection:
        broken = {found.promise for found in differences(connection)}
    assert "a birthday's gift is the one of the day's tier, to whom it had been known" in broken


def test_the_audit_finds_a_gift_that_needed_a_phone_number(
    whole_app: Flask, unaudited_engine: Engine
) -> None:
    custom = Custom(Shop(whole_app), unaudited_engine)
    plan_of_a_year_ago(birthday_needs_phone=True)
    phone = born(custom.shop, TODAY)
    bound(custom.shop, phone, "+8613800138000")
    birthdays.give(now=noon(TODAY))
    promise = "a birthday's gift is the one of the day's tier, to whom it had been known"
    with unaudited_engine.begin() as connection:
        assert promise not in {found.promise for found in differences(connection)}
        connection.execute(text("UPDATE members SET phone_index = NULL, phone_cipher = NULL"))
        assert promise in {found.promise for found in differences(connection)}
