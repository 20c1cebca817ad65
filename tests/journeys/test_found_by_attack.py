"""What an attacker found: each test fails on the code it was found in, and says what should be."""

import uuid
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.approvals.second_person import ApprovalOutdated, Waiting
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.chances import NoChances
from app.engagement.definitions import Kind
from app.engagement.earned_by import stop_used_up_promotions
from app.engagement.rewards import change_item
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.app.engagement.inviting import brought, referral, states
from tests.app.engagement.offering import THANKS, draft, live, lottery, play, round_of, work
from tests.app.engagement.test_events import GIFT
from tests.app.engagement.test_gifts import points, refund, sell
from tests.conftest import rows
from tests.coupons import live_template
from tests.events import booked, given_up, session
from tests.paying import PayShop, pay_address, pay_front, pay_shop, whole_pay_app
from tests.quoting import fill
from tests.rewards import CUP, asked, mugs
from tests.shop import Phone, Shop

__all__ = ["pay_address", "pay_front", "pay_shop", "whole_pay_app"]
HOUR = timedelta(hours=1)


def draws(shop: Shop, prizes: Activity, phone: Phone, key: str) -> int:
    """One with a chance, if there is one."""
    try:
        play(shop, prizes, phone.member_id, key, payment="chance")
    except NoChances:
        return 0
    return 1


def test_chances_that_were_drawn_are_not_given_again_for_the_next_purchase(
    shop: Shop, engine: Engine
) -> None:
    """Buy, draw, send back, buy again: every round is a free draw, and no budget counts chances."""
    prizes = lottery(cost_points=None, prizes=[THANKS], fallback=1)
    round_of(shop, prizes)
    referral(inviter={"lottery": prizes.id, "chances": 1}, newcomer={"points": 1}, most=1)
    inviter = shop.member()
    friend = brought(shop, inviter)
    drawn = 0
    for step in (-1, 0, 1):
        sale = sell(shop, friend, 1_000, step)
        work(shop.app)
        drawn += draws(shop, prizes, inviter, f"k{step}")
        refund(shop, sale)
        work(shop.app)
    assert drawn == 1


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


def test_nobody_alone_gives_chances_that_draw_without_end(shop: Shop, engine: Engine) -> None:
    """A prize that "pays for itself" with what a draw costs is free for whoever draws with a chance."""
    actor, now = Actor(type="staff", id=shop.person("one", Grant("admin", None)).id), clock.now()

    def put_on(kind: Kind, **what: Any) -> Activity | Waiting:
        made = change.create(draft=draft(kind, **what), actor=actor, now=now)
        return change.publish(activity_id=made.id, version=1, actor=actor, now=now)

    prize = {"name_zh": "二百", "name_en": "200", "weight": 1, "reward": {"points": 200}}
    prizes = put_on("lottery", prizes=[prize], fallback=1, cost_points=200, draws_a_day=100)
    if isinstance(prizes, Waiting):
        return
    daily = put_on("check_in", days=[{"lottery": prizes.id, "chances": 50}])
    if isinstance(daily, Waiting):
        return
    round_of(shop, prizes)
    phone = shop.member()
    phone.post("/check-ins", json={"activity_id": daily.id}, headers={"Idempotency-Key": uuid.uuid4().hex})
    assert sum(draws(shop, prizes, phone, f"k{n}") for n in range(50)) == 50
    assert points(phone) == 0  # 10,000, and the same tomorrow, for every member


def test_a_used_up_budget_does_not_keep_a_reward_from_being_taken_back(shop: Shop, engine: Engine) -> None:
    """The next purchase is looked at in the same savepoint: what was taken back is undone with it."""
    referral(points_most=50)
    inviter = shop.member()
    friend = brought(shop, inviter)
    first = sell(shop, friend, 1_000, -1)
    work(shop.app)
    sell(shop, friend, 1_000, 0)
    work(shop.app)
    refund(shop, first)
    work(shop.app)
    assert (states(engine), points(inviter)) == ([("taken_back", None)], 0)


def test_a_coupon_of_a_reward_that_was_taken_back_does_not_come_back(shop: Shop, engine: Engine) -> None:
    """It pays for a seat while the purchase is sent back; then the seat is given up in time."""
    template = live_template(clock.now(), effect=GIFT, without_sale=True)
    referral(newcomer={"coupon_template": template, "coupons": 1})
    friend = brought(shop, shop.member())
    sale = sell(shop, friend, 1_000)
    work(shop.app)
    wish = {"points": 0, "template_id": template}
    seat = booked(friend, session(shop, **wish), **wish)
    refund(shop, sale)
    work(shop.app)
    assert states(engine) == [("taken_back", None)]
    assert given_up(friend, seat["id"]).status_code == 200
    assert rows(engine, "SELECT count(*) FROM coupons WHERE state = 'held'") == [(0,)]


def office(shop: Shop, token: str, path: str, **options: Any) -> Any:
    return shop.app.test_client().open(
        f"/office/v1{path}", headers={"Authorization": f"Bearer {token}"}, **options
    )


def promotion(**what: Any) -> Activity:
    return live("promotion", **what)


def taken_out(wanted: Item, actor: Actor = OPERATOR) -> Item:
    """Not in the mall until a promotion puts it there."""
    stopped = change_item.set_state(
        item_id=wanted.item_id, version=wanted.version, state="stopped", actor=actor, now=clock.now()
    )
    assert isinstance(stopped, Item)
    return stopped


def test_items_of_a_promotion_are_not_in_the_mall_before_it_begins(shop: Shop, engine: Engine) -> None:
    """docs/activities.md: reward items are in the mall while it is on."""
    phone, mug = shop.member(), mugs(shop)
    shop.earn(phone, 200)
    taken_out(mug)
    now = clock.now()
    promotion(items=[mug.item_id], starts_at=now + 24 * HOUR, ends_at=now + 48 * HOUR)
    assert asked(phone, mug).json.get("code") == "reward_not_available"


def test_items_of_a_promotion_leave_the_mall_when_it_ends(shop: Shop, engine: Engine) -> None:
    phone, mug = shop.member(), mugs(shop)
    shop.earn(phone, 200)
    taken_out(mug)
    activity = promotion(items=[mug.item_id], ends_at=clock.now() + HOUR)
    with engine.begin() as connection:  # as if it had been on until a minute ago
        connection.execute(
            text("UPDATE activities SET starts_at = :a, ends_at = :b WHERE id = :id"),
            {"a": clock.now() - HOUR, "b": clock.now() - HOUR / 60, "id": activity.id},
        )
    stop_used_up_promotions(now=clock.now())
    work(shop.app)
    assert asked(phone, mug).json.get("code") == "reward_not_available"


def test_a_second_person_agrees_to_the_items_as_they_saw_them(shop: Shop, engine: Engine) -> None:
    """Asked with a fair item; while it waits, the item, which is stopped, is changed by one person alone."""
    one, two = (shop.person(name, Grant("admin", None)) for name in ("one", "two"))
    actor, now = Actor(type="staff", id=one.id), clock.now()
    places = [Place(store_id=shop.store.id, stock=10)]
    fair = reward_of(CUP | {"cost_fen": 200, "price": {"points": 200}})
    mug = change_item.create(reward=fair, places=places, actor=actor, now=now)
    assert isinstance(mug, Item)
    mug = taken_out(mug, actor)
    made = change.create(
        draft=draft("promotion", items=[mug.item_id], factor_bp=40_000, ends_at=now + HOUR),
        actor=actor,
        now=now,
    )
    waiting = change.publish(activity_id=made.id, version=1, actor=actor, now=now)
    assert isinstance(waiting, Waiting)
    assert {why.field for why in waiting.why} == {"alone_factor_bp"}
    gold = reward_of(CUP | {"cost_fen": 500_000, "price": {"points": 1}})
    changed = change_item.change(
        item_id=mug.item_id, version=mug.version, reward=gold, places=[replace(places[0], stock=1_000)],
        actor=actor, now=now,
    )  # fmt: skip
    assert not isinstance(changed, Waiting)
    with pytest.raises(ApprovalOutdated):
        decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=two.id, now=clock.now())
    assert rows(engine, "SELECT state FROM reward_items") == [("stopped",)]


def test_stopping_one_promotion_leaves_the_items_of_another_in_the_mall(shop: Shop, engine: Engine) -> None:
    phone, mug = shop.member(), mugs(shop)
    shop.earn(phone, 200)
    first, _ = promotion(items=[mug.item_id]), promotion(items=[mug.item_id])
    change.stop(activity_id=first.id, version=first.version, actor=OPERATOR, now=clock.now())
    assert asked(phone, mug).status_code == 201


def test_the_rule_of_a_promotion_is_changed_with_it_only(shop: Shop, engine: Engine) -> None:
    """Without an end it outlives the promotion and its budget, and no check tells: that one is still `live`."""
    token = staff_token(shop.person("one", Grant("admin", None)).id)
    promotion(factor_bp=20_000, points_most=10, ends_at=clock.now() + HOUR)
    [rule] = [one for one in office(shop, token, "/earn-rules").json["items"] if one["kind"] == "multiplier"]
    same = ("name_zh", "name_en", "kind", "version", "factor_bp")
    changed = office(
        shop,
        token,
        f"/earn-rules/{rule['rule_no']}",
        method="PUT",
        json={name: rule[name] for name in same},
    )
    assert changed.status_code == 409, changed.json


def test_every_promotions_budget_is_watched(shop: Shop, engine: Engine) -> None:
    """Not only those of the hundred oldest."""
    ends = clock.now() + HOUR
    for _ in range(100):
        promotion(factor_bp=10_100, points_most=1_000_000, ends_at=ends)
    last = promotion(factor_bp=20_000, points_most=5, ends_at=ends)
    shop.earn(shop.member(), 100)
    stop_used_up_promotions(now=clock.now())
    assert rows(engine, f"SELECT state FROM activities WHERE id = '{last.id}'") == [("stopped",)]


def test_a_key_of_another_request_gives_no_exchange_up(pay_shop: PayShop, engine: Engine) -> None:
    """Refused with 422, and nothing has happened."""
    phone, key = pay_shop.member(), uuid.uuid4().hex
    fill(phone, points=250)
    mug = mugs(pay_shop.shop, stock=5, price={"points": 100, "cash_fen": 990})
    made = asked(phone, mug, key=key, pay_by="wechat_pay").json
    headers = {"Idempotency-Key": key}
    assert phone.post(f"/reward-orders/{made['id']}/cancel", headers=headers).status_code == 422
    assert phone.get(f"/reward-orders/{made['id']}").json["state"] == "pending"
