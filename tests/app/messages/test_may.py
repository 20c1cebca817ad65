"""Whether a member may be told something: refusals, quiet hours and caps; each answer is one of the same statement."""

import random
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app import db, withdrawal
from app.messages import plan as planning
from app.messages.lease import begin, lease
from app.messages.may import hold_each, may_each
from app.messages.outcome import Outcome, record
from app.messages.plan import plan_each
from app.messages.policy import MessagePolicy
from app.messages.preferences import set_preferences
from app.providers import ProviderUnavailable
from app.providers.wechat.errors import NoSubscription
from tests.conftest import rows
from tests.marketing import APP, NOON, TEMPLATE, asked, grant, plan, policy, template, verdict
from tests.racing import race
from tests.shop import Shop

DAY, WEEK = timedelta(hours=24), timedelta(hours=168)


@pytest.fixture
def member(shop: Shop) -> int:
    return shop.member().member_id


def told(engine: Engine) -> list[datetime]:
    found = rows(engine, "SELECT due_at FROM messages WHERE category = 'marketing' ORDER BY due_at")
    return [at for (at,) in found if isinstance(at, datetime)]


# Refusals


def test_who_has_refused_nothing_may_be_told_now(member: int) -> None:
    found = verdict(member, asked())
    assert (found.refused, found.tell_at) == (None, NOON)


@pytest.mark.parametrize("scope", ["all", "wechat_subscribe"])
def test_who_wants_no_marketing_gets_none_and_service_all_the_same(member: int, scope: str) -> None:
    set_preferences(member_id=member, refused=frozenset({scope}), now=NOON)
    template()
    grant(member, 1)
    template("service", category="service")
    grant(member, 1, "service")

    assert verdict(member, asked("wechat_subscribe", template_id=TEMPLATE)).refused == "opted_out"
    assert verdict(member, asked("wechat_subscribe", "service", template_id="service")).refused is None
    assert verdict(member, asked("inbox")).refused == ("opted_out" if scope == "all" else None)


def test_who_took_consent_back_is_told_nothing(member: int) -> None:
    withdrawal.withdraw(member_id=member, now=NOON)
    for category in ("service", "marketing"):
        assert verdict(member, asked(category=category)).refused == "withdrawn"


def test_a_frozen_membership_gets_service_only(member: int, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET status = 'frozen'"))
    assert verdict(member, asked()).refused == "withdrawn"
    assert verdict(member, asked(category="service")).refused is None


@pytest.mark.parametrize("channel", ["sms", "email"])
def test_without_an_address_nothing_is_sent(member: int, channel: Any) -> None:
    assert verdict(member, asked(channel)).refused == "no_address"


def test_an_identity_of_another_app_is_no_address(member: int, engine: Engine) -> None:
    template()
    grant(member, 1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE member_identities SET app_id = 'another'"))
    assert verdict(member, asked("wechat_subscribe", template_id=TEMPLATE)).refused == "no_address"


def test_by_wechat_a_credit_of_that_template_is_needed(member: int) -> None:
    template()
    template("another")
    grant(member, 1, "another")
    assert verdict(member, asked("wechat_subscribe", template_id=TEMPLATE)).refused == "no_credit"
    grant(member, 1)
    assert verdict(member, asked("wechat_subscribe", template_id=TEMPLATE)).refused is None


@pytest.mark.parametrize(
    ("row", "category"),
    [
        ({"category": "service"}, "marketing"),
        ({"category": "marketing"}, "service"),
        ({"active": False}, "marketing"),
        (None, "marketing"),
    ],
)
def test_a_credit_for_another_class_is_none(member: int, row: Any, category: Any) -> None:
    """Nor is one of a template that was retired, or of the receipt's, which has no row."""
    if row is not None:
        template(**row)
    grant(member, 1)
    assert verdict(member, asked("wechat_subscribe", category, template_id=TEMPLATE)).refused == "no_credit"
    assert plan([member], asked("wechat_subscribe", category, template_id=TEMPLATE)).told == {}


def test_many_are_answered_at_once_each_for_themselves(shop: Shop) -> None:
    free, refusing, strange = shop.member().member_id, shop.member().member_id, 999_999
    set_preferences(member_id=refusing, refused=frozenset({"all"}), now=NOON)
    with db.transaction() as session:
        found = may_each(session, [refusing, strange, free], asked(), MessagePolicy())
    assert [(one.member_id, one.refused) for one in found] == [(free, None), (refusing, "opted_out")]


# Quiet hours


def told_at(member: int, at: datetime) -> datetime:
    return verdict(member, asked("sms", at=at)).tell_at


def written(at: str, zone: tzinfo = UTC) -> datetime:
    return datetime.fromisoformat(at).replace(tzinfo=zone)


SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("here", "then"),
    [
        ("2026-11-20 20:59:59.999999", None),
        ("2026-11-20 21:00:00", "2026-11-21 09:00:00"),
        ("2026-11-20 23:59:59", "2026-11-21 09:00:00"),
        ("2026-11-21 00:00:00", "2026-11-21 09:00:00"),
        ("2026-11-21 08:59:59.999999", "2026-11-21 09:00:00"),
        ("2026-11-21 09:00:00", None),
        ("2026-12-31 22:00:00", "2027-01-01 09:00:00"),
    ],
)
def test_quiet_hours_begin_and_end_to_the_instant(member: int, here: str, then: str | None) -> None:
    assert told_at(member, written(here, SHANGHAI)) == written(then or here, SHANGHAI)


def at_home(shop: Shop, engine: Engine, zone: str) -> int:
    store = shop.open_store(f"Z{len(zone)}", zone)
    member = shop.member().member_id
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE members SET home_store_id = :store WHERE id = :id"),
            {"store": store.id, "id": member},
        )
    return member


@pytest.mark.parametrize(
    ("value", "at", "then"),
    [
        # The night that is an hour shorter, and the one that is an hour longer.
        ({}, "2026-03-08 06:00:00", "2026-03-08 13:00:00"),
        ({}, "2026-11-01 04:30:00", "2026-11-01 14:00:00"),
        # An end that the clock skips, and one that comes twice.
        ({"quiet_until": "02:30"}, "2026-03-08 05:00:00", "2026-03-08 07:30:00"),
        ({"quiet_until": "01:30"}, "2026-11-01 04:00:00", "2026-11-01 06:30:00"),
        # Noon in Shanghai is night there.
        ({}, "2026-11-20 04:00:00", "2026-11-20 14:00:00"),
    ],
)
def test_quiet_hours_follow_the_clock_of_the_home_store(
    shop: Shop, engine: Engine, value: Any, at: str, then: str
) -> None:
    policy(**value)
    member = at_home(shop, engine, "America/New_York")
    assert told_at(member, written(at)) == written(then)


@pytest.mark.parametrize(
    "zone",
    [
        "Asia/Shanghai",
        "Australia/Lord_Howe",
        *(pytest.param(zone, marks=pytest.mark.long) for zone in ("Europe/Berlin", "America/New_York")),
    ],
)
def test_whatever_the_hour_nobody_is_disturbed_at_night_and_nobody_waits_for_nothing(
    shop: Shop, engine: Engine, zone: str
) -> None:
    member, here = at_home(shop, engine, zone), ZoneInfo(zone)
    draw = random.Random(zone)
    for _ in range(12):
        begins = f"{draw.randint(18, 23):02}:{draw.randint(0, 59):02}"
        ends = f"{draw.randint(0, 11):02}:{draw.randint(0, 59):02}"
        policy(quiet_from=begins, quiet_until=ends)
        evening, morning = time.fromisoformat(begins), time.fromisoformat(ends)

        def quiet(at: datetime, evening: time = evening, morning: time = morning) -> bool:
            clock = at.astimezone(here).time()
            return clock >= evening or clock < morning

        for _ in range(20):
            # Around the changes of the clock as often as at any other time.
            start = draw.choice(["2026-03-07 00:00:00", "2026-10-24 00:00:00", "2026-07-01 00:00:00"])
            at = written(start) + timedelta(minutes=draw.randint(0, 60 * 24 * 12))
            then = told_at(member, at)
            assert not quiet(then), (at, then, begins, ends)
            assert quiet(at) or then == at
            assert then - at <= timedelta(hours=19)


@pytest.mark.parametrize(
    "what",
    [asked("inbox", at=NOON + timedelta(hours=12)), asked("sms", "service", NOON + timedelta(hours=12))],
)
def test_the_inbox_makes_no_noise_and_service_does_not_wait(member: int, what: Any) -> None:
    assert verdict(member, what).tell_at == what.at


def test_without_quiet_hours_marketing_goes_out_at_night(member: int) -> None:
    policy(quiet_from=None)
    night = NOON + timedelta(hours=12)
    assert told_at(member, night) == night


def test_what_is_planned_at_night_is_due_in_the_morning(member: int, engine: Engine) -> None:
    template()
    grant(member, 1)
    plan([member], asked("wechat_subscribe", at=NOON + timedelta(hours=12), template_id=TEMPLATE))
    assert told(engine) == [NOON + timedelta(hours=21)]


def test_what_was_not_sent_by_the_evening_waits_for_the_morning(shop: Shop, engine: Engine) -> None:
    """After an outage, or behind a long queue: planned by day and looked at by night. A test is sent all the same."""
    evening, night, morning = (NOON + timedelta(hours=hours) for hours in (8.5, 10, 21))
    people = [shop.member().member_id for _ in range(5)]
    template()
    template("service", category="service")
    for member in people[:4]:
        grant(member, 1)
    grant(people[4], 1, "service")
    plan(people[:3], asked("wechat_subscribe", at=evening, template_id=TEMPLATE))
    with db.transaction() as session:
        tested = {"kind": "promotion", "subject": "test", "params": {"test": True}, "now": evening}
        plan_each(session, people[3:4], asked("wechat_subscribe", at=evening, template_id=TEMPLATE), **tested)
    plan(people[4:], asked("wechat_subscribe", "service", evening, "service"), "service")

    def leased(at: datetime) -> list[str]:
        found, more = list[str](), True
        while more:
            batch = lease(channel="wechat_subscribe", app_id=APP["app_id"], now=at, limit=2)
            found += ["test" if "test" in one.params else one.category for one in batch.messages]
            more = batch.more
        return found

    assert sorted(leased(night)) == ["service", "test"]
    assert told(engine) == [evening, *[morning] * 3]
    assert leased(morning) == ["marketing"] * 3


# Caps


def test_a_cap_of_one_a_day_is_free_again_after_a_day_to_the_instant(member: int) -> None:
    plan([member], asked())
    for away, refused in ((timedelta(0), "capped"), (DAY - timedelta(microseconds=1), "capped"), (DAY, None)):
        assert verdict(member, asked(at=NOON + away)).refused == refused
        assert verdict(member, asked(at=NOON - away)).refused == refused


def test_all_channels_count_together_and_service_does_not(member: int) -> None:
    policy(most_a_day=2)
    template()
    grant(member, 3)
    plan([member], asked("inbox", "service"), "service:1")
    plan([member], asked("inbox"), "campaign:1")
    assert verdict(member, asked("wechat_subscribe", template_id=TEMPLATE)).refused is None
    plan([member], asked("wechat_subscribe", template_id=TEMPLATE), "campaign:2")
    assert verdict(member, asked()).refused == "capped"
    assert verdict(member, asked(category="service")).refused is None


def test_what_was_cancelled_does_not_count(member: int) -> None:
    plan([member], asked())
    set_preferences(member_id=member, refused=frozenset({"all"}), now=NOON)
    set_preferences(member_id=member, refused=frozenset(), now=NOON)
    assert verdict(member, asked()).refused is None


def test_a_cap_of_none_tells_everything_and_one_of_nought_nothing(member: int, engine: Engine) -> None:
    policy(most_a_day=None, most_a_week=None)
    for number in range(8):
        plan([member], asked(), f"campaign:{number}")
    assert len(told(engine)) == 8
    policy(most_a_day=0)
    assert verdict(member, asked(at=NOON + 3 * WEEK)).refused == "capped"


@pytest.mark.parametrize(("day", "week"), [(1, 3), (2, 3), (3, 5)])
def test_in_whatever_order_it_is_planned_no_day_and_no_week_has_more(
    member: int, engine: Engine, day: int, week: int
) -> None:
    policy(most_a_day=day, most_a_week=week)
    draw = random.Random(day)
    for number in range(60):
        plan([member], asked(at=NOON + timedelta(hours=draw.randint(0, 24 * 21))), f"campaign:{number}")
    times = told(engine)
    for window, most in ((DAY, day), (WEEK, week)):
        assert max(sum(begins <= at < begins + window for at in times) for begins in times) <= most
    assert len(times) >= week, "caps let something through"


def two_planners(member: int, planners: int) -> None:
    race(planners, lambda number: plan([member], asked(), f"campaign:{number}"))


def test_sixteen_planners_at_a_cap_of_one_tell_one_thing(member: int, engine: Engine) -> None:
    two_planners(member, 16)
    assert len(told(engine)) == 1


def test_without_the_hold_they_tell_more(
    member: int, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The negative control: each has planned before anyone has committed, as can happen to those who hold nobody."""
    monkeypatch.setattr(planning, "hold_each", lambda session, ids, wait: list(ids))
    all_planned = threading.Barrier(2)

    def run(number: int) -> None:
        with db.transaction() as session:
            plan_each(
                session, [member], asked(), kind="promotion", subject=f"c:{number}", params={}, now=NOON
            )
            all_planned.wait(60)

    race(2, run)
    assert len(told(unaudited_engine)) == 2


@pytest.fixture
def holder(engine: Engine) -> Iterator[Session]:
    """A transaction of somebody else's."""
    with Session(engine) as session, session.begin():
        yield session


def test_who_is_held_by_another_is_left_for_later_if_nobody_may_wait(shop: Shop, holder: Session) -> None:
    one, other = shop.member().member_id, shop.member().member_id
    assert hold_each(holder, [one]) == [one]
    planned = plan([other, one], asked(), wait=False)
    assert (planned.held, set(planned.told)) == ([other], {other})


# Credits and what is planned


def test_a_campaign_reserves_a_credit_for_each_and_tells_nobody_twice(shop: Shop, engine: Engine) -> None:
    template()
    people = [shop.member().member_id for _ in range(4)]
    for member in people[:3]:
        grant(member, 2)
    policy(most_a_day=None, most_a_week=None)
    what = asked("wechat_subscribe", template_id=TEMPLATE)

    first, again = plan(people, what), plan(people, what)

    assert set(first.told) == set(people[:3])
    assert again.told == {}
    assert rows(engine, "SELECT DISTINCT credits FROM subscription_credits") == [(1,)]
    sums = "SELECT member_id, sum(change) FROM subscription_changes GROUP BY 1 ORDER BY 1"
    assert rows(engine, sums) == [(member, 1) for member in people[:3]]
    kept = rows(engine, "SELECT source FROM subscription_changes WHERE cause = 'reserved' ORDER BY 1")
    assert kept == sorted((f"message:{message_id}",) for message_id in first.told.values())


def test_sixteen_campaigns_share_one_credit(member: int, engine: Engine) -> None:
    policy(most_a_day=None, most_a_week=None)
    template()
    grant(member, 1)
    what = asked("wechat_subscribe", template_id=TEMPLATE)
    race(16, lambda number: plan([member], what, f"campaign:{number}"))
    assert len(told(engine)) == 1
    assert rows(engine, "SELECT credits FROM subscription_credits") == [(0,)]


def test_a_long_term_template_is_not_used_up(member: int, engine: Engine) -> None:
    policy(most_a_day=None, most_a_week=None)
    template(long_term=True)
    grant(member, 1)
    for number in range(3):
        plan([member], asked("wechat_subscribe", template_id=TEMPLATE), f"campaign:{number}")
    assert len(told(engine)) == 3
    set_preferences(member_id=member, refused=frozenset({"all"}), now=NOON)
    assert rows(engine, "SELECT credits FROM subscription_credits") == [(1,)]


# Refusing marketing that was planned


def test_refusing_a_channel_cancels_what_waits_there_and_gives_the_credit_back(
    member: int, engine: Engine
) -> None:
    policy(most_a_day=None, most_a_week=None)
    template()
    grant(member, 2)
    plan([member], asked("wechat_subscribe", template_id=TEMPLATE), "by-wechat")
    plan([member], asked(), "inbox")
    plan([member], asked(category="service"), "service")

    set_preferences(member_id=member, refused=frozenset({"wechat_subscribe"}), now=NOON)

    states = rows(engine, "SELECT dedupe_key, state, reason FROM messages ORDER BY dedupe_key")
    assert states == [
        (f"by-wechat:{member}", "cancelled", "opted_out"),
        (f"inbox:{member}", "pending", None),
        (f"service:{member}", "pending", None),
    ]
    assert rows(engine, "SELECT credits FROM subscription_credits") == [(2,)]


def test_refusing_while_it_is_planned_leaves_nothing_waiting(member: int, engine: Engine) -> None:
    policy(most_a_day=None, most_a_week=None)

    def act(number: int) -> None:
        if number % 2:
            plan([member], asked(), f"campaign:{number}")
        else:
            set_preferences(member_id=member, refused=frozenset({"all"}), now=NOON)

    race(16, act)
    assert rows(engine, "SELECT id FROM messages WHERE state <> 'cancelled'") == []
    assert rows(engine, "SELECT channel, opted_out, source FROM marketing_choices") == [
        ("all", True, "member")
    ]


def test_what_members_chose_cannot_be_changed(member: int, engine: Engine) -> None:
    set_preferences(member_id=member, refused=frozenset({"all", "sms"}), now=NOON)
    set_preferences(member_id=member, refused=frozenset({"sms"}), now=NOON)
    kept = rows(engine, "SELECT channel, opted_out FROM marketing_choices ORDER BY id")
    assert kept == [("all", True), ("sms", True), ("all", False)]
    for statement in ("UPDATE marketing_choices SET opted_out = false", "DELETE FROM marketing_choices"):
        with pytest.raises(Exception, match="append"), engine.begin() as connection:
            connection.execute(text(statement))


def test_what_is_on_its_way_when_it_is_refused_is_not_tried_again(member: int, engine: Engine) -> None:
    template()
    grant(member, 1)
    plan([member], asked("wechat_subscribe", template_id=TEMPLATE))
    begun = begin(lease(channel="wechat_subscribe", app_id=APP["app_id"], now=NOON).messages, now=NOON)
    set_preferences(member_id=member, refused=frozenset({"all"}), now=NOON)
    assert rows(engine, "SELECT state FROM messages") == [("leased",)]

    record([Outcome(message=begun[0], provider_code="-1", error=ProviderUnavailable())], now=NOON)

    assert rows(engine, "SELECT state, reason FROM messages") == [("cancelled", "opted_out")]
    assert rows(engine, "SELECT credits FROM subscription_credits") == [(1,)]


@pytest.mark.parametrize(("scope", "kept"), [("wechat_subscribe", 1), ("all", 0)])
def test_what_could_not_be_sent_is_kept_in_the_inbox_for_who_wants_it(
    member: int, engine: Engine, scope: str, kept: int
) -> None:
    """Refused while it was on its way, sent in vain, and not told in another way to who refuses all."""
    template()
    grant(member, 1)
    plan([member], asked("wechat_subscribe", template_id=TEMPLATE))
    begun = begin(lease(channel="wechat_subscribe", app_id=APP["app_id"], now=NOON).messages, now=NOON)
    set_preferences(member_id=member, refused=frozenset({scope}), now=NOON)

    record([Outcome(message=begun[0], provider_code="43101", error=NoSubscription())], now=NOON)

    assert rows(engine, "SELECT state, reason FROM messages") == [("failed", "no_subscription")]
    assert rows(engine, "SELECT count(*) FROM inbox_items") == [(kept,)]
