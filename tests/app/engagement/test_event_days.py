"""When an event is, who comes, and what becomes of the others."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app import clock
from app.engagement.events import sweep
from app.engagement.events.event import EventMalformed
from app.engagement.events.when import when
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.app.stored_value.offering import ticket
from tests.conftest import rows
from tests.events import (
    HOUR,
    attended,
    booked,
    ended,
    event,
    given_up,
    inbox,
    moved,
    session,
    soon,
    terms,
    waits,
)
from tests.quoting import fill
from tests.shop import Phone, Shop


@pytest.fixture
def phones(shop: Shop) -> list[Phone]:
    found = [shop.member(name) for name in ("陈一二", "李三", "王五")]
    for phone in found:
        fill(phone, points=1_000)
    return found


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def test_at_the_door_the_code_finds_what_is_booked_today_and_lets_in_once(
    shop: Shop, engine: Engine, phones: list[Phone], anna: StaffView
) -> None:
    phone, sitting = phones[0], session(shop)
    made, opened = booked(phone, sitting), ticket(shop, phone)
    path, body = f"/bookings/{made['id']}/check-in", {"ticket": opened, "staff_no": anna.staff_no}
    assert shop.till.get(f"/bookings?ticket={opened}").json["items"] == []
    assert shop.till.post(path, body).json["code"] == "event_not_now"
    moved(sitting, soon())
    [listed] = shop.till.get(f"/bookings?ticket={opened}").json["items"]
    assert (listed["id"], listed["member"]) == (made["id"], "陈**")
    done = shop.till.post(path, body, "k")
    assert (done.status_code, done.json["state"]) == (201, "attended")
    assert shop.till.post(path, body, "k").data == done.data
    again = shop.till.post(path, body, headers={"Accept-Language": "en"}).json
    assert (again["code"], "checked in" in again["detail"]) == ("event_booking_over", True)
    assert given_up(phone, made["id"]).json["code"] == "event_booking_over"
    elsewhere = shop.open_store("S002") and shop.add_till("S002", "T2")
    boss = shop.person("boss", Grant("admin", None))
    there = {"ticket": ticket(shop, phone, till=elsewhere), "staff_no": boss.staff_no}
    assert elsewhere.post(path, there).json["code"] == "not_found"
    assert rows(engine, "SELECT actor_id FROM audit_log WHERE action = 'event.check_in'") == [(anna.id,)]


def test_who_did_not_come_is_noted_and_who_waited_in_vain_gets_everything_back(
    shop: Shop, engine: Engine, phones: list[Phone], anna: StaffView
) -> None:
    sitting, small = session(shop), session(shop, seats=1)
    booked(phones[0], sitting)
    attended(shop, phones[1], sitting, anna.staff_no)
    booked(phones[0], small)
    waits(phones[2], small)
    over = clock.now() + 3 * HOUR
    assert sweep.sweep(now=over) == 1
    moved(small, clock.now() - timedelta(seconds=1))
    assert (sweep.sweep(now=over), sweep.sweep(now=over)) == (2, 0)
    found = rows(engine, "SELECT state, cancelled_for, count(*) FROM event_bookings GROUP BY 1, 2 ORDER BY 1")
    assert found == [("attended", None, 1), ("cancelled", "not_reached", 1), ("no_show", None, 2)]
    assert (points(phones[0]), points(phones[2])) == (800, 1_000)
    assert [one["title"] for one in inbox(shop, phones[2], later=4 * HOUR)] == ["候补未成功"]


def test_who_was_there_says_once_how_it_was(
    shop: Shop, engine: Engine, phones: list[Phone], anna: StaffView
) -> None:
    sitting = session(shop)
    absent = booked(phones[1], sitting)
    made = attended(shop, phones[0], sitting, anna.staff_no)
    early = phones[0].get(f"/bookings/{made}").json
    assert (early["state"], early["feedback_until"]) == ("attended", None)
    assert phones[0].post(f"/bookings/{made}/feedback", json={"stars": 4}).status_code == 409
    ended(sitting)
    assert phones[0].get(f"/bookings/{made}").json["feedback_until"]
    said = {"stars": 4, "comment": "很好"}
    assert (
        phones[1].post(f"/bookings/{absent['id']}/feedback", json=said).json["code"]
        == "event_feedback_closed"
    )
    assert phones[0].post(f"/bookings/{made}/feedback", json={"stars": 6}).status_code == 422
    told = phones[0].post(f"/bookings/{made}/feedback", json=said)
    assert (told.status_code, told.json["stars"], told.json["feedback_until"]) == (201, 4, None)
    assert phones[0].post(f"/bookings/{made}/feedback", json=said).json["code"] == "event_feedback_given"


def test_what_was_said_of_an_event_is_erased_when_consent_is_taken_back(
    shop: Shop, engine: Engine, phones: list[Phone], anna: StaffView
) -> None:
    """The stars stay; nobody changes what was said."""
    sitting = session(shop)
    came = [(phone, attended(shop, phone, sitting, anna.staff_no)) for phone in phones[:2]]
    ended(sitting)
    for phone, booking in came:
        body = {"stars": 1, "comment": "我是王小明，电话 13800138000"}
        assert phone.post(f"/bookings/{booking}/feedback", json=body).status_code == 201
    with engine.connect() as connection:
        for change in ("UPDATE event_feedback SET comment = 'x'", "UPDATE event_feedback SET stars = 5"):
            with connection.begin(), pytest.raises(DBAPIError):
                connection.execute(text(change))
    withdraw(member_id=phones[0].member_id, now=clock.now())
    found = rows(engine, "SELECT stars, comment <> '' FROM event_feedback ORDER BY 2")
    assert found == [(1, False), (1, True)]


def test_the_seat_of_a_member_who_has_left_goes_to_who_waits(
    shop: Shop, engine: Engine, phones: list[Phone]
) -> None:
    sitting = session(shop, seats=1)
    booked(phones[0], sitting)
    behind = waits(phones[1], sitting)
    withdraw(member_id=phones[0].member_id, now=clock.now())
    assert sweep.sweep(now=clock.now()) == 1
    assert phones[1].get(f"/bookings/{behind['id']}").json["state"] == "booked"
    assert rows(
        engine, "SELECT cancelled_for, points_back FROM event_bookings WHERE state = 'cancelled'"
    ) == [("withdrawn", 100)]


MALFORMED: list[tuple[str, dict[str, Any]]] = [
    ("ends_at", {"ends_at": clock.now()}),
    ("2199", {"ends_at": datetime(9999, 12, 31, 12, tzinfo=UTC)}),
    ("2199", {"opens_at": datetime(1, 1, 1, tzinfo=UTC)}),
    ("closes_at", {"closes_at": clock.now() + 60 * HOUR}),
    ("opens_at", {"opens_at": clock.now() + 50 * HOUR}),
    ("seats_each", {"seats_each": 4}),
    ("template_id", {"template_id": "none"}),
    ("no such template", {"points": 0, "template_id": "none"}),
    ("past", {"starts_at": clock.now() - 3 * HOUR}),
]


@pytest.mark.parametrize(("word", "of_session"), MALFORMED)
def test_a_session_must_fit_together(shop: Shop, engine: Engine, word: str, of_session: Any) -> None:
    with pytest.raises(EventMalformed) as refused:
        event(shop, terms(**of_session))
    assert word in str(refused.value.data["reason"])


def test_times_are_told_by_the_clock_of_the_store() -> None:
    def at(hour: int) -> datetime:
        return datetime(2026, 12, 5, hour, tzinfo=UTC)

    assert when(at(6), at(8), "Asia/Shanghai", "zh") == "12月5日（周六）14:00–16:00"
    assert when(at(6), at(8), "Asia/Shanghai", "en") == "Sat 5 Dec 14:00–16:00"
    assert when(at(15), at(17), "Asia/Shanghai", "en") == "Sat 5 Dec 23:00–Sun 6 Dec 01:00"
