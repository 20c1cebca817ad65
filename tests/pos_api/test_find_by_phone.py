"""Members found by phone: masked, limited, logged; they earn and do nothing else."""

import hashlib
import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, text

from app import clock, idempotency
from app.audit import OPERATOR
from app.checkout import find_by_phone as story
from app.checkout.find_by_phone import (
    PER_NUMBER,
    PER_TERMINAL,
    FindByPhonePolicy,
    Found,
    MemberNotFound,
    find_by_phone,
)
from app.errors import TooMany
from app.policies import change, standing
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.throttle import Throttle
from app.work import fact_relay, send_messages, tell_consumers
from tests.app.checkout.till_side import request, till_of
from tests.conftest import rows
from tests.phones import bound
from tests.racing import race
from tests.shop import Phone, Shop

NUMBER = "+8613800138000"


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return bound(shop, shop.member("陈一一"))


def find(shop: Shop, who: StaffView, number: str = "138 0013-8000", *, key: str | None = None) -> Any:
    return shop.till.post("/scans/by-phone", {"phone": number, "staff_no": who.staff_no}, key)


def sell(shop: Shop, ticket: str, who: StaffView) -> Any:
    body = {"ticket": ticket, "receipt_no": "R-1", "amount_fen": 1_000, "staff_no": who.staff_no}
    return shop.till.post("/sales", body)


def set_find_policy(**value: Any) -> None:
    version = standing(FindByPhonePolicy).version
    change(kind=FindByPhonePolicy, value=value, version=version, actor=OPERATOR, now=clock.now())


def test_a_member_found_by_phone_earns_and_is_told_how(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    found = find(shop, anna)
    assert found.status_code == 201, found.json
    assert set(found.json) == {"ticket", "expires_at", "member"}
    assert found.json["member"] == {
        "name": "陈**",
        "tier": {"code": "normal", "name": "普通会员"},
    }
    sale = sell(shop, found.json["ticket"], anna)
    assert (sale.status_code, sale.json["points_earned"]) == (201, 10)
    tell_consumers(fact_relay(shop.parts), clock.now())
    send_messages(shop.parts, clock.now)
    [message] = phone.get("/me/messages").json["items"]
    assert message["body"].endswith("店员凭您的手机号登记了这笔消费。")
    [(actor, object_id, store, data)] = rows(
        engine,
        "SELECT actor_id, object_id, store_id, data FROM audit_log WHERE action = 'member.find_by_phone'",
    )
    assert (actor, object_id, store) == (anna.id, str(phone.member_id), shop.store.id)
    assert not any(part in json.dumps(data) for part in ("13800138000", "138 0013", "138****"))


def test_the_ticket_opens_nothing_else(shop: Shop, phone: Phone, anna: StaffView) -> None:
    ticket = find(shop, anna).json["ticket"]
    body = {"ticket": ticket, "amount_fen": 10_000, "method": "cash", "receipt_no": "T-1"}
    refused = shop.till.post("/topups", body | {"staff_no": anna.staff_no})
    assert (refused.status_code, refused.json["code"]) == (409, "ticket_earns_only")


def test_the_same_key_gives_the_same_ticket_and_counts_once(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    answers = [find(shop, anna, key="once").json for _ in range(PER_TERMINAL.amount + 5)]
    assert all(answer == answers[0] for answer in answers)
    assert rows(engine, "SELECT count(*) FROM phone_finds") == [(1,)]
    other = find(shop, anna, "13900139000", key="once")
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


def test_nobody_and_somebody_who_is_none_any_more_look_the_same(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET status = 'frozen'"))
    frozen, nobody = find(shop, anna), find(shop, anna, "13900139000")
    assert frozen.status_code == nobody.status_code == 404
    assert frozen.json["code"] == "member_not_found"
    assert {**frozen.json, "request_id": ""} == {**nobody.json, "request_id": ""}
    logged = rows(engine, "SELECT object_id FROM audit_log WHERE action = 'member.find_by_phone'")
    assert logged == [("nobody",), ("nobody",)]


def test_what_is_kept_does_not_give_the_number_away(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    """A plain hash of a request with a phone number in it is tried against all numbers within minutes."""
    find(shop, anna, NUMBER, key="k")
    body = {"phone": NUMBER, "staff_no": anna.staff_no}
    asked = json.dumps(
        ["POST", "/pos/v1/scans/by-phone", body], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    [(kept,)] = rows(engine, "SELECT request_hash FROM idempotency_keys WHERE key = 'k'")
    assert kept != hashlib.sha256(asked.encode()).digest()
    for table in ("phone_finds", "audit_log", "idempotency_keys", "scan_tickets"):
        assert "13800138000" not in str(rows(engine, f"SELECT CAST(t AS text) FROM {table} t"))


def test_it_takes_a_clerk_of_the_store_and_the_policy(shop: Shop, phone: Phone, anna: StaffView) -> None:
    other = shop.open_store("S002")
    stranger = shop.person("ben", Grant("clerk", other.id))
    assert find(shop, stranger).json["code"] == "forbidden"
    assert shop.till.post("/scans/by-phone", {"phone": NUMBER}).json["code"] == "validation_failed"
    assert find(shop, anna, "12").json["code"] == "phone_malformed"
    set_find_policy(enabled=False)
    assert find(shop, anna).json["code"] == "find_by_phone_off"


def test_each_terminal_and_each_number_has_its_limit_also_without_redis(
    shop: Shop, phone: Phone, anna: StaffView
) -> None:
    for number in range(PER_NUMBER.amount + 1):
        answer = find(shop, anna)
        assert answer.status_code == (201 if number < PER_NUMBER.amount else 429)
    alone = Throttle(None)
    with time_machine.travel(
        clock.now(), tick=False
    ):  # what a process counts itself begins anew by the clock
        for number in range(PER_TERMINAL.amount // 2):
            with pytest.raises(MemberNotFound):
                find_with(shop, anna, f"139001390{number:02}", throttle=alone)
        with pytest.raises(TooMany):
            find_with(shop, anna, "13900139099", throttle=alone)


def find_with(shop: Shop, who: StaffView, number: str, *, throttle: Throttle | None = None) -> Found:
    return find_by_phone(
        till=till_of(shop.till).naming(who.staff_no),
        phone=number,
        request=request(),
        vault=shop.parts.phones,
        throttle=throttle or Unlimited(None),
        now=clock.now(),
    )


class Unlimited(Throttle):
    """For tests of the limit that the database keeps."""

    def hit(self, *_: object) -> None:  # type: ignore[override]
        pass


def clerks_race(shop: Shop, who: StaffView) -> int:
    """How many of sixteen look-ups at once went through."""

    def look(_: int) -> bool:
        try:
            find_with(shop, who, NUMBER)
        except TooMany:
            return False
        return True

    return sum(race(16, look))


def test_a_clerks_limit_of_the_day_holds_under_a_race(shop: Shop, phone: Phone, anna: StaffView) -> None:
    set_find_policy(per_clerk_a_day=3)
    assert clerks_race(shop, anna) == 3


@pytest.mark.long
def test_without_the_lock_it_would_not(
    shop: Shop, phone: Phone, anna: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_find_policy(per_clerk_a_day=1)
    monkeypatch.setattr(story, "one_at_a_time", lambda *_: None)
    assert max(clerks_race(shop, shop.person(f"c{n}", Grant("clerk", shop.store.id))) for n in range(5)) > 1


def test_a_look_up_is_forgotten_by_the_limit_after_a_day(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    set_find_policy(per_clerk_a_day=1)
    till, vault = till_of(shop.till).naming(anna.staff_no), shop.parts.phones
    now = clock.now()

    def at(moment: Any) -> Found:
        asked = idempotency.Request(scope="test", key=str(moment), hash=b"x")
        return find_by_phone(
            till=till, phone=NUMBER, request=asked, vault=vault, throttle=Unlimited(None), now=moment
        )

    at(now)
    with pytest.raises(TooMany) as refused:
        at(now + timedelta(hours=23))
    assert refused.value.data == {"retry_after_s": 3600}
    at(now + timedelta(hours=24))
