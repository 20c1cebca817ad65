"""Many phones at once: never more seats than there are, nobody twice, nobody forgotten; and controls that show it."""

from collections import Counter
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app.engagement.events import book, seats
from tests import unguarded
from tests.conftest import rows
from tests.events import asked, booked, given_up, session, waits
from tests.quoting import members
from tests.racing import code, race
from tests.shop import Shop

AT_ONCE = 24


def last_seats(shop: Shop) -> Counter[str]:
    phones, sitting = members(shop, AT_ONCE), session(shop, seats=3)
    return Counter(race(AT_ONCE, lambda n: code(asked(phones[n], sitting))))


def test_the_last_seats_go_to_as_many_as_there_are(shop: Shop, engine: Engine) -> None:
    assert last_seats(shop) == {"201": 3, "event_full": AT_ONCE - 3}
    assert rows(engine, "SELECT taken FROM event_sessions") == [(3,)]
    assert rows(engine, "SELECT count(*) FROM ledger_transactions WHERE source_type = 'event_booking'") == [
        (3,)
    ]


@pytest.mark.long
def test_control_without_the_guard_there_are_more_people_than_seats(
    whole_app: Any, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    unguarded.event_seats(unaudited_engine, monkeypatch)
    assert last_seats(Shop(whole_app))["201"] > 3


def one_member(shop: Shop) -> Counter[str]:
    """Without accounts, so that nothing but the booking itself can stand in the way."""
    phone, sitting = shop.member(), session(shop, seats=AT_ONCE, points=0)
    return Counter(race(AT_ONCE, lambda _: code(asked(phone, sitting, points=0))))


def test_one_member_has_one_booking_however_often_they_ask(shop: Shop, engine: Engine) -> None:
    assert one_member(shop) == {"201": 1, "event_already_booked": AT_ONCE - 1}
    assert rows(engine, "SELECT taken FROM event_sessions") == [(1,)]


@pytest.mark.long
def test_control_without_the_unique_index_they_have_several(
    whole_app: Any, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unaudited_engine.begin() as connection:
        connection.execute(text("DROP INDEX uq_event_bookings_one_each"))
    write = book._write

    def slow_write(*arguments: Any) -> None:
        arguments[0].execute(text("SELECT pg_sleep(0.2)"))
        write(*arguments)

    monkeypatch.setattr(book, "_write", slow_write)
    monkeypatch.setattr(seats, "take", lambda *_, **__: True)
    assert one_member(Shop(whole_app))["201"] > 1


def given_up_while_others_begin_to_wait(shop: Shop) -> tuple[list[str], list[str]]:
    """Half of them have the seats and give them up, the other half ask for one, and would wait."""
    half = AT_ONCE // 2
    phones, sitting = members(shop, AT_ONCE), session(shop, seats=half)
    made = [booked(phone, sitting) for phone in phones[:half]]

    def run(n: int) -> str:
        if n < half:
            return code(given_up(phones[n], made[n]["id"]))
        return code(asked(phones[n], sitting, wait=True))

    answers = race(AT_ONCE, run)
    return answers[:half], answers[half:]


def test_a_seat_given_up_and_somebody_who_begins_to_wait_find_each_other(shop: Shop, engine: Engine) -> None:
    gave_up, asked_for_it = given_up_while_others_begin_to_wait(shop)
    half = AT_ONCE // 2
    assert (Counter(gave_up), Counter(asked_for_it)) == ({"200": half}, {"201": half})
    # Nobody is left waiting beside an empty chair.
    assert rows(engine, "SELECT state, count(*) FROM event_bookings GROUP BY 1 ORDER BY 1") == [
        ("booked", half),
        ("cancelled", half),
    ]
    assert rows(engine, "SELECT taken FROM event_sessions") == [(half,)]


@pytest.mark.long
def test_control_without_the_lock_somebody_waits_beside_an_empty_chair(
    whole_app: Any, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who asks finds nothing and is slow to write so; who gives up does so in between, and finds nobody waiting."""
    look, take = text("SELECT state, starts_at FROM event_sessions WHERE id = :id"), seats.take

    def slow_take(session: Any, **values: Any) -> bool:
        found = take(session, **values)
        if not found and session.info.setdefault("failures", []):
            session.execute(text("SELECT pg_sleep(0.6)"))
        if not found:
            session.info["failures"].append(1)
        return found

    def unlocked(session: Any, session_id: str) -> Any:
        if not session.info.get("failures"):
            session.execute(text("SELECT pg_sleep(0.3)"))
        return session.execute(look, {"id": session_id}).one()

    monkeypatch.setattr(seats, "lock", unlocked)
    monkeypatch.setattr(seats, "take", slow_take)
    shop = Shop(whole_app)
    phones, sittings = members(shop, 16), [session(shop, seats=1) for _ in range(8)]
    made = [booked(phone, sitting) for phone, sitting in zip(phones, sittings, strict=False)]

    def run(n: int) -> str:
        pair = n % 8
        return code(
            given_up(phones[n], made[n]["id"]) if n < 8 else asked(phones[n], sittings[pair], wait=True)
        )

    race(16, run)
    beside = """SELECT count(*) FROM event_sessions s JOIN event_bookings b ON b.session_id = s.id
        WHERE b.state = 'waiting' AND s.taken = 0"""
    [(alone,)] = rows(unaudited_engine, beside)
    assert int(str(alone)) > 0


def test_as_many_come_up_as_give_up_and_in_turn(shop: Shop, engine: Engine) -> None:
    half = AT_ONCE // 2
    phones, sitting = members(shop, AT_ONCE), session(shop, seats=half)
    made = [booked(phone, sitting) for phone in phones[:half]]
    waiting = [waits(phone, sitting) for phone in phones[half:]]
    # Some of those who wait lose patience at the same moment.
    leave = [*made, *waiting[: half // 2]]
    answers = race(len(leave), lambda n: code(given_up(phones[n], leave[n]["id"])))
    assert Counter(answers) == {"200": len(leave)}
    left = rows(
        engine, "SELECT state, member_id FROM event_bookings WHERE state <> 'cancelled' ORDER BY place"
    )
    assert left == [("booked", phone.member_id) for phone in phones[half + half // 2 :]]
