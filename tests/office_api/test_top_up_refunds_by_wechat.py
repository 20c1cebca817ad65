"""Paying back what WeChat Pay took in: asked under one number until it says how it ended, and the books follow."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.checkout.decide import decide
from app.checkout.refund_wechat_top_up import sweep, told
from app.ledger.check import differences
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.app.stored_value.offering import offer, topped_up
from tests.app.stored_value.refunding import set_refund_policy, used
from tests.conftest import rows
from tests.paying import PayShop
from tests.racing import race
from tests.shop import Phone

REFUNDS = "/v3/refund/domestic/refunds"
ONE = f"{REFUNDS}/{{out_refund_no}}"
MINUTE = timedelta(minutes=1)
RUNNERS = 16


class Office:
    def __init__(self, shop: PayShop) -> None:
        self.client = shop.shop.app.test_client()
        person = shop.shop.person("chief", Grant("admin", None))
        self.headers = {"Authorization": f"Bearer {staff_token(person.id)}"}

    def get(self, path: str) -> Any:
        return self.client.get(f"/office/v1{path}", headers=self.headers)

    def refund(self, top_up: str, amount_fen: int, *, key: str | None = None, **body: Any) -> Any:
        return self.client.post(
            f"/office/v1/topups/{top_up}/refunds",
            json={"amount_fen": amount_fen, "reason": "unwanted"} | body,
            headers=self.headers | {"Idempotency-Key": key or uuid.uuid4().hex},
        )


@pytest.fixture
def office(pay_shop: PayShop) -> Office:
    return Office(pay_shop)


@pytest.fixture
def alice(pay_shop: PayShop) -> Phone:
    return pay_shop.member()


@pytest.fixture
def top_up(pay_shop: PayShop, alice: Phone) -> str:
    """500.00 paid, 50.00 and 100 points on top."""
    number = pay_shop.number(alice, offer_id=offer().id)
    pay_shop.desk.pays(number)
    return number


def balance(phone: Phone) -> tuple[int, int, int]:
    told_ = phone.get("/me/balance").json
    return told_["principal_fen"], told_["bonus_fen"], phone.get("/me/points").json["points"]


def state(engine: Engine) -> Any:
    [found] = rows(engine, "SELECT state FROM top_up_refunds")
    return found[0]


def paid_back(shop: PayShop) -> list[tuple[int, str]]:
    return [(one["amount_fen"], one["status"]) for one in shop.desk.tell("pay/refunds", "GET")["refunds"]]


def swept(shop: PayShop, *, after: timedelta = 2 * MINUTE) -> int:
    return sweep(shop.pay, now=clock.now() + after)


def test_it_is_found_shown_and_paid_back(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    [(member_no,)] = rows(engine, "SELECT member_no FROM members WHERE id = :m", m=alice.member_id)
    [listed] = office.get(f"/members/{member_no}/topups").json["items"]
    assert (listed["id"], listed["method"], listed["refunded_fen"]) == (top_up, "wechat_pay", 0)
    assert office.get(f"/topups/{top_up}/refund").json["amount_fen"] == 50_000
    answer = office.refund(top_up, 50_000, key="one")
    assert answer.status_code == 201, answer.json
    pay_shop.desk.tell("pay/drain")
    assert (state(engine), balance(alice)) == ("done", (0, 0, 0))
    assert office.refund(top_up, 50_000, key="one").json["state"] == "done"
    assert paid_back(pay_shop) == [(50_000, "SUCCESS")]
    assert office.get(f"/members/{member_no}/topups").json["items"][0]["refunded_fen"] == 50_000


def test_what_is_asked_for_cannot_be_spent_nor_asked_for_twice(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    pay_shop.desk.tell("pay/refund_mode", "PUT", mode="manual")
    asked = office.refund(top_up, 20_000, principal_fen=20_000).json
    assert (asked["state"], balance(alice)) == ("asked", (30_000, 0, 100))
    again = office.refund(top_up, 30_000)
    assert (again.status_code, again.json["code"]) == (409, "top_up_refund_under_way")
    pay_shop.desk.tell("pay/settle", out_refund_no=asked["id"], outcome="SUCCESS")
    pay_shop.desk.tell("pay/drain")
    assert (state(engine), balance(alice)) == ("done", (30_000, 0, 60))
    pay_shop.desk.tell("pay/refund_mode", "PUT", mode="automatic")
    assert office.refund(top_up, 30_000).status_code == 201
    pay_shop.desk.tell("pay/drain")
    assert balance(alice) == (0, 0, 0)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_lost_answer_is_asked_again_under_the_same_number(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine, moment: str
) -> None:
    pay_shop.desk.tell("pay/refund_mode", "PUT", mode="manual")
    pay_shop.desk.fault(REFUNDS, moment=moment, type="drop")
    assert office.refund(top_up, 50_000).json["state"] == "asked"
    assert balance(alice) == (0, 0, 100)
    assert swept(pay_shop, after=MINUTE / 2) == 0  # not yet
    assert swept(pay_shop) == 1
    [(refund_id,)] = rows(engine, "SELECT id FROM top_up_refunds")
    pay_shop.desk.tell("pay/settle", out_refund_no=refund_id, outcome="SUCCESS", notify="lost")
    assert swept(pay_shop, after=5 * MINUTE) == 1
    assert (state(engine), balance(alice)) == ("done", (0, 0, 0))
    assert paid_back(pay_shop) == [(50_000, "SUCCESS")]


def test_refused_for_good_it_goes_back_into_its_lots(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    used(alice, 11_000)
    pay_shop.desk.fault(REFUNDS, type="status", status=403, code="RULE_LIMIT")
    lots = rows(engine, "SELECT id, remaining FROM ledger_lots ORDER BY id")
    assert office.refund(top_up, 39_000).json["state"] == "failed"
    assert balance(alice) == (40_000, 4_000, 100)
    assert rows(engine, "SELECT id, remaining FROM ledger_lots ORDER BY id") == lots
    assert rows(engine, "SELECT trouble FROM top_up_refunds") == [("forbidden",)]
    assert office.refund(top_up, 39_000).status_code == 201
    pay_shop.desk.tell("pay/drain")
    assert balance(alice) == (0, 0, 20)


def test_a_refusal_that_comes_after_a_lost_yes_is_no_refusal(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    pay_shop.desk.tell("pay/refund_mode", "PUT", mode="manual")
    pay_shop.desk.fault(REFUNDS, moment="after", type="drop")
    refund_id = office.refund(top_up, 50_000).json["id"]
    pay_shop.desk.tell("pay/settle", out_refund_no=refund_id, outcome="SUCCESS", notify="lost")
    pay_shop.desk.fault(REFUNDS, type="status", status=403, code="RULE_LIMIT")
    swept(pay_shop)
    assert (state(engine), balance(alice)) == ("done", (0, 0, 0))


def test_a_refund_that_the_bank_gives_up_goes_back_and_one_that_is_abnormal_waits(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    pay_shop.desk.tell("pay/refund_mode", "PUT", mode="manual")
    first = office.refund(top_up, 50_000).json["id"]
    pay_shop.desk.tell("pay/settle", out_refund_no=first, outcome="CLOSED")
    pay_shop.desk.tell("pay/drain")
    assert (state(engine), balance(alice)) == ("failed", (50_000, 5_000, 100))
    second = office.refund(top_up, 50_000).json["id"]
    pay_shop.desk.tell("pay/settle", out_refund_no=second, outcome="ABNORMAL")
    pay_shop.desk.tell("pay/drain")
    assert rows(engine, "SELECT state, trouble FROM top_up_refunds WHERE id = :i", i=second) == [
        ("asked", "abnormal")
    ]
    assert balance(alice) == (0, 0, 100)


def test_without_money_or_settings_at_wechat_pay_it_waits(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    for code in ("NOT_ENOUGH", "SIGN_ERROR"):
        pay_shop.desk.fault(REFUNDS, type="status", status=403, code=code)
    assert office.refund(top_up, 50_000).json["state"] == "asked"
    assert swept(pay_shop) == 0
    assert state(engine) == "asked"
    assert swept(pay_shop, after=5 * MINUTE) == 1
    pay_shop.desk.tell("pay/drain")
    assert state(engine) == "done"


def test_sixteen_who_learn_of_it_and_sweep_at_once_pay_once(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    pay_shop.desk.tell("pay/refund_mode", "PUT", mode="manual")
    refund_id = office.refund(top_up, 50_000).json["id"]
    pay_shop.desk.tell("pay/settle", out_refund_no=refund_id, outcome="SUCCESS", notify="lost")
    result = pay_shop.pay.query_refund(refund_id)

    def run(number: int) -> None:
        if number % 2:
            told(result, now=clock.now())
        else:
            swept(pay_shop)

    race(RUNNERS, run)
    assert (state(engine), balance(alice)) == ("done", (0, 0, 0))
    assert len(rows(engine, "SELECT 1 FROM facts WHERE kind = 'top_up_refunded'")) == 1


def test_above_the_limit_it_is_asked_for_once_a_second_person_has_agreed(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    set_refund_policy(alone_cooling_off_fen=0)
    waiting = office.refund(top_up, 50_000).json
    assert (waiting["state"], balance(alice)) == ("pending", (50_000, 5_000, 100))
    other = pay_shop.shop.person("chief-2", Grant("admin", None))
    decide(approval_id=waiting["approval_id"], agree=True, stores=None, staff_id=other.id, now=clock.now())
    assert (state(engine), balance(alice)) == ("asked", (0, 0, 100))
    assert swept(pay_shop) == 1
    pay_shop.desk.tell("pay/drain")
    assert state(engine) == "done"


def test_one_of_a_till_and_a_manager_of_one_store_are_sent_away(
    pay_shop: PayShop, office: Office, alice: Phone, top_up: str, engine: Engine
) -> None:
    topped_up(pay_shop.shop, alice, amount_fen=10_000)
    [(cash,)] = rows(engine, "SELECT id FROM top_ups WHERE method = 'cash'")
    assert office.refund(cash, 10_000).status_code == 404
    manager = pay_shop.shop.person("boss-1", Grant("manager", pay_shop.shop.store.id))
    office.headers = {"Authorization": f"Bearer {staff_token(manager.id)}"}
    assert office.refund(top_up, 50_000).status_code == 403
    [(member_no,)] = rows(engine, "SELECT member_no FROM members WHERE id = :m", m=alice.member_id)
    assert [one["id"] for one in office.get(f"/members/{member_no}/topups").json["items"]] == [cash]


def test_money_that_goes_after_a_refusal_is_not_kept_quiet(
    unaudited_pay_shop: PayShop, unaudited_engine: Engine
) -> None:
    shop = unaudited_pay_shop
    alice, office = shop.member(), Office(shop)
    number = shop.number(alice)
    shop.desk.pays(number)
    shop.desk.tell("pay/refund_mode", "PUT", mode="manual")
    shop.desk.fault(REFUNDS, moment="after", type="status", status=403, code="RULE_LIMIT")
    shop.desk.fault(ONE, type="status", status=404, code="RESOURCE_NOT_EXISTS")
    refused = office.refund(number, 50_000).json
    assert refused["state"] == "failed"
    shop.desk.tell("pay/settle", out_refund_no=refused["id"], outcome="SUCCESS")
    shop.desk.tell("pay/drain")
    with unaudited_engine.connect() as connection:
        [found] = differences(connection)
    assert found.promise == "what WeChat Pay paid back stands as paid back"
