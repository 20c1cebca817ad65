"""Offers as the back office makes them: versions, never in the past, and only by who may for the whole brand."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, db
from app.approvals.second_person import ApprovalOutdated
from app.audit import OPERATOR
from app.checkout.decide import decide
from app.errors import VersionConflict
from app.staff.roles import Grant
from app.stored_value.change_offer import change
from app.stored_value.offers import Draft, in_force
from tests.actors import staff_token
from tests.app.stored_value.offering import offer, topped_up
from tests.conftest import rows
from tests.racing import race
from tests.shop import Shop

DRAFT: dict[str, Any] = {
    "name_zh": "充 500 送 50",
    "name_en": "Pay 500, get 50",
    "pay_fen": 50_000,
    "bonus_fen": 5_000,
    "points": 100,
}


class Office:
    def __init__(self, shop: Shop) -> None:
        self.client = shop.app.test_client()
        token = staff_token(shop.person("chief", Grant("admin", None)).id)
        self.headers = {"Authorization": f"Bearer {token}"}

    def send(self, method: str, path: str = "", **body: Any) -> Any:
        path = f"/office/v1/top-up-offers{path}"
        return self.client.open(path, method=method, json=body or None, headers=self.headers)


@pytest.fixture
def office(shop: Shop) -> Office:
    return Office(shop)


def offered() -> list[tuple[int, int]]:
    with db.reading() as connection:
        return [(found.offer_no, found.bonus_fen) for found in in_force(connection, now=clock.now())]


def test_an_offer_is_made_changed_and_ended(office: Office, engine: Engine) -> None:
    made = office.send("POST", **DRAFT)
    assert made.status_code == 201, made.json
    assert (made.json["offer_no"], made.json["version"], made.json["state"]) == (1, 1, "in_force")
    changed = office.send("PUT", "/1", version=1, **DRAFT | {"bonus_fen": 6_000})
    assert (changed.json["version"], changed.json["bonus_fen"]) == (2, 6_000)
    assert offered() == [(1, 6_000)]
    assert office.send("POST", "/1/end", version=2).json["state"] == "ended"
    assert offered() == []
    [listed] = office.send("GET").json["items"]
    assert (listed["version"], listed["state"]) == (3, "ended")
    assert [row[0] for row in rows(engine, "SELECT action FROM audit_log ORDER BY id")][-3:] == [
        "offer.create",
        "offer.change",
        "offer.end",
    ]


def test_a_planned_offer_waits_for_its_time_and_stops_at_its_end(shop: Shop) -> None:
    soon = clock.now() + timedelta(hours=1)
    offer(effective_from=soon, effective_until=soon + timedelta(hours=1))
    with db.reading() as connection:
        us = timedelta(microseconds=1)
        begins_and_ends = [soon - us, soon, soon + timedelta(hours=1) - us, soon + timedelta(hours=1)]
        assert [len(in_force(connection, now=at)) for at in begins_and_ends] == [0, 1, 1, 0]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"bonus_fen": 0, "points": 0}, "offer_malformed"),
        ({"bonus_fen": 3, "bonus_parts": 4}, "offer_malformed"),
        ({"effective_from": "2020-01-01T00:00:00Z"}, "offer_in_the_past"),
        ({"effective_from": "2900-01-01T00:00:00Z"}, "offer_malformed"),
        (
            {"effective_from": "2090-01-02T00:00:00Z", "effective_until": "2090-01-01T00:00:00Z"},
            "offer_malformed",
        ),
        ({"pay_fen": 0}, "validation_failed"),
        ({"pay_fen": 500_001}, "validation_failed"),
        ({"pay_fen": 1.5}, "validation_failed"),
        ({"bonus_fen": -1}, "validation_failed"),
        ({"bonus_parts": 0}, "validation_failed"),
        ({"most_per_member": 0}, "validation_failed"),
        ({"first_only": 1}, "validation_failed"),
        ({"name_zh": ""}, "validation_failed"),
        ({"stores": ["S001"]}, "validation_failed"),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    office: Office, change: dict[str, Any], code: str
) -> None:
    refused = office.send("POST", **DRAFT | change)
    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert office.send("GET").json["items"] == []


def test_who_read_an_older_version_is_told_so(office: Office) -> None:
    office.send("POST", **DRAFT)
    office.send("PUT", "/1", version=1, **DRAFT)
    for refused in (office.send("PUT", "/1", version=1, **DRAFT), office.send("POST", "/1/end", version=1)):
        assert (refused.status_code, refused.json["code"], refused.json["version"]) == (
            409,
            "version_conflict",
            2,
        )
    assert office.send("PUT", "/9", version=1, **DRAFT).status_code == 404


def test_of_sixteen_changes_at_once_one_is_the_next_version(shop: Shop, engine: Engine) -> None:
    offer()
    draft = Draft(name_zh="新", name_en="New", pay_fen=100, points=1)

    def run(_: int) -> bool:
        try:
            change(offer_no=1, version=1, draft=draft, actor=OPERATOR, now=datetime.now(UTC))
        except VersionConflict:
            return False
        return True

    assert race(16, run).count(True) == 1
    assert rows(engine, "SELECT version FROM top_up_offers ORDER BY version") == [(1,), (2,)]


def test_what_gives_more_than_one_may_alone_waits_for_a_second_person(office: Office, shop: Shop) -> None:
    generous = DRAFT | {"bonus_fen": 10_001}
    waiting = office.send("POST", **generous)
    assert (waiting.status_code, offered()) == (202, [])
    [why] = waiting.json["why"]
    assert (why["policy"], why["field"], why["limit"]) == ("stored_value", "alone_bonus_bp", 2_000)
    assert "20%" in why["text"]
    [listed] = office.client.get("/office/v1/approvals", headers=office.headers).json["items"]
    assert (listed["kind"], listed["details"]["bonus_fen"]) == ("top_up_offer", 10_001)
    other = shop.person("chief-2", Grant("admin", None))
    agreed = {"approval_id": waiting.json["approval_id"], "agree": True, "stores": None}
    decide(**agreed, staff_id=other.id, now=clock.now())
    assert offered() == [(1, 10_001)]
    more = office.send("PUT", "/1", version=1, **DRAFT | {"points": 1_001})
    assert more.status_code == 202
    assert office.send("PUT", "/1", version=1, **DRAFT).status_code == 200
    with pytest.raises(ApprovalOutdated):
        decide(**agreed | {"approval_id": more.json["approval_id"]}, staff_id=other.id, now=clock.now())
    assert offered() == [(1, 5_000)]


def test_an_offer_is_tried_on_past_top_ups(office: Office, shop: Shop) -> None:
    assert topped_up(shop, shop.member()).status_code == 201
    now = clock.now()
    period = {"from": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    found = office.send("POST", "/simulate", offer=DRAFT, **period)
    assert found.status_code == 200, found.json
    assert (found.json["top_ups"], found.json["bonus_more_fen"], found.json["points_after"]) == (
        1,
        5_000,
        100,
    )
    assert office.send("POST", "/simulate", offer=DRAFT, offer_no=9, **period).status_code == 404
    assert offered() == []
