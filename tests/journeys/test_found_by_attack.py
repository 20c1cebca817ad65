"""What an attacker found: each test fails on the code it was found in, and says what should be."""

import threading
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.approvals.second_person import ApprovalOutdated, Waiting
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.earned_by import stop_used_up_promotions
from app.engagement.events import book
from app.engagement.events import change as event_change
from app.engagement.events import states as event_states
from app.engagement.events.event import Event, EventMalformed
from app.engagement.rewards import change_item
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from app.ledger.post import lock_accounts
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.actors import staff_token
from tests.app.engagement.offering import draft, live, work
from tests.app.engagement.test_gifts import sell
from tests.conftest import rows
from tests.events import asked as asks_for
from tests.events import attended, event, session, terms
from tests.paying import pay_address, pay_front, pay_shop, whole_pay_app
from tests.rewards import CUP, asked, mugs
from tests.shop import Shop
from tests.surveys import writes

__all__ = ["pay_address", "pay_front", "pay_shop", "whole_pay_app"]
HOUR = timedelta(hours=1)


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
