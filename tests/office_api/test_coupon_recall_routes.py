"""Coupons taken back: what is held goes, what was used stays, and a use and a recall at once are one or the other."""

import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.coupons import void as voiding
from app.coupons.policy import CouponPolicy
from app.policies import change, standing
from tests.actors import Actors
from tests.conftest import rows
from tests.coupons import give, live_template, use
from tests.office_api.test_coupon_grant_routes import decided, granted, numbers
from tests.racing import race
from tests.shop import Phone

PATH = "/office/v1/coupon-recalls"


def recalled(actors: Actors, *, who: str = "admin", key: str | None = None, **body: Any) -> Any:
    headers = {**actors.headers(who), "Idempotency-Key": key or uuid.uuid4().hex}
    sent = {"reason": "given by mistake", **body}
    return actors.shop.app.test_client().post(PATH, json=sent, headers=headers)


def seen(actors: Actors, recall_id: str, who: str = "admin") -> Any:
    return actors.shop.app.test_client().get(f"{PATH}/{recall_id}", headers=actors.headers(who))


def limits(**value: int) -> None:
    change(
        kind=CouponPolicy,
        value=value,
        version=standing(CouponPolicy).version,
        actor=OPERATOR,
        now=clock.now(),
    )


def used_by_a(actors: Actors, coupon_id: str) -> bool:
    """A use by the member whom these coupons are given to."""
    return use(actors.shop, coupon_id, actors.a.member_id)


def states(engine: Engine) -> list[str]:
    return [str(state) for (state,) in rows(engine, "SELECT state FROM coupons ORDER BY coupon_no")]


def test_held_coupons_go_and_used_ones_stay(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now(), effect={"kind": "free"}, uses=3, use_value_fen=1_500)
    card, fresh, spent = give(template, actors.a.member_id, clock.now(), 3)
    assert used_by_a(actors, card)
    assert [used_by_a(actors, spent) for _ in range(3)] == [True] * 3
    answer = recalled(actors, coupon_ids=[card, fresh, spent], key="k")
    assert answer.status_code == 201, answer.json
    told = dict(answer.json)
    assert told.pop("id")
    assert told == {
        "state": "done",
        "approval_id": None,
        "recalled": 2,
        "kept": 1,
        "left": 0,
        "unused_uses": 5,
        "unused_value_fen": 7_500,
    }
    assert recalled(actors, coupon_ids=[card, fresh, spent], key="k").data == answer.data
    assert seen(actors, answer.json["id"]).json == answer.json
    assert states(engine) == ["void", "void", "used"]
    notes = "SELECT note, staff_id, count(*) FROM coupon_events WHERE kind = 'recalled' GROUP BY 1, 2"
    assert rows(engine, notes) == [("given by mistake", actors.admin.id, 2)]
    assert not used_by_a(actors, card)
    again = recalled(actors, coupon_ids=[card, fresh, spent]).json
    assert (again["recalled"], again["kept"], again["unused_value_fen"]) == (0, 3, 0)


def test_all_that_a_grant_gave_goes_at_once(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now())
    grant = granted(actors, template, numbers([actors.a, actors.b]), count=2).json["id"]
    [other] = give(template, actors.a.member_id, clock.now())
    answer = recalled(actors, template_id=template, source_id=grant)
    assert (answer.json["recalled"], answer.json["kept"], answer.json["left"]) == (4, 0, 0)
    assert rows(engine, "SELECT id FROM coupons WHERE state = 'held'") == [(other,)]
    assert recalled(actors, template_id=template, source_id="none").status_code == 404


def test_above_a_limit_nothing_is_taken_until_a_second_person_agrees(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now(), conditions={"stores": [actors.shop.store.id]})
    coupons = give(template, actors.a.member_id, clock.now(), 4)
    limits(alone_recalls=2, alone_recalls_a_day=3)
    answer = recalled(actors, coupon_ids=coupons[:3])
    assert (answer.status_code, answer.json["state"], answer.json["recalled"]) == (201, "waiting", 0)
    assert recalled(actors, coupon_ids=coupons[:3]).json["id"] == answer.json["id"]  # a press too many
    assert states(engine) == ["held"] * 4
    assert used_by_a(actors, coupons[0])
    assert decided(actors, answer.json["approval_id"]).status_code == 204
    done = seen(actors, answer.json["id"]).json
    assert (done["state"], done["recalled"], done["kept"]) == ("done", 2, 1)
    assert states(engine) == ["used", "void", "void", "held"]
    refused = recalled(actors, coupon_ids=coupons[1:]).json
    assert decided(actors, refused["approval_id"], agree=False).status_code == 204
    assert seen(actors, refused["id"]).json["state"] == "closed"


def test_many_small_recalls_are_a_large_one(actors: Actors) -> None:
    template = live_template(clock.now())
    coupons = give(template, actors.a.member_id, clock.now(), 4)
    limits(alone_recalls=2, alone_recalls_a_day=3)
    assert recalled(actors, coupon_ids=coupons[:2]).json["state"] == "done"
    assert recalled(actors, coupon_ids=coupons[2:]).json["state"] == "waiting"
    assert recalled(actors, coupon_ids=coupons[2:3]).json["state"] == "done"


def use_and_recall_at_once(actors: Actors, coupons: list[str]) -> tuple[int, int]:
    """Eight of each for every coupon; how many uses, and how many recalled."""

    def run(n: int) -> tuple[int, int]:
        if n % 2:
            return int(used_by_a(actors, coupons[n // 2 % len(coupons)])), 0
        answer = recalled(actors, coupon_ids=coupons)
        assert answer.status_code == 201, answer.json
        return 0, int(answer.json["recalled"])

    ended = race(16, run)
    return sum(used for used, _ in ended), sum(taken for _, taken in ended)


def test_of_a_use_and_a_recall_at_once_one_comes_second(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now())
    for _ in range(5):
        coupons = give(template, actors.a.member_id, clock.now(), 4)
        used, taken = use_and_recall_at_once(actors, coupons)
        assert used + taken == 4
    both = """SELECT count(*) FROM coupon_redemptions r JOIN coupons c ON c.id = r.coupon_id
        WHERE c.state = 'void'"""
    assert rows(engine, both) == [(0,)]


class TestWithoutTheState:
    """The control: a recall that does not ask for the state takes what was used."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    def test_both_count(self, actors: Actors, monkeypatch: pytest.MonkeyPatch) -> None:
        [coupon] = give(live_template(clock.now()), actors.a.member_id, clock.now())
        assert used_by_a(actors, coupon)
        blind = voiding._VOID.text.replace("AND c.state = 'held'", "")
        monkeypatch.setattr(voiding, "_VOID", text(blind))
        assert recalled(actors, coupon_ids=[coupon]).json["recalled"] == 1


def test_who_may_recall_what(actors: Actors) -> None:
    now = clock.now()
    own = live_template(now, conditions={"stores": [actors.shop.store.id]})
    whole, foreign = live_template(now), live_template(now, conditions={"stores": [actors.other_store.id]})
    held = {template: give(template, actors.a.member_id, now) for template in (own, whole, foreign)}
    for template, status in ((whole, 403), (foreign, 404), (own, 201)):
        answer = recalled(actors, who="manager", coupon_ids=held[template])
        assert answer.status_code == status, answer.json
    mixed = recalled(actors, who="manager", coupon_ids=held[own] + held[foreign])
    assert mixed.status_code == 404
    assert recalled(actors, coupon_ids=["0" * 26]).status_code == 404
    made = recalled(actors, coupon_ids=held[foreign]).json["id"]
    assert (seen(actors, made, "manager").status_code, seen(actors, "none").status_code) == (404, 404)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"coupon_ids": []},
        {"coupon_ids": ["x"] * 1_001},
        {"coupon_ids": ["x"], "template_id": "x", "source_id": "x"},
        {"template_id": "x"},
        {"source_id": "x"},
        {"coupon_ids": ["x"], "reason": ""},
    ],
)
def test_what_makes_no_sense_is_refused(actors: Actors, wrong: dict[str, Any]) -> None:
    assert recalled(actors, **wrong).status_code == 422


def test_what_a_member_has_of_a_template_is_found_to_be_taken_back(actors: Actors) -> None:
    template, another = live_template(clock.now(), transferable=True), live_template(clock.now())
    kept, spent, passed = give(template, actors.a.member_id, clock.now(), 3)
    give(another, actors.a.member_id, clock.now())
    assert used_by_a(actors, spent)
    secret = actors.a.post(f"/coupons/{passed}/offer").json["secret"]
    taken = actors.b.post("/coupon-offers/take", json={"secret": secret}, headers={"Idempotency-Key": "take"})
    assert taken.status_code == 201

    def found(phone: Phone, who: str = "marketer", **query: Any) -> Any:
        return actors.shop.app.test_client().get(
            f"/office/v1/coupon-templates/{template}/coupons",
            query_string={"member_no": phone.get("/me").json["member_no"], **query},
            headers=actors.headers(who),
        )

    told = {one["id"]: one for one in found(actors.a).json["items"]}
    assert {key: (one["state"], one["uses_left"], one["passed_on"]) for key, one in told.items()} == {
        kept: ("held", 1, False),
        spent: ("used", 0, False),
        passed: ("held", 1, True),
    }
    assert [(one["id"], one["passed_on"]) for one in found(actors.b).json["items"]] == [(passed, False)]
    first = found(actors.a, limit=2).json
    rest = found(actors.a, limit=2, cursor=first["next_cursor"]).json
    assert [one["id"] for one in first["items"] + rest["items"]] == sorted(told, reverse=True)
    assert found(actors.a, who="clerk").status_code == 403
    assert found(actors.a, member_no="nobody").json["items"] == []
    assert recalled(actors, coupon_ids=[kept]).json["recalled"] == 1
    assert {one["state"] for one in found(actors.a).json["items"] if one["id"] == kept} == {"recalled"}
