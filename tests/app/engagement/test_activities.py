"""Activities are made, changed, put on and stopped; generous ones with a second person; budgets are kept."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.approvals.second_person import ApprovalOutdated, Waiting
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.change import ActivityLive
from app.engagement.definitions import DEFINITIONS, ActivityMalformed, Kind
from app.engagement.lottery_rounds import RoundsUsedUp, RoundTimes
from app.errors import VersionConflict
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.app.engagement.offering import CUP, MINUTE, THANKS, draft, live, lottery, round_of, work
from tests.conftest import rows
from tests.coupons import live_template
from tests.shop import Shop
from tests.surveys import QUESTIONS


def published(shop: Shop, kind: Kind, **what: Any) -> tuple[str, Activity | Waiting]:
    person = shop.person("boss", Grant("manager", None))
    actor = Actor(type="staff", id=person.id)
    made = change.create(draft=draft(kind, **what), actor=actor, now=clock.now())
    return made.id, change.publish(activity_id=made.id, version=1, actor=actor, now=clock.now())


@pytest.mark.parametrize(
    ("kind", "what", "alone"),
    [
        ("welcome", {"reward": {"points": 200}, "points_most": 100_000}, True),
        ("welcome", {"reward": {"points": 201}, "points_most": 100_000}, False),
        ("welcome", {"reward": {"points": 200}, "points_most": 100_001}, False),
        ("welcome", {"reward": {"points": 1}}, False),
        ("check_in", {"days": [{}, {}]}, True),
        ("lottery", {"prizes": [CUP | {"reward": {"points": 100}}, THANKS], "fallback": 2}, True),
        (
            "lottery",
            {"prizes": [CUP | {"stock": 1_000, "reward": {"points": 101}}, THANKS], "fallback": 2},
            False,
        ),
        (
            "lottery",
            {"prizes": [CUP | {"reward": {"points": 200}}, THANKS], "fallback": 2, "most_rounds": 366},
            True,
        ),
        # Chances draw free, whatever a draw costs: it would be points without end.
        ("lottery", {"prizes": [THANKS | {"reward": {"points": 9}}], "fallback": 1, "cost_points": 9}, False),
    ],
)
def test_what_is_generous_waits_for_a_second_person(
    shop: Shop, engine: Engine, kind: Kind, what: dict[str, Any], alone: bool
) -> None:
    _, answer = published(shop, kind, **what)
    assert isinstance(answer, Activity) is alone


def test_the_second_person_puts_on_what_they_saw(shop: Shop, engine: Engine) -> None:
    other = shop.person("other", Grant("manager", None))
    activity_id, waiting = published(shop, "welcome", reward={"points": 5_000}, points_most=10_000)
    assert isinstance(waiting, Waiting)
    assert rows(engine, "SELECT state FROM activities") == [("draft",)]
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=other.id, now=clock.now())
    assert rows(engine, "SELECT id, state, version FROM activities") == [(activity_id, "live", 2)]


def test_what_was_changed_meanwhile_is_not_what_they_saw(shop: Shop, engine: Engine) -> None:
    other = shop.person("other", Grant("manager", None))
    activity_id, waiting = published(shop, "welcome", reward={"points": 5_000}, points_most=10_000)
    assert isinstance(waiting, Waiting)
    more = draft("welcome", reward={"points": 50_000})
    change.change(activity_id=activity_id, version=1, draft=more, actor=OPERATOR, now=clock.now())
    with pytest.raises(ApprovalOutdated):
        decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=other.id, now=clock.now())
    assert rows(engine, "SELECT state FROM activities") == [("draft",)]


def test_what_is_on_is_not_changed(shop: Shop, engine: Engine) -> None:
    activity, now = live("welcome", reward={"points": 5}), clock.now()
    again = draft("welcome", reward={"points": 6}, points_most=100)
    with pytest.raises(ActivityLive):
        change.change(activity_id=activity.id, version=2, draft=again, actor=OPERATOR, now=now)
    with pytest.raises(VersionConflict):
        change.stop(activity_id=activity.id, version=1, actor=OPERATOR, now=now)
    shop.member()
    work(shop.app)
    change.stop(activity_id=activity.id, version=2, actor=OPERATOR, now=now)
    less = draft("welcome", reward={"points": 6}, points_most=4)
    with pytest.raises(ActivityMalformed):
        change.change(activity_id=activity.id, version=3, draft=less, actor=OPERATOR, now=now)
    changed = change.change(activity_id=activity.id, version=3, draft=again, actor=OPERATOR, now=now)
    assert (changed.state, changed.points_most, changed.points_given) == ("draft", 100, 5)


@pytest.mark.parametrize(
    ("kind", "what", "reason"),
    [
        ("welcome", {"reward": {}}, "nothing"),
        ("welcome", {"reward": {"coupons": 1}}, "coupon_template"),
        ("welcome", {"reward": {"coupon_template": "0" * 26, "coupons": 1}}, "no such coupon_template"),
        ("welcome", {"reward": {"lottery": "0" * 26, "chances": 1}}, "no such lottery"),
        ("welcome", {"reward": {"points": 1}, "conditions": {"products": ["A"]}}, "goods"),
        ("welcome", {"reward": {"points": 1, "more": 1}}, "unknown field"),
        ("lottery", {"prizes": [CUP], "fallback": 1}, "never be used up"),
        ("lottery", {"prizes": [THANKS], "fallback": 2}, "no such prize"),
        ("lottery", {"prizes": [THANKS], "fallback": 1, "points_most": 1}, "no budget"),
        ("check_in", {"days": []}, "length"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    shop: Shop, engine: Engine, kind: Kind, what: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ActivityMalformed) as refused:
        change.create(draft=draft(kind, **what), actor=OPERATOR, now=clock.now())
    assert reason in str(refused.value.data["reason"])


def test_through_the_back_office(shop: Shop, engine: Engine) -> None:
    person = shop.person("boss", Grant("manager", None))
    client, headers = shop.app.test_client(), {"Authorization": f"Bearer {staff_token(person.id)}"}
    template = live_template(clock.now())
    body: dict[str, Any] = {
        "kind": "check_in",
        "name_zh": "每日签到",
        "name_en": "Daily check-in",
        "points_most": 1_000,
        "coupons_most": 10,
        "conditions": {"tiers": ["normal"]},
        "check_in": {"days": [{"points": 1}, {"coupon_template": template, "coupons": 1}]},
    }
    made = client.post("/office/v1/activities", json=body, headers=headers)
    assert made.status_code == 201, made.json
    where = f"/office/v1/activities/{made.json['id']}"
    nothing = {"lifetime_days": None, "coupon_template": None, "coupons": 0, "lottery": None, "chances": 0}
    told = made.json["check_in"]
    assert told["days"][0] == {"points": 1} | nothing
    assert (told["make_ups_a_month"], told["make_up_points"]) == (0, 0)
    wrong = client.post("/office/v1/activities", json=body | {"kind": "welcome"}, headers=headers)
    assert (wrong.status_code, wrong.json["code"]) == (422, "activity_malformed")
    changed = client.put(where, json=body | {"name_en": "Every day", "version": 1}, headers=headers)
    assert (changed.json["version"], changed.json["name_en"]) == (2, "Every day")
    on = client.post(f"{where}/publish", json={"version": 2}, headers=headers)
    assert (on.status_code, on.json["state"]) == (200, "live")
    phone = shop.member()
    shown = phone.get("/check-ins").json
    assert (shown["name"], shown["rewards"][0]["points"], shown["next_day"]) == ("每日签到", 1, 1)
    wish = {"activity_id": shown["activity_id"]}
    first = phone.post("/check-ins", json=wish, headers={"Idempotency-Key": "one"})
    assert (first.status_code, first.json["points"]) == (201, 1)
    assert phone.post("/check-ins", json=wish, headers={"Idempotency-Key": "one"}).json == first.json
    twice = phone.post("/check-ins", json=wish, headers={"Idempotency-Key": "two"})
    assert (twice.status_code, twice.json["code"]) == (409, "already_checked_in")
    report = client.get(f"{where}/report", headers=headers).json
    assert (report["members"], report["times"], report["points"], report["coupons"]) == (1, 1, 1, 0)
    listed = client.get("/office/v1/activities?limit=1", headers=headers).json
    assert [one["points_given"] for one in listed["items"]] == [1]
    off = client.post(f"{where}/stop", json={"version": 3}, headers=headers)
    assert off.json["state"] == "stopped"
    assert phone.get("/check-ins").status_code == 404


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("check_in", {"days": [{"points": 1}]}),
        ("lottery", {"prizes": [THANKS], "fallback": 1}),
        ("welcome", {"reward": {"points": 1}}),
        ("first_order", {"reward": {"points": 1}}),
        ("profile", {"reward": {"points": 1}}),
        ("referral", {"inviter": {"points": 1}, "at_least_fen": 1}),
        ("survey", {"questions": QUESTIONS}),
        ("promotion", {"points": 1}),
    ],
)
def test_the_office_is_told_every_field_and_may_send_it_back(
    shop: Shop, engine: Engine, kind: Kind, what: dict[str, Any]
) -> None:
    person = shop.person("boss", Grant("manager", None))
    client, headers = shop.app.test_client(), {"Authorization": f"Bearer {staff_token(person.id)}"}
    made = change.create(draft=draft(kind, **what), actor=OPERATOR, now=clock.now())
    where = f"/office/v1/activities/{made.id}"
    told = client.get(where, headers=headers).json
    own = told["gift" if kind in ("welcome", "first_order", "profile") else kind]
    assert {*own} == {*DEFINITIONS[kind].__struct_fields__} - {"conditions", "points_at_least"}
    kept = {name: value for name, value in told.items() if name not in ("id", "state")}
    kept = {name: value for name, value in kept.items() if not name.endswith("_given")}
    again = client.put(where, json=kept, headers=headers)
    assert (again.status_code, again.json) == (200, told | {"version": 2})


def test_a_lottery_through_the_interfaces(shop: Shop, engine: Engine) -> None:
    person = shop.person("boss", Grant("manager", None))
    client, headers = shop.app.test_client(), {"Authorization": f"Bearer {staff_token(person.id)}"}
    activity, phone = lottery(draws_a_day=2), shop.member()
    where = f"/office/v1/activities/{activity.id}"
    too_soon = {"starts_at": clock.now().isoformat(), "ends_at": "2099-01-01T00:00:00Z"}
    refused = client.post(f"{where}/rounds", json=too_soon, headers=headers)
    assert (refused.status_code, refused.json["code"]) == (422, "lottery_round_times")
    held = round_of(shop, activity)
    shown = phone.get(f"/lotteries/{activity.id}").json
    assert (shown["cost_points"], shown["draws_left_today"], shown["for_me"]) == (10, 2, True)
    assert [(one["weight"], one["left"], one["fallback"]) for one in shown["prizes"]] == [
        (10, 1, False),
        (90, None, True),
    ]
    assert shown["round"]["commitment"] == held.commitment
    shop.earn(phone, 50)
    wish = {"payment": "points", "client_seed": "abc123"}
    drawn = phone.post(f"/lotteries/{activity.id}/draws", json=wish, headers={"Idempotency-Key": "one"})
    assert (drawn.status_code, drawn.json["draw_no"], drawn.json["client_seed"]) == (201, 1, "abc123")
    assert phone.get("/lotteries").json["items"][0]["draws_left_today"] == 1
    mine = phone.get(f"/lotteries/{activity.id}/draws").json["items"]
    assert [(one["number"], one["player"]) for one in mine] == [(drawn.json["number"], drawn.json["player"])]
    listed = phone.get(f"/lottery-rounds/{held.id}/draws").json["items"]
    assert [one["player"] for one in listed] == [drawn.json["player"]]
    assert phone.get(f"/lotteries/{activity.id}/rounds").json["items"][0]["id"] == held.id
    bad = phone.post(
        f"/lotteries/{activity.id}/draws",
        json=wish | {"client_seed": "a:b"},
        headers={"Idempotency-Key": "x"},
    )
    assert bad.status_code == 422
    report = client.get(f"{where}/report", headers=headers).json
    assert (report["members"], report["times"], report["points_paid"]) == (1, 1, 10)
    assert client.get(f"{where}/rounds", headers=headers).json["items"][0]["seed"] is None


def test_rounds_do_not_overlap_and_are_no_more_than_allowed(shop: Shop, engine: Engine) -> None:
    activity = lottery(most_rounds=1)
    round_of(shop, activity)
    with pytest.raises(RoundTimes):
        round_of(shop, activity)
    with pytest.raises(RoundsUsedUp):
        round_of(shop, activity, now=clock.now() + 3 * 60 * MINUTE)
