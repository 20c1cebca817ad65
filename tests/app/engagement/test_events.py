"""Booking seats of an event: what it costs, who waits, what comes back, and who was there."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.engagement.events import book, change, states, sweep
from app.engagement.events.event import Event
from app.engagement.events.policy import EventPolicy
from app.ledger.post import lock_accounts
from app.staff.roles import Grant
from tests.conftest import rows
from tests.coupons import give, live_template
from tests.events import HOUR, asked, booked, event, given_up, inbox, moved, session, terms, waits
from tests.quoting import fill, set_policy
from tests.shop import Phone, Shop

GIFT = {"kind": "gift", "item_zh": "课程", "item_en": "A course"}


@pytest.fixture
def phones(shop: Shop) -> list[Phone]:
    found = [shop.member(name) for name in ("陈一二", "李三", "王五")]
    for phone in found:
        fill(phone, points=1_000)
    return found


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def seats(engine: Engine) -> object:
    return rows(engine, "SELECT taken FROM event_sessions")[0][0]


def test_a_seat_is_booked_for_points_in_the_store_of_the_event(
    shop: Shop, engine: Engine, phones: list[Phone]
) -> None:
    phone, sitting = phones[0], session(shop, seats_each=2)
    made = asked(phone, sitting, key="one", seats=2, points=200)
    assert made.status_code == 201
    told = made.json
    assert (told["state"], told["seats"], told["points"], told["title"]) == ("booked", 2, 200, "品鉴会")
    assert asked(phone, sitting, key="one", seats=2, points=200).data == made.data
    assert (points(phone), seats(engine)) == (800, 2)
    assert phone.get(f"/bookings/{told['id']}").json == told
    assert phone.get("/bookings").json["items"] == [told]
    assert rows(
        engine, "SELECT kind, store_id FROM ledger_transactions WHERE source_type = 'event_booking'"
    ) == [("spend", shop.store.id)]
    assert phone.get("/me/points/entries").json["items"][0]["text"] == "活动报名"


def test_what_is_on_is_told_with_why_it_cannot_be_booked(
    shop: Shop, engine: Engine, phones: list[Phone]
) -> None:
    now, phone = clock.now(), phones[0]
    shop.tier("gold")
    sessions = (
        terms(),
        terms(points=1_001, starts_at=now + 50 * HOUR),
        terms(opens_at=now + HOUR, starts_at=now + 51 * HOUR),
        terms(closes_at=now - HOUR, starts_at=now + 52 * HOUR),
        terms(
            points=0,
            template_id=live_template(now, effect=GIFT, without_sale=True),
            starts_at=now + 53 * HOUR,
        ),
        terms(points=0, seats=1, starts_at=now + 54 * HOUR),
        terms(points=0, starts_at=now + 55 * HOUR),
    )
    shown = event(shop, *sessions)
    event(shop, terms(), tiers=["gold"])
    free = event(shop, terms(points=0, starts_at=now + HOUR))
    booked(phones[1], shown.sessions[5].session_id, points=0)
    own = booked(phone, shown.sessions[6].session_id, points=0)
    first, second = phone.get("/events").json["items"]
    assert (first["id"], second["id"]) == (free.event_id, shown.event_id)
    reasons = [(one["reason"], one["available"]) for one in second["sessions"]]
    assert reasons == [
        (None, True), ("points", False), ("not_yet", False), ("closed", False), ("coupon", False), ("full", False),
        ("booked", False),
    ]  # fmt: skip
    assert second["sessions"][1]["text"] == "还差 1 积分"
    assert second["sessions"][6]["booking_id"] == own["id"]
    page = phone.get("/events?limit=1").json
    assert phone.get(f"/events?limit=1&cursor={page['next_cursor']}").json["items"] == [second]
    assert phone.get("/events?for_points=yes").json["items"] == [second]
    assert (
        phone.get(f"/events/{shown.event_id}", headers={"Accept-Language": "en"}).json["title"] == "Tasting"
    )


REFUSALS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("event_price_changed", {}, {"points": 99}),
    ("event_price_changed", {"points": 0}, {"points": 0, "template_id": "x"}),
    ("event_seats_each", {}, {"seats": 2, "points": 200}),
    ("not_enough", {"points": 1_001}, {"points": 1_001}),
    ("event_not_open", {"opens_at": clock.now() + HOUR}, {}),
    ("event_not_open", {"closes_at": clock.now() - HOUR}, {}),
]


@pytest.mark.parametrize(("code", "of_session", "wish"), REFUSALS)
def test_refused_nothing_has_happened(
    shop: Shop, engine: Engine, phones: list[Phone], code: str, of_session: Any, wish: Any
) -> None:
    refused = asked(phones[0], session(shop, **of_session), **wish)
    assert refused.json["code"] == code
    assert (seats(engine), points(phones[0])) == (0, 1_000)
    assert rows(engine, "SELECT count(*) FROM event_bookings") == [(0,)]


def test_who_books_what_is_closed_or_for_other_tiers_or_twice_is_refused(
    shop: Shop, engine: Engine, phones: list[Phone]
) -> None:
    shop.tier("gold")
    hidden = event(shop, terms(), tiers=["gold"]).sessions[0].session_id
    assert asked(phones[0], hidden).json["code"] == "not_found"
    live = event(shop, terms())
    sitting = live.sessions[0].session_id
    booked(phones[0], sitting)
    assert asked(phones[0], sitting).json["code"] == "event_already_booked"
    states.close(event_id=live.event_id, version=live.version, actor=OPERATOR, now=clock.now())
    assert asked(phones[1], sitting).json["code"] == "event_not_open"


def test_a_coupon_pays_and_comes_back(shop: Shop, engine: Engine, phones: list[Phone]) -> None:
    now, phone = clock.now(), phones[0]
    template = live_template(now, effect=GIFT, without_sale=True)
    sitting = session(shop, points=0, template_id=template)
    wish = {"points": 0, "template_id": template}
    assert asked(phone, sitting, **wish).json["code"] == "event_coupon_missing"
    [coupon] = give(template, phone.member_id, now)
    made = booked(phone, sitting, **wish)
    assert made["by_coupon"]
    assert rows(engine, "SELECT state FROM coupons") == [("used",)]
    # What a booking used is given back with the booking, not by hand at a till.
    [(redemption,)] = rows(engine, "SELECT id FROM coupon_redemptions WHERE terminal_id IS NULL")
    manager = shop.person("mia", Grant("manager", shop.store.id))
    undo = shop.till.post(f"/coupon-redemptions/{redemption}/undo", {"staff_no": manager.staff_no})
    assert (undo.json["code"], undo.json["reason"]) == ("redemption_stays", "with_booking")
    assert given_up(phone, made["id"]).status_code == 200
    assert rows(engine, "SELECT id, state FROM coupons") == [(coupon, "held")]


def test_in_time_everything_comes_back_and_too_late_what_the_policy_says(
    shop: Shop, engine: Engine, phones: list[Phone]
) -> None:
    phone, other, third = phones
    sitting = session(shop, points=99)
    first, second, last = (booked(one, sitting, points=99) for one in phones)
    undone = given_up(phone, first["id"], key="k").json
    assert (undone["state"], undone["points_back"], undone["cancelled_for"]) == ("cancelled", 99, "member")
    assert given_up(phone, first["id"], key="k").json == undone
    assert given_up(phone, first["id"]).json["code"] == "event_booking_over"
    assert phone.get("/me/points/entries").json["items"][0]["text"] == "取消报名返还"
    moved(sitting, clock.now() + 23 * HOUR)
    assert given_up(other, second["id"]).json["points_back"] == 0
    set_policy(EventPolicy, late_return_percent=50)
    assert given_up(third, last["id"]).json["points_back"] == 49
    assert [points(one) for one in phones] == [1_000, 901, 950]
    assert seats(engine) == 0
    assert given_up(third, first["id"]).json["code"] == "not_found"


def test_who_waits_has_paid_and_comes_up_in_turn(shop: Shop, engine: Engine, phones: list[Phone]) -> None:
    phone, second, third = phones
    sitting = session(shop, seats=1)
    made = booked(phone, sitting)
    assert asked(second, sitting).json["code"] == "event_full"
    before, behind = waits(second, sitting), waits(third, sitting)
    assert (before["position"], behind["position"], points(second)) == (1, 2, 900)
    # The time to give up in full is over for seats that were booked; not for one that comes up afterwards.
    moved(sitting, clock.now() + HOUR)
    assert given_up(phone, made["id"]).status_code == 200
    up = second.get(f"/bookings/{before['id']}").json
    assert (up["state"], up["position"], up["cancel_until"]) == ("booked", None, up["starts_at"])
    assert third.get(f"/bookings/{behind['id']}").json["position"] == 1
    assert given_up(second, before["id"]).json["points_back"] == 100
    assert third.get(f"/bookings/{behind['id']}").json["state"] == "booked"
    assert [one["title"] for one in inbox(shop, third)] == ["候补成功"]


def test_a_seat_goes_to_the_first_for_whom_it_is_enough(
    shop: Shop, engine: Engine, phones: list[Phone]
) -> None:
    phone, second, third = phones
    live = event(shop, terms(seats=2, seats_each=2, points=0))
    sitting = live.sessions[0].session_id
    booked(phone, sitting, points=0)
    two = waits(second, sitting, points=0, seats=2)
    one = booked(third, sitting, points=0)
    assert one["state"] == "booked"
    assert given_up(third, one["id"]).status_code == 200
    assert second.get(f"/bookings/{two['id']}").json["state"] == "waiting"
    # One more chair, and there are two.
    [wanted] = live.sessions
    more = terms(
        **{name: getattr(wanted.terms, name) for name in wanted.terms.__dataclass_fields__} | {"seats": 3}
    )
    given = {"event_id": live.event_id, "session_id": sitting, "actor": OPERATOR, "now": clock.now()}
    changed = change.change_session(**given, version=live.version, terms=more)
    assert second.get(f"/bookings/{two['id']}").json["state"] == "booked"
    assert changed.sessions[0].booked == 3
    with pytest.raises(change.EventSeatsBelow):
        change.change_session(**given, version=changed.version, terms=terms(**vars(more) | {"seats": 2}))
    with pytest.raises(change.EventBooked):
        change.change_session(**given, version=changed.version, terms=terms(**vars(more) | {"points": 1}))


def test_what_is_called_off_comes_back_to_everybody_with_a_message(
    shop: Shop, engine: Engine, phones: list[Phone]
) -> None:
    template = live_template(clock.now(), effect=GIFT, without_sale=True)
    give(template, phones[2].member_id, clock.now())
    live = event(
        shop, terms(seats=1), terms(points=0, template_id=template, starts_at=clock.now() + 60 * HOUR)
    )
    first, second = (one.session_id for one in live.sessions)
    booked(phones[0], first)
    waits(phones[1], first)
    booked(phones[2], second, points=0, template_id=template)
    note = {"note": "flood", "actor": OPERATOR, "now": clock.now()}
    moved(first, clock.now() + HOUR)
    states.cancel(event_id=live.event_id, version=live.version, **note)
    assert asked(phones[2], first).json["code"] == "event_not_open"
    # Faster than the worker, and late: but it does not take place.
    fast = phones[0].get("/bookings").json["items"][0]["id"]
    assert given_up(phones[0], fast).json["points_back"] == 100
    assert (sweep.sweep(now=clock.now()), sweep.sweep(now=clock.now())) == (2, 0)
    assert [points(phone) for phone in phones] == [1_000] * 3
    assert rows(engine, "SELECT state FROM coupons") == [("held",)]
    assert rows(engine, "SELECT DISTINCT state, cancelled_for FROM event_bookings ORDER BY 2") == [
        ("cancelled", "member"),
        ("cancelled", "shop"),
    ]
    [told] = inbox(shop, phones[1])
    assert (told["title"], "已退回100积分" in told["body"]) == ("活动取消通知", True)
    with pytest.raises(change.EventOver):
        states.publish(event_id=live.event_id, version=live.version + 1, actor=OPERATOR, now=clock.now())


def test_one_session_called_off_leaves_the_others(shop: Shop, engine: Engine, phones: list[Phone]) -> None:
    live = event(shop, terms(), terms(starts_at=clock.now() + 60 * HOUR))
    first, second = (one.session_id for one in live.sessions)
    booked(phones[0], first)
    kept = booked(phones[0], second)
    note = {"note": "rain", "actor": OPERATOR, "now": clock.now()}
    given = {"event_id": live.event_id, "session_id": first, **note}
    again = states.cancel_session(**given, version=live.version)
    with pytest.raises(change.EventOver):
        states.cancel_session(**given, version=again.version)
    assert sweep.sweep(now=clock.now()) == 1
    assert phones[0].get(f"/bookings/{kept['id']}").json["state"] == "booked"
    assert points(phones[0]) == 900


def _dearer(made: Event) -> None:
    [one] = made.sessions
    change.change_session(
        event_id=made.event_id,
        session_id=one.session_id,
        version=made.version,
        terms=replace(one.terms, points=250),
        actor=OPERATOR,
        now=clock.now(),
    )


def _closed(made: Event) -> None:
    states.close(event_id=made.event_id, version=made.version, actor=OPERATOR, now=clock.now())


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
        other.join(60)
        lock_accounts(*asked_for)

    monkeypatch.setattr(book, "lock_accounts", after_the_office)
    answered = asked(phone, made.sessions[0].session_id)
    assert answered.status_code == 409, answered.json
