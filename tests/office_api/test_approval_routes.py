"""What was asked for and decided, as those see it who decide and those who asked."""

import uuid
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.campaigns import review
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.adjusting import adjusted
from tests.campaigns import audience, drafted
from tests.conftest import rows
from tests.shop import Phone, Shop


class Desk:
    """The office of one person."""

    def __init__(self, shop: Shop, who: StaffView) -> None:
        self.client, self.id = shop.app.test_client(), who.id

    def call(self, path: str, json: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {staff_token(self.id)}", "Idempotency-Key": uuid.uuid4().hex}
        return self.client.open(
            f"/office/v1{path}", method="GET" if json is None else "POST", json=json, headers=headers
        )

    def say(self, approval_id: str | None, **answer: Any) -> Any:
        return self.call(f"/approvals/{approval_id}/decision", answer)


@pytest.fixture
def asks(shop: Shop) -> StaffView:
    return shop.person("asks", Grant("manager", shop.store.id))


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


@pytest.fixture
def chief(shop: Shop) -> Desk:
    return Desk(shop, shop.person("chief", Grant("admin", None)))


def test_a_no_says_why(shop: Shop, phone: Phone, asks: StaffView, chief: Desk, engine: Engine) -> None:
    asked = adjusted(shop, phone, asks.id, 900).approval_id
    assert chief.say(asked, agree=False, reason="先查清订单\n再来").status_code == 204
    [seen] = chief.call("/approvals?state=all").json["items"]
    assert (seen["state"], seen["reason"]) == ("rejected", "先查清订单\n再来")
    told = rows(engine, "SELECT data FROM audit_log WHERE action = 'approval.reject'")
    assert told == [({"reason": "先查清订单\n再来"},)]


def test_a_no_needs_no_reason_and_a_yes_has_none(
    shop: Shop, phone: Phone, asks: StaffView, chief: Desk
) -> None:
    asked = [adjusted(shop, phone, asks.id, points).approval_id for points in (900, 901)]
    for answer in (
        {"agree": True, "reason": "好"},
        {"agree": False, "reason": ""},
        {"agree": False, "reason": " \n "},
        {"agree": False, "reason": "长" * 201},
        {"agree": False, "reason": 7},
    ):
        refused = chief.say(asked[0], **answer)
        assert (refused.status_code, list(refused.json["fields"]["json"])) == (422, ["reason"]), answer
    assert chief.say(asked[0], agree=False).status_code == 204
    assert chief.say(asked[1], agree=True, reason=None).status_code == 204
    found = chief.call("/approvals?state=all").json["items"]
    assert [(one["state"], one["reason"]) for one in found] == [("approved", None), ("rejected", None)]


def test_who_takes_it_back_may_say_why(shop: Shop, phone: Phone, asks: StaffView, chief: Desk) -> None:
    asked = adjusted(shop, phone, asks.id, 900).approval_id
    assert Desk(shop, asks).say(asked, agree=False, reason="数错了").status_code == 204
    [seen] = chief.call("/approvals?state=all").json["items"]
    assert (seen["state"], seen["reason"]) == ("withdrawn", "数错了")


def test_who_asked_sees_what_became_of_it_and_nobody_elses(
    shop: Shop, phone: Phone, asks: StaffView, chief: Desk
) -> None:
    other = shop.person("other", Grant("manager", shop.store.id))
    adjusted(shop, phone, other.id, 900)
    asked = [adjusted(shop, phone, asks.id, points).approval_id for points in (901, 902, 903)]
    chief.say(asked[0], agree=False, reason="先查清订单")
    chief.say(asked[1], agree=True)
    mine = Desk(shop, asks)
    found = mine.call("/me/approvals").json["items"]
    assert [(one["id"], one["state"], one["reason"]) for one in found] == [
        (asked[2], "pending", None),
        (asked[1], "approved", None),
        (asked[0], "rejected", "先查清订单"),
    ]
    assert [one["id"] for one in mine.call("/me/approvals?state=pending").json["items"]] == [asked[2]]
    first = mine.call("/me/approvals?limit=2").json
    rest = mine.call(f"/me/approvals?limit=2&cursor={first['next_cursor']}").json
    assert [one["id"] for one in first["items"] + rest["items"]] == asked[::-1]
    assert rest["next_cursor"] is None
    assert chief.call("/me/approvals").json["items"] == []


def test_a_marketer_sees_a_campaigns_refusal(shop: Shop, chief: Desk) -> None:
    marketer = shop.person("marketer", Grant("marketer", None))
    made = drafted(audience([shop.member()]))
    waiting = review.submit(campaign_id=made.id, version=1, staff_id=marketer.id, now=clock.now())
    chief.say(waiting.approval_id, agree=False, reason="太多短信")
    desk = Desk(shop, marketer)
    assert desk.call("/approvals").status_code == 403
    [seen] = desk.call("/me/approvals").json["items"]
    assert (seen["subject"], seen["state"], seen["reason"]) == (made.id, "rejected", "太多短信")
