"""Events in the back office: made, changed by version, listed with how they are booked, and reported."""

import base64
import uuid
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.conftest import rows
from tests.events import HOUR, attended, booked, ended, session, waits
from tests.quoting import fill
from tests.shop import Shop

TASTING = {"store": "S001", "title_zh": "品鉴会", "title_en": "Tasting", "notes_zh": "请提前十分钟到场"}


class Office:
    """Somebody's hands on the back office."""

    def __init__(self, shop: Shop, role: str, store_id: int | None) -> None:
        self.client = shop.app.test_client()
        person = shop.person(f"{role}-{store_id}", Grant(role, store_id))
        self.headers = {"Authorization": f"Bearer {staff_token(person.id)}"}

    def __call__(self, method: str, path: str, body: Any = None) -> Any:
        headers = {**self.headers, "Idempotency-Key": uuid.uuid4().hex}
        return self.client.open(f"/office/v1{path}", method=method, json=body, headers=headers)


@pytest.fixture
def mia(shop: Shop) -> Office:
    return Office(shop, "manager", shop.store.id)


def sitting(**changes: Any) -> dict[str, Any]:
    begins = clock.now().replace(microsecond=0) + 48 * HOUR
    times = {"starts_at": begins.isoformat(), "ends_at": (begins + HOUR).isoformat()}
    return times | {"seats": 8, "points": 100} | changes


def test_an_event_is_made_put_on_changed_and_called_off_by_version(
    shop: Shop, engine: Engine, mia: Office
) -> None:
    made = mia("POST", "/events", TASTING).json
    assert (made["state"], made["version"], made["sessions"]) == ("draft", 1, [])
    path = f"/events/{made['id']}"
    added = mia("POST", f"{path}/sessions", sitting(version=1))
    assert added.status_code == 201
    [one] = added.json["sessions"]
    assert (one["seats"], one["closes_at"] == one["starts_at"], one["cancel_hours"]) == (8, True, 24)
    assert mia("POST", f"{path}/publish", {"version": 1}).json["code"] == "version_conflict"
    assert mia("POST", f"{path}/publish", {"version": 2}).json["state"] == "live"
    changed = mia("PUT", path, {**TASTING, "version": 3, "title_en": "A tasting", "tiers": ["normal"]}).json
    assert (changed["version"], changed["title_en"], changed["tiers"]) == (4, "A tasting", ["normal"])
    assert mia("PUT", path, {**TASTING, "version": 4, "tiers": ["none"]}).json["code"] == "event_malformed"
    bigger = sitting(version=4, seats=9, starts_at=one["starts_at"], ends_at=one["ends_at"])
    assert mia("PUT", f"{path}/sessions/{one['id']}", bigger).json["sessions"][0]["seats"] == 9
    assert mia("POST", f"{path}/close", {"version": 5}).json["state"] == "closed"
    assert mia("POST", f"{path}/cancel", {"version": 6, "note": "flood"}).json["state"] == "cancelled"
    assert mia("POST", f"{path}/sessions", sitting(version=7)).json["code"] == "event_over"
    assert mia("GET", path).json["sessions"][0]["state"] == "cancelled"
    assert rows(engine, "SELECT action FROM audit_log WHERE object_type = 'event' ORDER BY id") == [
        (f"event.{what}",)
        for what in ("create", "add_session", "publish", "change", "change_session", "close", "cancel")
    ]


def test_who_books_is_listed_masked_in_ones_stores_and_given_up_for(
    shop: Shop, engine: Engine, mia: Office
) -> None:
    other = shop.open_store("S002")
    elsewhere, phones = Office(shop, "manager", other.id), [shop.member(name) for name in ("陈一二", "李三")]
    for phone in phones:
        fill(phone, points=1_000)
    one = session(shop, seats=1)
    made, behind = booked(phones[0], one), waits(phones[1], one)
    path = f"/event-bookings?session_id={one}"
    first, second = mia("GET", path).json["items"]
    assert [first["id"], second["id"]] == [behind["id"], made["id"]]
    assert (second["member"], first["position"]) == ("陈**", 1)
    assert [x["id"] for x in mia("GET", f"{path}&state=waiting").json["items"]] == [behind["id"]]
    assert elsewhere("GET", path).json["items"] == []
    give_up = f"/event-bookings/{made['id']}/cancel"
    assert elsewhere("POST", give_up, {"note": "ill"}).status_code == 404
    mark, away = (Office(shop, "marketer", store.id) for store in (shop.store, other))
    assert mark("GET", path).json == mia("GET", path).json
    assert away("GET", path).json["items"] == []
    assert mark("POST", give_up, {"note": "ill"}).status_code == 403
    assert mia("POST", give_up, {"note": "ill"}).json["points_back"] == 100
    assert phones[1].get(f"/bookings/{behind['id']}").json["state"] == "booked"
    assert mia("GET", "/events").json["items"][0]["sessions"][0]["booked"] == 1
    assert elsewhere("GET", "/events").json["items"] == []


def test_the_report_tells_who_came_what_they_paid_and_how_they_liked_it(
    shop: Shop, engine: Engine, mia: Office
) -> None:
    anna = shop.person("anna", Grant("clerk", shop.store.id))
    phones = [shop.member(), shop.member()]
    for phone in phones:
        fill(phone, points=1_000)
    one = session(shop)
    booked(phones[1], one)
    came = attended(shop, phones[0], one, anna.staff_no)
    ended(one)
    assert (
        phones[0].post(f"/bookings/{came}/feedback", json={"stars": 4, "comment": "很好"}).status_code == 201
    )
    [event] = mia("GET", "/events").json["items"]
    assert mia("GET", f"/events/{event['id']}/report").json == {
        "sessions": 1, "seats": 3, "booked": 2, "waiting": 0, "attended": 1, "no_show": 0, "cancelled": 0,
        "members": 2, "came": 1, "points": 200, "points_back": 0, "coupons": 0, "feedback": 1, "stars_hundredths": 400,
        "conversion": {when: {"buyers": 0, "purchases": 0, "amount_fen": 0} for when in ("during", "before")},
        "cost": {"points_fen": 200, "coupons_used_fen": 0, "total_fen": 200},
    }  # fmt: skip
    [said] = mia("GET", f"/events/{event['id']}/feedback").json["items"]
    assert set(said) == {"session_id", "stars", "comment", "given_on"}
    assert (said["stars"], said["comment"]) == (4, "很好")


def test_the_office_does_not_read_who_said_what(shop: Shop, engine: Engine, mia: Office) -> None:
    """Neither beside the name, nor by the order of what was said, nor by the place where a page ends."""
    anna, sitting = shop.person("anna", Grant("clerk", shop.store.id)), session(shop, seats=9, points=0)
    phones = [shop.member() for _ in range(5)]
    bookings = [attended(shop, phone, sitting, anna.staff_no, points=0) for phone in phones]
    ended(sitting)
    for stars, (phone, booking) in enumerate(zip(phones, bookings, strict=True), 1):
        assert phone.post(f"/bookings/{booking}/feedback", json={"stars": stars}).status_code == 201
    for listed in mia("GET", f"/event-bookings?session_id={sitting}").json["items"]:
        assert {"stars", "feedback_until"} & set(listed) == set()
        assert listed["member_no"].startswith("****")
    [event] = mia("GET", "/events").json["items"]
    path, said, cursor = f"/events/{event['id']}/feedback?limit=1", [], ""
    while cursor is not None:
        page = mia("GET", f"{path}&cursor={cursor}" if cursor else path).json
        said, cursor = said + page["items"], page["next_cursor"]
        assert not cursor or base64.urlsafe_b64decode(cursor).decode() not in bookings
    assert sorted(one["stars"] for one in said) == [1, 2, 3, 4, 5]
    assert rows(engine, "SELECT count(*) FROM event_feedback WHERE opinion_id = booking_id") == [(0,)]
