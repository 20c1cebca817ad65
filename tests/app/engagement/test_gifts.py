"""Gifts for joining, for the first purchase and for a whole profile: once, and taken back when the reason is gone."""

import itertools
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.engagement import gift_rules, gifts
from app.engagement.change import stop
from app.staff.roles import Grant
from app.withdrawal import withdraw
from app.work import fact_relay, tell_consumers
from tests.app.engagement.offering import THANKS, draws, live, lottery, round_of, work
from tests.conftest import rows
from tests.coupons import live_template
from tests.phones import bound
from tests.racing import race
from tests.shop import Phone, Shop

_clerks = itertools.count(1)


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def sell(shop: Shop, phone: Phone, fen: int, step: int = 0) -> str:
    sold = shop.till.sell(shop.till.ticket(shop.code(phone, steps=step)), fen)
    assert sold.status_code == 201, sold.json
    return str(sold.json["id"])


def refund(shop: Shop, sale_id: str, reason: str = "returned", **wanted: Any) -> None:
    clerk = shop.person(f"clerk-{next(_clerks)}", Grant("clerk", shop.store.id))
    body = {"refund_no": f"R{sale_id[-8:]}", "reason": reason, "staff_no": clerk.staff_no, **wanted}
    done = shop.till.post(f"/sales/{sale_id}/refunds", body)
    assert done.status_code == 201, done.json


def test_who_joins_is_welcomed_once(shop: Shop, engine: Engine) -> None:
    live("welcome", reward={"points": 20, "lifetime_days": 30})
    phone = shop.member()
    assert points(phone) == 0
    work(shop.app)
    work(shop.app)
    assert points(phone) == 20
    assert rows(engine, "SELECT source, points FROM activity_grants") == [("joined", 20)]
    assert rows(engine, "SELECT count(*) FROM gifts_due") == [(0,)]


def test_who_joined_before_or_after_is_not(shop: Shop, engine: Engine) -> None:
    shop.member()
    work(shop.app)
    activity = live("welcome", reward={"points": 20})
    stop(activity_id=activity.id, version=activity.version, actor=OPERATOR, now=clock.now())
    shop.member()
    work(shop.app)
    assert rows(engine, "SELECT count(*) FROM activity_grants") == [(0,)]


def test_who_has_taken_consent_back_gets_nothing(shop: Shop, engine: Engine) -> None:
    live("welcome", reward={"points": 20})
    withdraw(member_id=shop.member().member_id, now=clock.now())
    work(shop.app)
    assert rows(engine, "SELECT count(*) FROM activity_grants") == [(0,)]


def test_a_whole_profile_brings_its_gift_once(shop: Shop, engine: Engine) -> None:
    live("profile", reward={"points": 30}, fields=["name", "birthday", "phone"])
    phone = shop.member()
    assert phone.patch("/me", json={"name": "陈一"}).status_code == 200
    assert phone.patch("/me", json={"birthday": date(1990, 5, 1).isoformat()}).status_code == 200
    work(shop.app)
    assert points(phone) == 0
    bound(shop, phone)
    assert phone.patch("/me", json={"name": "陈二"}).status_code == 200
    work(shop.app)
    assert points(phone) == 30


def test_only_the_first_purchase_counts(shop: Shop, engine: Engine) -> None:
    live("first_order", reward={"points": 50}, at_least_fen=1_000)
    phone, small = shop.member(), shop.member()
    sell(shop, phone, 2_000)
    sell(shop, phone, 3_000, 1)
    sell(shop, small, 900)
    sell(shop, small, 5_000, 1)
    work(shop.app)
    assert (points(phone), points(small)) == (50 + 20 + 30, 9 + 50)


def test_a_refund_of_all_takes_it_back_and_of_a_part_does_not(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now())
    reward = {"points": 50, "coupon_template": template, "coupons": 1}
    live("first_order", reward=reward)
    phone = shop.member()
    sale = sell(shop, phone, 2_000)
    work(shop.app)
    assert points(phone) == 70
    refund(shop, sale, amount_fen=500)
    work(shop.app)
    assert rows(engine, "SELECT taken_back_at FROM activity_grants") == [(None,)]
    refund(shop, sale, refund_no="R-rest", amount_fen=1_500)
    work(shop.app)
    assert points(phone) == 0
    assert rows(engine, "SELECT state FROM coupons") == [("void",)]
    sell(shop, phone, 2_000, 1)
    work(shop.app)
    assert points(phone) == 20  # it is no first purchase any more


def test_a_sale_that_should_not_have_been_recorded_is_no_first_one(shop: Shop, engine: Engine) -> None:
    live("first_order", reward={"points": 50})
    phone = shop.member()
    refund(shop, sell(shop, phone, 2_000), "void")
    work(shop.app)
    assert points(phone) == 0
    sell(shop, phone, 2_000, 1)
    work(shop.app)
    assert points(phone) == 70


def test_chances_of_a_first_purchase_that_was_void_are_not_given_again(shop: Shop, engine: Engine) -> None:
    prizes = lottery(cost_points=None, prizes=[THANKS], fallback=1)
    round_of(shop, prizes)
    live("first_order", reward={"lottery": prizes.id, "chances": 1})
    phone, drawn = shop.member(), 0
    for step in (-1, 0, 1):
        sale = sell(shop, phone, 1_000, step)
        work(shop.app)
        drawn += draws(shop, prizes, phone, f"k{step}")
        refund(shop, sale, "void")
        work(shop.app)
    assert drawn == 1


def test_the_log_names_the_activity_that_gave_or_took_back(shop: Shop, engine: Engine) -> None:
    live("first_order", reward={"points": 50}, name_zh="首单礼", name_en="First purchase")
    phone = shop.member()
    sale = sell(shop, phone, 2_000)
    work(shop.app)
    refund(shop, sale)
    work(shop.app)

    def texts(words: str) -> list[str]:
        told = phone.get("/me/points/entries", headers={"Accept-Language": words}).json["items"]
        return [one["text"] for one in told if one["reason"].startswith("activity")]

    assert texts("zh") == ["活动赠送收回：首单礼", "活动赠送：首单礼"]
    assert texts("en") == ["Activity reward taken back: First purchase", "Activity reward: First purchase"]


def test_a_gift_that_fails_rests_and_keeps_no_other_from_its_turn(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    live("welcome", reward={"points": 20})
    unlucky, lucky = shop.member(), shop.member()
    whole = gift_rules.participant

    def fails(connection: Any, member_id: int) -> Any:
        if member_id == unlucky.member_id:
            raise RuntimeError("a defect")
        return whole(connection, member_id)

    with monkeypatch.context() as patched:
        patched.setattr(gift_rules, "participant", fails)
        work(shop.app)
    assert (points(unlucky), points(lucky)) == (0, 20)
    [(failures, waits)] = rows(engine, "SELECT failures, next_at > at + interval '4 seconds' FROM gifts_due")
    assert (failures, waits) == (1, True)
    [(at,)] = rows(engine, "SELECT next_at FROM gifts_due")
    gifts.give_due(now=at)  # type: ignore[arg-type]
    assert rows(engine, "SELECT balance FROM ledger_accounts ORDER BY member_id") == [(20,), (20,)]


def test_many_workers_give_a_gift_once(shop: Shop, engine: Engine) -> None:
    live("welcome", reward={"points": 20})
    phone = shop.member()
    tell_consumers(fact_relay(shop.parts), clock.now())
    now = clock.now()
    assert sum(race(16, lambda _: gifts.give_due(now=now))) == 1
    assert points(phone) == 20
