"""With a guard taken away the races of activities are lost: negative controls of the tests beside this one."""

import psycopg
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from app import idempotency
from app.engagement import chances
from app.engagement import check_in as story
from app.engagement import grant as grants
from tests import unguarded
from tests.app.engagement.offering import THANKS, lottery, play, round_of
from tests.app.engagement.test_check_in import monthly
from tests.app.engagement.test_check_in import outcome as checked_in
from tests.app.engagement.test_lottery_draw import SURE, give_chances, outcome
from tests.racing import race
from tests.shop import Shop


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.mark.long
def test_without_the_guard_the_last_prize_is_won_twice(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity = lottery(prizes=[SURE, THANKS])
    round_of(shop, activity)
    members = [shop.member().member_id for _ in range(16)]
    for member in members:
        give_chances(activity, member, 1)
    unguarded.prizes(engine, monkeypatch)
    results = race(16, lambda n: outcome(lambda: play(shop, activity, members[n], f"k{n}", payment="chance")))
    assert results.count("prize 1") > 1


@pytest.mark.long
def test_without_its_place_locked_a_member_meets_the_schema(shop: Shop, engine: Engine) -> None:
    """Draws that do not wait for each other take the same number."""
    phone = shop.member()
    activity = lottery()
    round_of(shop, activity)
    give_chances(activity, phone.member_id, 16)
    guarded = chances._LOCK
    chances._LOCK = text("""
        SELECT chances_given - chances_used AS left FROM activity_members
        WHERE activity_id = :activity_id AND member_id = :member_id""")

    def run(n: int) -> str:
        try:
            return outcome(lambda: play(shop, activity, phone.member_id, f"k{n}", payment="chance"))
        except IntegrityError:
            return "schema"

    try:
        results = race(16, run)
    finally:
        chances._LOCK = guarded
    assert "schema" in results


@pytest.mark.long
def test_without_the_look_under_the_lock_the_schema_keeps_the_day(shop: Shop, engine: Engine) -> None:
    """What the code no longer sees meets the primary key; without that, it counts twice."""
    activity, phone = monthly(), shop.member()
    guarded = story._THERE
    story._THERE = text("SELECT 1 WHERE :activity_id = '' AND :member_id = 0 AND CAST(:day AS date) IS NULL")
    try:
        assert sorted(race(16, lambda n: checked_in(activity, phone, n))) == ["day 1"] + ["schema"] * 15
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE check_ins DROP CONSTRAINT pk_check_ins"))
        assert race(16, lambda n: checked_in(activity, phone, 100 + n)) == ["day 1"] * 16
    finally:
        story._THERE = guarded


@pytest.mark.long
def test_without_the_claim_one_key_meets_the_schema_and_without_that_draws_again(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = shop.member()
    activity = lottery()
    round_of(shop, activity)
    give_chances(activity, phone.member_id, 32)
    monkeypatch.setattr(idempotency, "claim", lambda *_: None)

    def run(_: int) -> str:
        try:
            return outcome(lambda: play(shop, activity, phone.member_id, "same", payment="chance"))
        except IntegrityError:
            return "schema"
        except psycopg.errors.UniqueViolation:
            return "schema"

    assert race(16, run).count("schema") == 15
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE idempotency_keys DROP CONSTRAINT pk_idempotency_keys"))
    assert race(16, run).count("schema") == 0


@pytest.mark.long
def test_without_its_guard_the_last_chance_meets_the_schema_and_without_that_is_used_again(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = shop.member()
    activity = lottery()
    round_of(shop, activity)
    give_chances(activity, phone.member_id, 1)
    unguarded = str(chances._USE).replace(" AND chances_used < chances_given", "")
    monkeypatch.setattr(chances, "_USE", text(unguarded))

    def run(n: int) -> str:
        try:
            return outcome(lambda: play(shop, activity, phone.member_id, f"k{n}", payment="chance"))
        except IntegrityError:
            return "schema"

    assert race(16, run).count("schema") == 15
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE activity_members DROP CONSTRAINT ck_activity_members_never_over")
        )
    assert race(16, lambda n: run(100 + n)).count("schema") == 0


@pytest.mark.long
def test_without_its_guard_a_budget_meets_the_schema_and_without_that_is_exceeded(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    activity, phones = monthly(points_most=5), [shop.member() for _ in range(16)]
    unguarded = str(grants._BUDGET).replace(" AND given + :amount <= most", "")
    monkeypatch.setattr(grants, "_BUDGET", text(unguarded))
    assert race(16, lambda n: checked_in(activity, phones[n], n)).count("schema") == 11
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE activity_budgets DROP CONSTRAINT ck_activity_budgets_never_over")
        )
    results = race(16, lambda n: checked_in(activity, phones[n], 100 + n))
    assert results.count("schema") == 0
    assert results.count("day 1") == 11
