"""A survey on the phone: asked in one's language, answered once, rewarded with it."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.engagement import change
from app.engagement.survey_questions import AnswerInvalid, Given, Question, checked
from app.typed import convert
from app.withdrawal import withdraw
from tests.app.engagement.offering import draft, live
from tests.conftest import rows
from tests.shop import Shop
from tests.surveys import QUESTIONS, answering, said, survey


def test_a_survey_is_shown_and_answered_with_its_reward(shop: Shop, engine: Engine) -> None:
    activity, phone = survey(reward={"points": 20}, points_most=100), shop.member()
    [listed] = phone.get("/surveys").json["items"]
    assert (listed["for_me"], listed["answered"], listed["reward_left"]) == (True, False, True)
    whole = phone.get(f"/surveys/{activity.id}", headers={"Accept-Language": "en"}).json
    assert [ask["title"] for ask in whole["asks"]] == [one["title_en"] for one in QUESTIONS]
    assert whole["asks"][2]["choices"][0] == {"value": 0, "label": "0"}

    first = answering(phone, activity, said(2, 10, some=(3, 1), words=" 很好 \n"), key="k")

    assert first.status_code == 201, first.json
    assert first.json == {"reward": "given", "points": 20, "coupons": 0, "chances": 0}
    assert answering(phone, activity, said(2, 10, some=(3, 1), words=" 很好 \n"), key="k").data == first.data
    again = answering(phone, activity, said())
    assert (again.status_code, again.json["code"]) == (409, "survey_answered")
    assert phone.get(f"/surveys/{activity.id}").json["answered"] is True
    assert rows(engine, "SELECT picks, texts, form_no FROM survey_answers") == [
        ({"1": [2], "2": [1, 3], "3": [10]}, {"4": "很好"}, 1)
    ]
    assert rows(engine, "SELECT balance FROM ledger_accounts WHERE unit = 'points'") == [(20,)]


#: What does not fit, and the question it does not fit.
ODD: list[tuple[list[dict[str, Any]], int]] = [
    ([{"question": 3, "picks": [5]}], 1),
    ([*said(), {"question": 1, "picks": [2]}], 1),
    ([{"question": 1, "picks": [1, 2]}, {"question": 3, "picks": [5]}], 1),
    (said(3), 1),
    (said(some=(1,)), 2),
    (said(some=(1, 1)), 2),
    (said(some=(1, 2, 3, 4)), 2),
    (said(1, 11), 3),
    ([*said(), {"question": 4, "text": "x" * 21}], 4),
    ([*said(), {"question": 4, "picks": [1]}], 4),
    ([{"question": 1, "picks": [1], "text": "x"}, {"question": 3, "picks": [5]}], 1),
    ([*said(), {"question": 5, "picks": [1]}], 5),
]


def test_what_does_not_fit_the_questions_is_refused(shop: Shop) -> None:
    questions = convert(QUESTIONS, tuple[Question, ...])
    for answers, question in ODD:
        with pytest.raises(AnswerInvalid) as refused:
            checked(questions, [Given(**one) for one in answers])
        assert refused.value.data["question"] == question
    answer = answering(shop.member(), survey(), ODD[0][0])
    assert (answer.status_code, answer.json["code"]) == (422, "survey_answer_invalid")
    assert answer.json["question"] == 1


def test_a_used_up_budget_takes_the_reward_and_not_the_word(shop: Shop, engine: Engine) -> None:
    activity = survey(reward={"points": 20}, points_most=30)
    assert answering(shop.member(), activity, said()).json["reward"] == "given"
    late = shop.member()
    assert late.get("/surveys").json["items"][0]["reward_left"] is False
    assert answering(late, activity, said()).json == {
        "reward": "used_up",
        "points": 0,
        "coupons": 0,
        "chances": 0,
    }
    assert rows(engine, "SELECT count(*) FROM survey_answers") == [(2,)]


def test_an_edit_makes_a_new_form_and_who_has_the_old_one_looks_again(shop: Shop, engine: Engine) -> None:
    activity, first, second = survey(), shop.member(), shop.member()
    answering(first, activity, said())
    now = clock.now()
    stopped = change.stop(activity_id=activity.id, version=2, actor=OPERATOR, now=now)
    # Put on again as it was, it asks the same.
    live_again = change.publish(activity_id=activity.id, version=stopped.version, actor=OPERATOR, now=now)
    assert second.get(f"/surveys/{activity.id}").json["form_no"] == 1
    stopped = change.stop(activity_id=activity.id, version=live_again.version, actor=OPERATOR, now=now)  # type: ignore[union-attr]
    changed = change.change(
        activity_id=activity.id,
        version=stopped.version,
        draft=draft("survey", questions=QUESTIONS[:1]),
        actor=OPERATOR,
        now=now,
    )
    change.publish(activity_id=activity.id, version=changed.version, actor=OPERATOR, now=now)

    refused = answering(second, activity, said())
    assert (refused.json["code"], refused.json["form_no"]) == ("survey_changed", 2)
    assert answering(second, activity, said()[:1], form_no=2).status_code == 201
    assert answering(first, activity, said()[:1], form_no=2).json["code"] == "survey_answered"
    assert rows(engine, "SELECT form_no FROM survey_answers ORDER BY form_no") == [(1,), (2,)]


def test_whom_it_is_not_for_finds_nothing(shop: Shop) -> None:
    phone = shop.member()
    golden = survey(conditions={"tiers": ["gold"]})
    assert phone.get("/surveys").json["items"][0]["for_me"] is False
    assert phone.get(f"/surveys/{golden.id}").status_code == 404
    assert answering(phone, golden, said()).json["code"] == "activity_not_open"
    assert answering(phone, live("welcome", reward={"points": 1}), said()).status_code == 404
    over = survey(ends_at=clock.now() + timedelta(seconds=-1), starts_at=clock.now() - timedelta(days=1))
    assert answering(phone, over, said()).json["code"] == "activity_not_open"


def test_an_anonymous_answer_names_nobody_and_others_are_forgotten_with_their_member(
    shop: Shop, engine: Engine
) -> None:
    named, unnamed, phone = survey(), survey(anonymous=True), shop.member()
    for activity in (named, unnamed):
        assert answering(phone, activity, said(words="我")).status_code == 201
    assert rows(engine, "SELECT member_id IS NULL, texts FROM survey_answers ORDER BY anonymous") == [
        (False, {"4": "我"}),
        (True, {"4": "我"}),
    ]
    assert answering(phone, unnamed, said()).json["code"] == "survey_answered"

    withdraw(member_id=phone.member_id, now=clock.now())

    assert rows(engine, "SELECT member_id, texts FROM survey_answers WHERE NOT anonymous") == [(None, {})]
