"""What an attacker found: each test fails on the code it was found in, and says what should be."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.approvals.second_person import Waiting
from app.audit import OPERATOR, Actor
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.chances import NoChances
from app.engagement.definitions import Kind
from app.engagement.events import book
from app.engagement.events import change as event_change
from app.engagement.events import states as event_states
from app.engagement.events.event import Event, EventMalformed
from app.ledger.post import lock_accounts
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.actors import staff_token
from tests.app.engagement.inviting import brought, referral, states
from tests.app.engagement.offering import THANKS, draft, live, lottery, play, round_of, work
from tests.app.engagement.test_events import GIFT
from tests.app.engagement.test_gifts import points, refund, sell
from tests.conftest import rows
from tests.coupons import live_template
from tests.events import asked as asks_for
from tests.events import attended, booked, event, given_up, session, terms
from tests.paying import PayShop, pay_address, pay_front, pay_shop, whole_pay_app
from tests.quoting import fill
from tests.rewards import asked, mugs
from tests.shop import Phone, Shop
from tests.surveys import writes

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


def test_what_was_said_of_an_event_is_erased_when_consent_is_taken_back(shop: Shop, engine: Engine) -> None:
    """app/withdrawal.py: what the member wrote to us in words is erased."""
    phone, clerk = shop.member(), shop.person("mei", Grant("clerk", shop.store.id))
    shop.earn(phone, 200)
    booking = attended(shop, phone, session(shop), clerk.staff_no)
    body = {"stars": 1, "comment": "我是王小明，电话 13800138000"}
    assert phone.post(f"/bookings/{booking}/feedback", json=body).status_code == 201
    withdraw(member_id=phone.member_id, now=clock.now())
    assert rows(engine, "SELECT count(*) FROM event_feedback WHERE comment <> ''") == [(0,)]


def office(shop: Shop, token: str, path: str, **options: Any) -> Any:
    return shop.app.test_client().open(
        f"/office/v1{path}", headers={"Authorization": f"Bearer {token}"}, **options
    )


def test_the_office_does_not_read_who_gave_how_many_stars_to_an_event(shop: Shop, engine: Engine) -> None:
    """docs/events.md: the back office reads them without names."""
    phone, clerk = shop.member("王小明"), shop.person("mei", Grant("clerk", shop.store.id))
    token = staff_token(shop.person("boss", Grant("manager", shop.store.id)).id)
    shop.earn(phone, 200)
    session_id = session(shop)
    booking = attended(shop, phone, session_id, clerk.staff_no)
    assert phone.post(f"/bookings/{booking}/feedback", json={"stars": 1, "comment": "糟"}).status_code == 201
    [listed] = office(shop, token, f"/event-bookings?session_id={session_id}").json["items"]
    assert listed["member_no"]
    assert listed.get("stars") is None
    assert listed.get("feedback_until") is None


def _dearer(made: Event) -> None:
    [one] = made.sessions
    event_change.change_session(
        event_id=made.event_id,
        session_id=one.session_id,
        version=made.version,
        terms=replace(one.terms, points=250),
        actor=OPERATOR,
        now=clock.now(),
    )


def _closed(made: Event) -> None:
    event_states.close(event_id=made.event_id, version=made.version, actor=OPERATOR, now=clock.now())


@pytest.mark.parametrize("office_does", [_dearer, _closed])
def test_a_seat_is_booked_as_the_session_is_when_it_is_taken(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch, office_does: Callable[[Event], None]
) -> None:
    """The office is faster between the look and the seat: a new price, or no more bookings."""
    phone = shop.member()
    shop.earn(phone, 300)
    made = event(shop, terms(points=100))

    def after_the_office(*asked_for: Any) -> None:
        other = threading.Thread(target=office_does, args=(made,))
        other.start()
        other.join(10)
        lock_accounts(*asked_for)

    monkeypatch.setattr(book, "lock_accounts", after_the_office)
    answered = asks_for(phone, made.sessions[0].session_id)
    assert answered.status_code == 409, answered.json


def test_a_session_without_an_end_in_sight_can_be_booked(shop: Shop, engine: Engine) -> None:
    """Or the office is told that it is too far away: nobody meets a 500."""
    phone = shop.member()
    shop.earn(phone, 200)
    try:
        far = session(shop, ends_at=datetime(9999, 12, 31, 12, tzinfo=UTC))
    except EventMalformed:
        return
    assert asks_for(phone, far).status_code == 201


def test_the_same_key_gives_the_same_thread_whatever_was_written_today(shop: Shop, engine: Engine) -> None:
    phone = shop.member()

    def opens(key: str) -> Any:
        body = {"category": "app", "body": "x"}
        return phone.post("/feedback", json=body, headers={"Idempotency-Key": key})

    keys = [uuid.uuid4().hex for _ in range(10)]
    first = [opens(key) for key in keys]
    assert [one.status_code for one in first] == [201] * 10
    assert opens(keys[-1]).json == first[-1].json


def test_a_store_is_not_told_the_receipts_of_another(shop: Shop, engine: Engine) -> None:
    """A thread about S002 that names a purchase in S001."""
    other, phone = shop.open_store("S002"), shop.member()
    sale = sell(shop, phone, 1_000)
    if writes(phone, store="S002", sale=sale).status_code == 422:
        return
    token = staff_token(shop.person("boss", Grant("manager", other.id)).id)
    [thread] = office(shop, token, "/feedback").json["items"]
    assert (thread["sale"], thread["receipt_no"]) == (None, None)


def test_a_key_of_another_request_gives_no_exchange_up(pay_shop: PayShop, engine: Engine) -> None:
    """Refused with 422, and nothing has happened."""
    phone, key = pay_shop.member(), uuid.uuid4().hex
    fill(phone, points=250)
    mug = mugs(pay_shop.shop, stock=5, price={"points": 100, "cash_fen": 990})
    made = asked(phone, mug, key=key, pay_by="wechat_pay").json
    headers = {"Idempotency-Key": key}
    assert phone.post(f"/reward-orders/{made['id']}/cancel", headers=headers).status_code == 422
    assert phone.get(f"/reward-orders/{made['id']}").json["state"] == "pending"
