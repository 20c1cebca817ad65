"""Each question about events finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.engagement.events import states, sweep
from app.ledger.check_events import EVENT_QUESTIONS
from app.staff.roles import Grant
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.coupons import give, live_template
from tests.events import HOUR, attended, booked, ended, event, given_up, session, terms, waits
from tests.quoting import fill
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "no more seats of a session are booked than there are, and it says how many are": [
        "UPDATE event_sessions SET taken = taken + 1 WHERE taken < seats",
        "UPDATE event_bookings SET seats = seats + 1 WHERE state = 'attended'",
        "ALTER TABLE event_sessions DROP CONSTRAINT ck_event_sessions_never_over, DROP CONSTRAINT"
        " ck_event_sessions_bounds; UPDATE event_sessions SET seats = 0 WHERE taken > 0",
    ],
    "nobody waits for seats of which there are enough": [
        "UPDATE event_sessions SET seats = seats + 9",
    ],
    "a place on a waiting list is one booking's, and a member has one booking of a session": [
        "ALTER TABLE event_bookings DROP CONSTRAINT uq_event_bookings_place;"
        "UPDATE event_bookings SET place = 1 WHERE state IN ('waiting', 'booked')",
        "DROP INDEX uq_event_bookings_one_each; UPDATE event_bookings SET member_id = 1",
    ],
    "a booking spent the points it says, in the store of the event": [
        "UPDATE event_bookings SET points = points + 1 WHERE state = 'waiting'",
        "UPDATE event_bookings SET member_id = member_id + 100",
        "UPDATE ledger_transactions SET store_id = NULL WHERE kind = 'spend'",
        "DELETE FROM event_bookings WHERE state = 'waiting'",
    ],
    "a booking that was cancelled gave the points back that it says, once, and no other gave any": [
        "UPDATE event_bookings SET points_back = points_back - 1 WHERE points_back > 0",
        "UPDATE ledger_transactions SET source_id = 'x' || id WHERE kind = 'restore'",
        "UPDATE event_bookings SET points_back = 0 WHERE cancelled_for = 'shop'",
    ],
    "a coupon that paid for seats is the member's, and back once they are given up": [
        "UPDATE event_bookings SET redemption_id = NULL",
        "UPDATE coupon_redemptions SET member_id = member_id + 1",
        "UPDATE coupon_redemptions SET undone_at = occurred_at WHERE undone_at IS NULL",
        "UPDATE coupon_redemptions SET undone_at = NULL",
    ],
    "who was there was let in at a till of the store, in time, and by a clerk in the audit log": [
        "DELETE FROM audit_log WHERE action = 'event.check_in'",
        "UPDATE event_bookings SET attended_at = attended_at + interval '1 day' WHERE state = 'attended'",
        "UPDATE terminals SET store_id = store_id + 1",
    ],
    "only who was there says how it was, and once it is over": [
        "UPDATE event_sessions SET ends_at = ends_at + interval '1 day'",
        "UPDATE event_feedback SET booking_id = (SELECT min(id) FROM event_bookings WHERE state = 'waiting')",
    ],
    "what members who took consent back said of an event is erased": [
        "UPDATE members SET status = 'withdrawn'",
    ],
    "the guards of events are in place": [
        "ALTER TABLE event_bookings DISABLE TRIGGER event_bookings_end_once",
        "DROP TRIGGER event_feedback_kept ON event_feedback",
        "ALTER TABLE event_feedback DISABLE TRIGGER event_feedback_only_forgotten",
        "ALTER TABLE event_bookings DROP CONSTRAINT uq_event_bookings_place",
        "ALTER TABLE event_sessions DROP CONSTRAINT ck_event_sessions_never_over",
        "DROP INDEX uq_event_bookings_one_each",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """Seats that are booked, waited for, given up, called off and used, for points and for coupons."""
    now, anna = clock.now(), shop.person("anna", Grant("clerk", shop.store.id))
    phones = [shop.member() for _ in range(4)]
    for phone in phones:
        fill(phone, points=1_000)
    first, second, third, fourth = phones
    sitting, small = session(shop), session(shop, seats=1)
    came = attended(shop, first, sitting, anna.staff_no)
    ended(sitting)
    said = {"stars": 5, "comment": "好"}
    assert first.post(f"/bookings/{came}/feedback", json=said).status_code == 201
    gone = booked(second, small)
    waits(third, small)
    waits(fourth, small)
    waits(first, small)
    assert given_up(second, gone["id"]).status_code == 200
    gift = {"kind": "gift", "item_zh": "课程", "item_en": "A course"}
    template = live_template(now, effect=gift, without_sale=True)
    give(template, first.member_id, now, 2)
    of_coupons = session(shop, points=0, template_id=template)
    off = event(shop, terms(points=0, template_id=template, starts_at=now + 60 * HOUR), terms())
    booked(first, of_coupons, points=0, template_id=template)
    booked(first, off.sessions[1].session_id, points=0, template_id=template)
    booked(first, off.sessions[0].session_id)
    states.cancel(event_id=off.event_id, version=off.version, note="flood", actor=OPERATOR, now=now)
    assert sweep.sweep(now=now) == 2
    assert promises_broken(engine) == set()
    return engine


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(EVENT_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
