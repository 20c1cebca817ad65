"""What a survey brought: figures that add up, by store and tier, words without a name where none was promised."""

import csv
import io
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import db
from app.engagement.activity import Activity
from app.engagement.definitions import ActivityMalformed
from app.engagement.survey_results import LEAST_ANONYMOUS
from tests.actors import Actors
from tests.app.engagement.offering import live
from tests.shop import Phone, Shop
from tests.surveys import QUESTIONS, answering, said, survey


def at_home(phone: Phone, store_id: int) -> Phone:
    with db.transaction() as session:
        session.execute(
            text("UPDATE members SET home_store_id = :store WHERE id = :id"),
            {"store": store_id, "id": phone.member_id},
        )
    return phone


def asked(
    actors: Actors, activity: Activity, actor: str = "admin", path: str = "results", **query: Any
) -> Any:
    return actors.shop.app.test_client().get(
        f"/office/v1/activities/{activity.id}/survey-{path}",
        query_string=query,
        headers=actors.headers(actor),
    )


@pytest.fixture
def answered(shop: Shop, actors: Actors, engine: Engine) -> Activity:
    """Four answers: three members at home in S001, one in S002."""
    activity = survey()
    for store, first, nps, some in (
        (shop.store.id, 1, 10, (1, 2)),
        (shop.store.id, 1, 9, (2, 3, 4)),
        (shop.store.id, 2, 0, ()),
        (actors.other_store.id, 2, 7, ()),
    ):
        phone = at_home(shop.member("王小明"), store)
        words = f"=说{nps}"
        assert answering(phone, activity, said(first, nps, some=some, words=words)).status_code == 201
    return activity


def bars(figures: dict[str, Any]) -> list[tuple[int, int, int]]:
    return [(bar["value"], bar["count"], bar["share_bp"]) for bar in figures["bars"] if bar["count"]]


def test_figures_of_each_question(actors: Actors, answered: Activity) -> None:
    found = asked(actors, answered).json
    single, multiple, nps, words = found["questions"]
    assert (found["answers"], found["form_no"], found["groups"]) == (4, 1, [])
    assert bars(single) == [(1, 2, 5000), (2, 2, 5000)]
    assert single["bars"][0]["label"] == "咖啡"
    assert (multiple["answered"], bars(multiple)) == (
        2,
        [(1, 1, 5000), (2, 2, 10000), (3, 1, 5000), (4, 1, 5000)],
    )
    assert (nps["mean_hundredths"], nps["nps"]) == (650, 25)
    assert (words["answered"], words["bars"]) == (4, [])
    report = actors.shop.app.test_client().get(
        f"/office/v1/activities/{answered.id}/report", headers=actors.headers("admin")
    )
    assert (report.json["members"], report.json["times"]) == (4, 4)


def test_by_store_and_tier_the_groups_add_up(actors: Actors, answered: Activity) -> None:
    by_store = asked(actors, answered, by="store").json["groups"]
    assert [(group["key"], group["answers"]) for group in by_store] == [("S001", 3), ("S002", 1)]
    assert [group["questions"][2]["nps"] for group in by_store] == [33, 0]
    [by_tier] = asked(actors, answered, by="tier").json["groups"]
    assert by_tier["questions"] == asked(actors, answered).json["questions"]


def test_a_manager_sees_what_members_of_their_store_said(actors: Actors, answered: Activity) -> None:
    assert asked(actors, answered, "manager").json["answers"] == 3
    told = asked(actors, answered, "manager", "texts/4").json["items"]
    assert [one["text"] for one in told] == ["=说0", "=说9", "=说10"]
    assert told[0]["store"] == "S001"
    assert told[0]["member"] not in ("王小明", None)
    assert asked(actors, answered, "marketer").json["answers"] == 3
    assert asked(actors, answered, "clerk").status_code == 403


def test_the_file_has_the_same_figures_and_no_formula(actors: Actors, answered: Activity) -> None:
    found = asked(actors, answered, path="results.csv", by="store")
    lines = list(csv.DictReader(io.StringIO(found.data.decode("utf-8-sig"))))
    assert lines[0]["题目"] == QUESTIONS[0]["title_zh"]
    assert [lines[0][name] for name in ("分组", "作答人数", "选项", "选择人数", "占比（%）")] == [
        "全部",
        "4",
        "咖啡",
        "2",
        "50.00",
    ]
    assert {line["分组"] for line in lines} == {"全部", "S001", "S002"}


def test_words_come_a_page_at_a_time(actors: Actors, answered: Activity) -> None:
    first = asked(actors, answered, path="texts/4", limit=3).json
    rest = asked(actors, answered, path="texts/4", cursor=first["next_cursor"]).json
    assert [one["text"] for one in first["items"] + rest["items"]] == ["=说7", "=说0", "=说9", "=说10"]
    assert rest["next_cursor"] is None
    assert asked(actors, answered, path="texts/1").status_code == 404


def test_an_anonymous_survey_tells_of_no_few(shop: Shop, actors: Actors, engine: Engine) -> None:
    activity = survey(anonymous=True)
    for n in range(LEAST_ANONYMOUS - 1):
        answering(at_home(shop.member(), shop.store.id), activity, said(1 + n % 2, words=f"第{n}"))
    few = asked(actors, activity).json
    assert (few["answers"], few["enough"], few["questions"]) == (4, False, [])
    assert asked(actors, activity, path="texts/4").json["items"] == []

    answering(at_home(shop.member(), shop.store.id), activity, said(words="第4"))
    answering(at_home(shop.member(), actors.other_store.id), activity, said(words="第5"))
    told = asked(actors, activity, by="store").json
    # The one in S002 would be told by what is missing in the whole: S001 is no group of its own either.
    assert [(group["key"], group["answers"]) for group in told["groups"]] == [(None, 6)]
    words = asked(actors, activity, path="texts/4").json["items"]
    assert {one["text"] for one in words} == {f"第{n}" for n in range(6)}
    assert {(one["member_no"], one["store"], one["answered_on"]) for one in words} == {(None, None, None)}


def test_what_is_no_survey_has_no_results(shop: Shop, actors: Actors) -> None:
    assert asked(actors, live("welcome", reward={"points": 1})).status_code == 404


def test_a_survey_is_made_in_the_office_and_an_odd_one_refused(shop: Shop, actors: Actors) -> None:
    client, headers = shop.app.test_client(), actors.headers("admin")
    names = {"kind": "survey", "name_zh": "调查", "name_en": "Survey"}
    made = client.post(
        "/office/v1/activities", json={**names, "survey": {"questions": QUESTIONS}}, headers=headers
    )
    assert made.status_code == 201, made.json
    assert made.json["survey"]["questions"][0]["options"][1]["name_en"] == "Tea"
    for odd in (
        {"kind": "single", "title_zh": "问", "title_en": "Q"},
        {**QUESTIONS[1], "at_least": 4},
        {**QUESTIONS[0], "at_most": 1},
        {**QUESTIONS[2], "options": QUESTIONS[0]["options"]},
    ):
        refused = client.post(
            "/office/v1/activities", json={**names, "survey": {"questions": [odd]}}, headers=headers
        )
        assert refused.json["code"] == "activity_malformed", odd
    published = client.post(
        f"/office/v1/activities/{made.json['id']}/publish", json={"version": 1}, headers=headers
    )
    assert published.json["state"] == "live"
    assert shop.member().get(f"/surveys/{made.json['id']}").status_code == 200


def test_an_activity_s_report_tells_what_surveys_about_it_came_to(actors: Actors, engine: Engine) -> None:
    about = live("welcome", reward={"points": 1})
    first = survey(about=about.id)
    hidden = survey(about=about.id, anonymous=True)
    phones = [actors.shop.member() for _ in range(2)]
    for phone, nps in zip(phones, (10, 3), strict=True):
        assert answering(phone, first, said(1, nps)).status_code == 201
        assert answering(phone, hidden, said(1, nps)).status_code == 201

    report = actors.shop.app.test_client().get(
        f"/office/v1/activities/{about.id}/report", headers=actors.headers("admin")
    )

    told = {one["activity_id"]: one for one in report.json["feedback"]}
    assert (told[hidden.id]["answers"], told[hidden.id]["scales"]) == (2, [])
    [scale] = told[first.id]["scales"]
    assert (scale["kind"], scale["answered"], scale["mean_hundredths"], scale["nps"]) == ("nps", 2, 650, 0)


def test_the_office_says_what_a_survey_is_about(actors: Actors, engine: Engine) -> None:
    about = live("welcome", reward={"points": 1})
    draft = {
        "kind": "survey",
        "name_zh": "入会感受",
        "name_en": "How joining was",
        "survey": {"about": about.id, "questions": QUESTIONS},
    }
    made = actors.shop.app.test_client().post(
        "/office/v1/activities", json=draft, headers=actors.headers("admin")
    )
    assert (made.status_code, made.json["survey"]["about"]) == (201, about.id)


def test_a_survey_is_about_an_activity_that_there_is(engine: Engine) -> None:
    with pytest.raises(ActivityMalformed) as refused:
        survey(about="0" * 26)
    assert refused.value.data["reason"] == "about: there is no such activity"
