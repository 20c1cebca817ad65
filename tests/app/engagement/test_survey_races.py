"""Many answers at once: one of a member counts, and no more is given than there is."""

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from app import clock
from app.db import Busy
from app.engagement import survey as story
from app.engagement.activity import Activity
from app.engagement.survey_questions import Given
from tests.app.engagement.offering import asked
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop
from tests.surveys import survey

SAID = (Given(question=1, picks=(1,)), Given(question=3, picks=(9,)))


def outcome(activity: Activity, member_id: int, key: str) -> str:
    try:
        return story.answer(
            member_id=member_id,
            activity_id=activity.id,
            form_no=1,
            given=SAID,
            request=asked(member_id, key),
            now=clock.now(),
        ).reward
    except story.SurveyAnswered as error:
        return error.code
    except (IntegrityError, Busy):
        return "schema"


def test_of_sixteen_answers_of_a_member_one_counts(shop: Shop, engine: Engine) -> None:
    activity, member = survey(reward={"points": 5}, points_most=100), shop.member().member_id
    results = race(16, lambda n: outcome(activity, member, f"k{n}"))
    assert sorted(results) == ["given"] + ["survey_answered"] * 15
    assert rows(engine, "SELECT count(*) FROM survey_answers") == [(1,)]
    assert rows(engine, "SELECT balance FROM ledger_accounts WHERE unit = 'points'") == [(5,)]


def test_the_last_reward_goes_to_one_of_sixteen_and_all_are_heard(shop: Shop, engine: Engine) -> None:
    activity, members = (
        survey(reward={"points": 5}, points_most=9),
        [shop.member().member_id for _ in range(16)],
    )
    results = race(16, lambda n: outcome(activity, members[n], f"k{n}"))
    assert sorted(results) == ["given"] + ["used_up"] * 15
    assert rows(engine, "SELECT count(*) FROM survey_answers") == [(16,)]
    assert rows(engine, "SELECT given FROM activity_budgets") == [(5,)]
