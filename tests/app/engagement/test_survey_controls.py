"""With a guard taken away the races of surveys are lost: negative controls of the tests beside this one."""

import pytest
from sqlalchemy import Engine, text

from app.engagement import grant
from app.engagement import survey as story
from tests.app.engagement.test_survey_races import outcome
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop
from tests.surveys import survey


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.mark.long
def test_without_the_look_the_schema_keeps_the_answer_single(shop: Shop, engine: Engine) -> None:
    """What the code no longer sees meets the primary key; without all keys, everybody is heard and paid again."""
    activity, member = survey(reward={"points": 5}), shop.member().member_id
    guarded, former = story._ANSWERED, grant._FORMER
    story._ANSWERED = text("SELECT 1 WHERE :activity_id = '' AND :member_id = 0")
    try:
        assert sorted(race(16, lambda n: outcome(activity, member, f"a{n}"))) == ["given"] + ["schema"] * 15
        with engine.begin() as connection:
            for table, constraint in (
                ("survey_participants", "pk_survey_participants"),
                ("survey_answers", "uq_survey_answers_member_id_activity_id"),
                ("activity_grants", "uq_activity_grants_activity_id_member_id_source"),
            ):
                connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))
        grant._FORMER = text(
            "SELECT NULL AS id, 0 AS points, 0 AS chances WHERE :activity_id = '' AND :member_id = 0 AND :source = ''"
        )
        assert race(16, lambda n: outcome(activity, member, f"b{n}")) == ["given"] * 16
    finally:
        story._ANSWERED, grant._FORMER = guarded, former
    assert rows(engine, "SELECT balance FROM ledger_accounts WHERE unit = 'points'") == [(85,)]


@pytest.mark.long
def test_without_the_budgets_guard_the_last_reward_is_given_again(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at first and written then, as one would without thinking."""
    activity, members = (
        survey(reward={"points": 5}, points_most=9),
        [shop.member().member_id for _ in range(16)],
    )
    with engine.begin() as connection:
        connection.execute(
            text("ALTER TABLE activity_budgets DROP CONSTRAINT ck_activity_budgets_never_over")
        )
    monkeypatch.setattr(
        grant,
        "_BUDGET",
        text("""
        WITH seen AS MATERIALIZED (SELECT given, pg_sleep(0.3) FROM activity_budgets
            WHERE activity_id = :activity_id AND unit = :unit AND given + :amount <= most)
        UPDATE activity_budgets b SET given = b.given + :amount FROM seen
        WHERE activity_id = :activity_id AND unit = :unit"""),
    )
    assert race(16, lambda n: outcome(activity, members[n], f"k{n}")).count("given") > 1
