"""Coupons taken back: what is held goes, what was used stays, and a use and a recall at once are one or the other."""

import uuid
from typing import Any

import pytest
from sqlalchemy import Engine, insert, text, update

from app import clock, db
from app.audit import OPERATOR
from app.coupons import void as voiding
from app.coupons.models import Coupon, CouponEvent, CouponRedemption
from app.coupons.policy import CouponPolicy
from app.ids import new_id
from app.policies import change, standing
from tests.actors import Actors
from tests.conftest import rows
from tests.coupons import give, live_template
from tests.office_api.test_coupon_grant_routes import decided, granted, numbers
from tests.racing import race
from tests.shop import Shop

PATH = "/office/v1/coupon-recalls"


@pytest.fixture
def actors(shop: Shop) -> Actors:
    return Actors(shop)


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


_USE = text("""
    UPDATE coupons SET used = used + 1,
        state = CASE WHEN used + 1 = uses + restored THEN 'used' ELSE 'held' END
    WHERE id = :id AND state = 'held' RETURNING used, member_id""")


def use(actors: Actors, coupon_id: str) -> bool:
    """A use by itself, as it is written; False when the coupon is not held any more."""
    now = clock.now()
    with db.transaction() as session:
        taken = session.execute(_USE, {"id": coupon_id}).one_or_none()
        if taken is None:
            return False
        redemption = {
            "id": new_id(now),
            "coupon_id": coupon_id,
            "use_no": taken.used,
            "member_id": taken.member_id,
            "store_id": actors.shop.store.id,
            "terminal_id": 1,
            "discount_fen": 0,
            "occurred_at": now,
            "business_date": now.date(),
        }
        session.execute(insert(CouponRedemption).values(redemption))
        event = {"kind": "redeemed", "redemption_id": redemption["id"], "at": now}
        session.execute(insert(CouponEvent).values(coupon_id=coupon_id, member_id=taken.member_id, **event))
    return True


def states(engine: Engine) -> list[str]:
    return [str(state) for (state,) in rows(engine, "SELECT state FROM coupons ORDER BY coupon_no")]


def test_held_coupons_go_and_used_ones_stay(actors: Actors, engine: Engine) -> None:
    template = live_template(clock.now(), effect={"kind": "free"}, uses=3, use_value_fen=1_500)
    card, fresh, spent = give(template, actors.a.member_id, clock.now(), 3)
    assert use(actors, card)
    assert [use(actors, spent) for _ in range(3)] == [True] * 3
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
    assert not use(actors, card)
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
    assert use(actors, coupons[0])
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
            return int(use(actors, coupons[n // 2 % len(coupons)])), 0
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


def test_without_the_state_in_the_statement_both_would_count(
    actors: Actors, monkeypatch: pytest.MonkeyPatch, unaudited_engine: Engine
) -> None:
    """The control, step by step: a recall that does not ask for the state takes what was used."""
    template = live_template(clock.now())
    [coupon] = give(template, actors.a.member_id, clock.now())
    assert use(actors, coupon)
    blind = voiding._VOID.text.replace("AND c.state = 'held'", "")
    monkeypatch.setattr(voiding, "_VOID", text(blind))
    assert recalled(actors, coupon_ids=[coupon]).json["recalled"] == 1
    with db.transaction() as session:  # as it was, so that the books are sound
        session.execute(update(Coupon).where(Coupon.id == coupon).values(state="used"))
    with unaudited_engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("DELETE FROM coupon_events WHERE kind = 'recalled'"))
        connection.execute(text("DELETE FROM coupon_recalls"))


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
