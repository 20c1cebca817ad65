"""Tiers in the shop: reached at once, given once, lost after the grace; by however many workers, however late."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app import clock, work
from app.clock import HOME_ZONE
from app.tiers import gifts, recompute, review
from app.tiers.plan import Plans
from tests.app.tiers.shopping import LEVELS, Custom, later, set_plan
from tests.conftest import rows
from tests.racing import race
from tests.shop import Phone, Shop

DAY = timedelta(days=1)
WORKERS = 16


@pytest.fixture
def custom(shop: Shop, engine: Engine) -> Custom:
    return Custom(shop, engine)


def sound() -> bool:
    return list(recompute.differences(until=later())) == []


def test_a_purchase_that_crosses_the_threshold_lifts_the_member_within_a_beat(custom: Custom) -> None:
    set_plan()
    phone = custom.shop.member()
    custom.buys(phone, 9_999)
    custom.works()
    assert (custom.tier(phone), custom.changes(phone)) == ("normal", [])
    sale = custom.buys(phone, 1, at=later(61))
    custom.works(at=later(62))
    assert custom.tier(phone) == "silver"
    assert custom.changes(phone) == [(1, "upgrade", "normal", "silver", 50)]
    assert custom.gifts(phone) == [50]
    assert rows(custom.engine, "SELECT sale_id, amount, plan_version FROM tier_changes") == [
        (sale, 10_000, 1)
    ]


def test_facts_that_come_again_and_reviews_that_run_again_change_nothing(custom: Custom) -> None:
    set_plan()
    phone = custom.shop.member()
    custom.buys(phone, 30_000)
    for _ in range(3):
        custom.works()
        with custom.engine.begin() as connection:
            connection.execute(text("UPDATE facts SET handled_at = NULL"))
    assert custom.changes(phone) == [(1, "upgrade", "normal", "gold", 200)]
    assert custom.gifts(phone) == [200]


def test_who_is_not_due_is_not_looked_at(custom: Custom) -> None:
    set_plan()
    custom.buys(custom.shop.member(), 10_000)
    assert custom.works() == 1
    assert custom.works(at=later(60)) == 0


def crossing_twice(custom: Custom) -> Phone:
    """Two sales of one member, either of which crosses the threshold, both told and not yet decided about."""
    set_plan()
    phone = custom.shop.member()
    custom.buys(phone, 10_000)
    custom.buys(phone, 10_000, at=later(61))
    custom.relays(at=later(62))
    return phone


def by_sixteen_workers(phone: Phone) -> list[int | str]:
    def one_of_them(_: int) -> int | str:
        try:
            return review.review(now=later(70))
        except IntegrityError as error:
            return type(error).__name__

    return race(WORKERS, one_of_them)


def test_two_sales_at_once_and_sixteen_workers_make_one_upgrade_and_one_gift(custom: Custom) -> None:
    phone = crossing_twice(custom)
    assert sum(one for one in by_sixteen_workers(phone) if isinstance(one, int)) == 1
    assert custom.changes(phone) == [(1, "upgrade", "normal", "silver", 50)]
    assert custom.gifts(phone) == [50]


def test_sales_and_workers_at_the_same_moment_get_in_nobodys_way(custom: Custom) -> None:
    set_plan()
    phones = [custom.shop.member() for _ in range(8)]

    def sell_or_work(number: int) -> None:
        if number % 2:
            for _ in range(5):
                custom.works()
        else:
            custom.buys(phones[number // 2], 10_000)

    race(WORKERS, sell_or_work)
    custom.works()
    for phone in phones:
        assert (len(custom.changes(phone)), len(custom.gifts(phone))) == (1, 1)
    assert sound()


def unlocked(session: Session, known: Plans, now: Any) -> list[int]:
    return list(
        session.scalars(text("SELECT member_id FROM tier_reviews WHERE due_at <= :now"), {"now": now})
    )


def slow_to_write(engine: Engine) -> None:
    """Whoever has looked writes a little later, so that everybody has looked before anybody has written."""
    with engine.begin() as connection:
        connection.execute(
            text("""CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS
                $$ BEGIN PERFORM pg_sleep(0.5); RETURN NULL; END $$""")
        )
        connection.execute(
            text("""CREATE TRIGGER slow BEFORE INSERT ON tier_changes
                FOR EACH STATEMENT EXECUTE FUNCTION wait_a_little()""")
        )


@pytest.mark.long
def test_without_the_lock_the_keys_still_refuse_a_second_upgrade(
    custom: Custom, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = crossing_twice(custom)
    slow_to_write(custom.engine)
    monkeypatch.setattr(review, "_taken", unlocked)
    assert "IntegrityError" in by_sixteen_workers(phone)
    assert len(custom.changes(phone)) == len(custom.gifts(phone)) == 1


@pytest.mark.long
class TestWithoutLockAndKeys:
    """The negative control of the tests above; nobody looks at the books afterwards."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    def test_there_are_many_upgrades(self, custom: Custom, monkeypatch: pytest.MonkeyPatch) -> None:
        phone = crossing_twice(custom)
        with custom.engine.begin() as connection:
            connection.execute(text("ALTER TABLE tier_changes DROP CONSTRAINT pk_tier_changes"))
            connection.execute(text("DROP INDEX ix_tier_changes_gift_once"))
        slow_to_write(custom.engine)
        monkeypatch.setattr(review, "_taken", unlocked)
        by_sixteen_workers(phone)
        assert len(custom.changes(phone)) > 1


def test_a_worker_that_dies_before_the_gift_leaves_it_to_the_next(
    custom: Custom, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_plan()
    phone = custom.shop.member()
    custom.buys(phone, 10_000)

    def die(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(gifts, "give", die)
        with pytest.raises(KeyboardInterrupt):
            custom.works()
    assert (custom.tier(phone), custom.gifts(phone)) == ("silver", [])
    assert custom.works(at=later(40)) == 1
    assert custom.gifts(phone) == [50]
    assert custom.works(at=later(90)) == 0


def test_a_gift_is_given_once_even_if_the_tier_is_lost_and_reached_again(custom: Custom) -> None:
    now = clock.now()
    set_plan(at=now - 60 * DAY)
    phone = custom.shop.member()
    for days_ago in (50, 20):
        custom.buys(phone, 10_000, at=now - days_ago * DAY)
        custom.works(at=now - days_ago * DAY + timedelta(seconds=2))
    custom.works()
    assert [change[1:] for change in custom.changes(phone)] == [
        ("upgrade", "normal", "silver", 50),
        ("demote", "silver", "normal", 0),
        ("upgrade", "normal", "silver", 0),
        ("demote", "silver", "normal", 0),
    ]
    assert custom.gifts(phone) == [50]
    assert custom.tier(phone) == "normal"


def test_a_tier_ends_at_midnight_after_the_grace_and_not_before(custom: Custom) -> None:
    now = clock.now()
    set_plan(at=now - 30 * DAY)
    phone = custom.shop.member()
    custom.buys(phone, 10_000, at=now)
    custom.works()
    midnight = clock.start_of_day(clock.business_date(now, HOME_ZONE) + 16 * DAY, HOME_ZONE)
    assert custom.works(at=midnight - timedelta(seconds=1)) == 1  # the grace began, and nothing else
    assert custom.tier(phone) == "silver"
    assert custom.works(at=midnight + timedelta(seconds=1)) == 0  # a sale of that second may be under way
    assert custom.works(at=midnight + review.SETTLE) == 1
    assert custom.tier(phone) == "normal"
    assert rows(custom.engine, "SELECT at FROM tier_changes WHERE seq = 2") == [(midnight,)]


def test_after_months_of_standing_still_the_days_are_those_on_which_it_should_have_happened(
    custom: Custom,
) -> None:
    now = clock.now()
    set_plan(at=now - 90 * DAY)
    phone, other = custom.shop.member(), custom.shop.member()
    for days_ago in (80, 75):
        custom.buys(phone, 10_000, at=now - days_ago * DAY)
        custom.buys(other, 10_000, at=now - days_ago * DAY)
    custom.works()
    kinds = rows(custom.engine, "SELECT member_id, kind, valid_through FROM tier_changes ORDER BY 1, seq")
    assert [kind[1] for kind in kinds] == ["upgrade", "keep", "demote"] * 2
    assert sound()


def test_it_stops_between_two_batches_and_goes_on_where_it_was(
    custom: Custom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(review, "BATCH", 2)
    set_plan()
    phones = [custom.shop.member() for _ in range(5)]
    for phone in phones:
        custom.buys(phone, 10_000)
    custom.relays()
    answers = iter([True, False])
    assert review.review(now=later(), keep_going=lambda: next(answers)) == 2
    assert sorted(custom.tier(phone) for phone in phones) == ["normal"] * 3 + ["silver"] * 2
    assert review.review(now=later()) == 3
    assert [custom.gifts(phone) for phone in phones] == [[50]] * 5


def test_a_batch_costs_no_statement_for_each_member(custom: Custom, monkeypatch: pytest.MonkeyPatch) -> None:
    set_plan(levels=[{**level, "gift_points": 0} for level in LEVELS])
    sent: list[str] = []
    execute = Session.execute
    monkeypatch.setattr(
        Session, "execute", lambda *given, **more: (sent.append(str(given[1])), execute(*given, **more))[1]
    )
    counts = []
    for people in (1, 6):
        for _ in range(people):
            custom.buys(custom.shop.member(), 10_000)
        custom.relays()
        sent.clear()
        assert review.review(now=later()) == people
        counts.append(len(sent))
    assert counts[0] == counts[1]


def test_a_plan_that_begins_reaches_everybody_who_ever_bought(custom: Custom) -> None:
    phone, late = custom.shop.member(), custom.shop.member()
    custom.buys(phone, 10_000)
    assert custom.works() == 0  # nobody has set a plan
    set_plan()
    custom.works()
    assert custom.tier(phone) == "silver"
    custom.buys(late, 6_000)
    custom.works()
    half = [{**level, "at_least": level["at_least"] // 2} for level in LEVELS]
    set_plan(version=1, levels=half, begins=later(3_600))
    custom.works()
    assert custom.tier(late) == "normal"
    custom.works(at=later(3_600 + 300))
    assert (custom.tier(late), custom.gifts(late)) == ("silver", [50])


def test_a_tier_of_earning_rules_is_the_tier_reached(custom: Custom) -> None:
    from app.audit import OPERATOR
    from app.points.change import Draft, create
    from app.points.rules import Conditions, Multiplier

    set_plan()
    double = Multiplier(factor_bp=20_000, conditions=Conditions(tiers=frozenset({"gold"})))
    create(
        draft=Draft(name_zh="金卡双倍", name_en="Gold: double", definition=double),
        actor=OPERATOR,
        now=clock.now(),
    )
    phone = custom.shop.member()
    custom.buys(phone, 30_000)
    custom.works()
    custom.buys(phone, 1_000, at=later(61))
    assert rows(custom.engine, "SELECT points_earned, tier_code FROM sales ORDER BY id") == [
        (300, "normal"),
        (20, "gold"),
    ]


def test_the_history_and_the_plans_cannot_be_rewritten(custom: Custom) -> None:
    set_plan()
    phone = custom.shop.member()
    custom.buys(phone, 10_000)
    custom.works()
    for statement in (
        "UPDATE tier_changes SET to_tier = 'gold'",
        "DELETE FROM tier_changes",
        "TRUNCATE tier_changes",
        "UPDATE tier_plans SET definition = '{}'",
        "DELETE FROM tier_plans",
    ):
        with pytest.raises(DBAPIError, match="append-only"), custom.engine.begin() as connection:
            connection.execute(text(statement))


def test_the_beat_of_the_worker_decides(custom: Custom) -> None:
    set_plan()
    phone = custom.shop.member()
    custom.buys(phone, 10_000)
    for beat in work.beats(custom.shop.parts, later, lambda: True):
        if beat.name in ("facts.relay", "tiers.review"):
            beat.run(later())
    assert custom.tier(phone) == "silver"
