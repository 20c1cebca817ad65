"""A member's preferences over HTTP: read, set whole, kept with their history."""

from typing import Any

import pytest
from sqlalchemy import Engine

from tests.conftest import rows
from tests.marketing import asked, plan, policy
from tests.shop import Phone, Shop

ALL_ON = {"wechat_subscribe": True, "official_account": True, "sms": True, "email": True}


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member()


def put(phone: Phone, **body: Any) -> Any:
    headers = {"Authorization": f"Bearer {phone.token}"}
    return phone.client.put("/api/v1/me/message-preferences", json=body, headers=headers)


def history(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT channel, opted_out, source, staff_id FROM marketing_choices ORDER BY id")


def test_nothing_is_refused_at_first_and_nights_are_quiet(phone: Phone) -> None:
    assert phone.get("/me/message-preferences").json == {
        "marketing": True,
        "channels": ALL_ON,
        "personalised": True,
        "quiet_from": "21:00",
        "quiet_until": "09:00",
    }
    policy(quiet_from=None)
    assert phone.get("/me/message-preferences").json["quiet_from"] is None


def test_each_change_is_kept_and_a_repetition_is_none(phone: Phone, engine: Engine) -> None:
    wanted = {"marketing": True, "channels": {**ALL_ON, "sms": False}}
    for _ in range(2):
        answer = put(phone, **wanted)
        assert (answer.status_code, answer.json["channels"]["sms"]) == (200, False)
    assert put(phone, marketing=False, channels=ALL_ON).json["marketing"] is False
    assert phone.get("/me").json["marketing_opt_out"] is True
    assert history(engine) == [
        ("sms", True, "member", None),
        ("all", True, "member", None),
        ("sms", False, "member", None),
    ]


def test_the_switch_of_the_own_record_is_the_same_one(phone: Phone, engine: Engine) -> None:
    plan([phone.member_id], asked())
    assert (
        phone.patch("/me", json={"marketing_opt_out": True, "name": "陈"}).json["marketing_opt_out"] is True
    )
    assert phone.get("/me/message-preferences").json["marketing"] is False
    assert history(engine) == [("all", True, "member", None)]
    assert rows(engine, "SELECT state, reason FROM messages") == [("cancelled", "opted_out")]
    assert phone.post("/me", json={"marketing_opt_out": False}).json["marketing_opt_out"] is False
    assert len(history(engine)) == 2
    assert rows(engine, "SELECT state FROM messages") == [("cancelled",)]


def test_recommendations_from_purchases_are_refused_apart_and_stay_so_with_who_does_not_know_of_it(
    phone: Phone, engine: Engine
) -> None:
    wanted = {"marketing": True, "channels": ALL_ON}
    assert put(phone, **wanted, personalised=False).json["personalised"] is False
    # As a mini-program of before would.
    assert put(phone, **wanted).json["personalised"] is False
    assert put(phone, **wanted, personalised=True).json["personalised"] is True
    assert history(engine) == [
        ("personalised", True, "member", None),
        ("personalised", False, "member", None),
    ]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"marketing": True},
        {"marketing": 1, "channels": ALL_ON},
        {"marketing": True, "channels": {**ALL_ON, "inbox": False}},
        {"marketing": True, "channels": {"sms": False}},
        {"marketing": True, "channels": ALL_ON, "personalised": None},
        {"marketing": True, "channels": ALL_ON, "quiet_from": None},
    ],
)
def test_only_the_whole_is_taken(phone: Phone, body: dict[str, Any]) -> None:
    answer = put(phone, **body)
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")


def test_nobody_sees_or_sets_those_of_another(shop: Shop, phone: Phone) -> None:
    put(shop.member(), marketing=False, channels=ALL_ON)
    assert phone.get("/me/message-preferences").json["marketing"] is True
