"""Staff write down what a member told them about marketing, and nothing that nobody asked for."""

import uuid
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.actors import staff_token
from tests.adjusting import member_no
from tests.conftest import rows
from tests.marketing import asked, plan
from tests.shop import Phone, Shop

PATH = "/office/v1/marketing-choices"
CHOICES = "SELECT channel, opted_out, source, staff_id FROM marketing_choices ORDER BY id"


@pytest.fixture
def clerk(shop: Shop) -> int:
    return shop.person("anna", Grant("clerk", shop.store.id)).id


def record(shop: Shop, staff_id: int, member: Phone, **said: Any) -> Any:
    headers = {"Authorization": f"Bearer {staff_token(staff_id)}", "Idempotency-Key": uuid.uuid4().hex}
    body = {"member_no": member_no(member), **said}
    return shop.app.test_client().post(PATH, json=body, headers=headers)


def test_a_refusal_is_recorded_once_in_the_name_of_who_heard_it(
    shop: Shop, clerk: int, engine: Engine
) -> None:
    member = shop.member()
    for _ in range(2):
        answer = record(shop, clerk, member, scopes=["sms", "email"], note="到店口头说明")
        assert (answer.status_code, answer.json) == (200, {"refused": ["sms", "email"]})
    assert rows(engine, CHOICES) == [("sms", True, "staff", clerk), ("email", True, "staff", clerk)]
    audited = rows(engine, "SELECT actor_id, data FROM audit_log WHERE action = 'member.marketing'")
    assert [(actor, data["note"]) for actor, data in audited] == [(clerk, "到店口头说明")] * 2


def test_what_waits_is_cancelled(shop: Shop, clerk: int, engine: Engine) -> None:
    member = shop.member()
    assert plan([member.member_id], asked()).told
    assert record(shop, clerk, member, scopes=["all"]).json == {"refused": ["all"]}
    assert rows(engine, "SELECT state, reason FROM messages WHERE category = 'marketing'") == [
        ("cancelled", "opted_out")
    ]


def test_nothing_is_allowed_again_unless_the_member_asked(shop: Shop, clerk: int, engine: Engine) -> None:
    member = shop.member()
    record(shop, clerk, member, scopes=["sms"])
    refused = record(shop, clerk, member, scopes=["sms"], opted_out=False)
    assert (refused.status_code, refused.json["code"]) == (422, "opt_in_not_asked")
    assert len(rows(engine, CHOICES)) == 1

    allowed = record(shop, clerk, member, scopes=["sms"], opted_out=False, asked=True)
    assert allowed.json == {"refused": []}
    assert rows(engine, CHOICES)[1:] == [("sms", False, "staff", clerk)]


@pytest.mark.parametrize(("said", "status"), [({"scopes": []}, 422), ({"scopes": ["post"]}, 422)])
def test_what_is_no_channel_is_refused(shop: Shop, clerk: int, said: Any, status: int) -> None:
    assert record(shop, clerk, shop.member(), **said).status_code == status


def test_who_took_consent_back_is_not_known_by_number(shop: Shop, clerk: int) -> None:
    member = shop.member()
    withdraw(member_id=member.member_id, now=clock.now())
    assert record(shop, clerk, member, scopes=["sms"]).status_code == 404
