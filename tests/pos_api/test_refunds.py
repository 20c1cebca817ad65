"""Refunds at the till: money and points go back exactly, once, by those who may."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.approvals.second_person import ApprovalOutdated
from app.audit import OPERATOR
from app.checkout.decide import decide
from app.checkout.refund import RefundPolicy
from app.ledger.post import Cause, Posting, post
from app.policies import change
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.work import fact_relay, send_messages, tell_consumers
from tests.adjusting import adjusted
from tests.conftest import rows
from tests.racing import race
from tests.shop import Phone, Shop

TEA = {"sku": "T", "name": "茶", "quantity": 3, "unit_price_fen": 1_000}
CUP = {"sku": "C", "name": "杯", "quantity": 1, "unit_price_fen": 999}


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


def sold(shop: Shop, phone: Phone | None, *lines: dict[str, Any], amount_fen: int = 0) -> dict[str, Any]:
    ticket = None if phone is None else shop.till.ticket(shop.code(phone))
    total = sum(line["quantity"] * line["unit_price_fen"] for line in lines) or amount_fen
    body = {"receipt_no": uuid.uuid4().hex, "amount_fen": total, "lines": list(lines), "ticket": ticket}
    answer = shop.till.post("/sales", body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def refund(shop: Shop, sale: dict[str, Any], who: StaffView, *, key: str | None = None, **asked: Any) -> Any:
    body = {"refund_no": uuid.uuid4().hex, "reason": "returned", **shop.proof(who), **asked}
    while True:
        answer = shop.till.post(f"/sales/{sale['id']}/refunds", body, key)
        # Of many PINs at once some are looked at later; a slow machine takes longer than they are made to wait.
        if answer.status_code != 429:
            return answer


def spend(phone: Phone, points: int) -> None:
    now = clock.now()
    cause = Cause(
        kind="adjust",
        source_type="test",
        source_id=uuid.uuid4().hex,
        occurred_at=now,
        business_date=now.date(),
    )
    with db.transaction() as session:
        post(
            session,
            cause,
            [Posting(member_id=phone.member_id, unit="points", amount=-points, house="points_issued")],
        )


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def owed(engine: Engine, phone: Phone) -> int:
    found = rows(
        engine,
        "SELECT balance FROM ledger_accounts WHERE member_id = :m AND unit = 'points_owed'",
        m=phone.member_id,
    )
    return int(found[0][0]) if found else 0


def test_one_of_three_goes_back_with_its_points_and_then_the_rest(
    shop: Shop, phone: Phone, anna: StaffView
) -> None:
    sale = sold(shop, phone, TEA, CUP)
    assert (sale["points_earned"], points(phone)) == (39, 39)
    one = refund(shop, sale, anna, lines=[{"line_no": 1, "quantity": 1}]).json
    assert (one["state"], one["amount_fen"], one["points"], one["points_taken"]) == ("done", 1_000, 10, 10)
    assert (one["points_after"], points(phone)) == (29, 29)
    rest = refund(shop, sale, anna).json
    assert (rest["amount_fen"], rest["points"], points(phone)) == (2_999, 29, 0)
    assert [(part["line_no"], part["quantity"]) for part in rest["lines"]] == [(1, 2), (2, 1)]
    assert shop.till.get(f"/sales/{sale['id']}").json["refunded_fen"] == 3_999
    assert phone.get("/me/sales").json["items"][0]["refunded_fen"] == 3_999
    again = refund(shop, sale, anna)
    assert (again.status_code, again.json["code"]) == (409, "nothing_to_refund")


def test_an_amount_goes_back_of_a_sale_without_lines(shop: Shop, phone: Phone, anna: StaffView) -> None:
    sale = sold(shop, phone, amount_fen=10_050)
    assert points(phone) == 100
    assert refund(shop, sale, anna, amount_fen=5_000).json["points"] == 49
    over = refund(shop, sale, anna, amount_fen=5_051)
    assert (over.status_code, over.json["code"], over.json["amount_fen"]) == (
        409,
        "refund_exceeds_sale",
        5_050,
    )
    assert refund(shop, sale, anna, amount_fen=5_050).json["points"] == 51
    assert points(phone) == 0


def test_points_already_spent_are_owed_and_paid_by_the_next(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    sale = sold(shop, phone, amount_fen=10_000)
    spend(phone, 80)
    back = refund(shop, sale, anna).json
    assert (back["points"], back["points_taken"], back["points_owed"], back["points_after"]) == (
        100,
        20,
        80,
        0,
    )
    assert (points(phone), owed(engine, phone)) == (0, 80)
    assert phone.get("/me/points").json["owed"] == 80
    shop.earn(phone, 50)
    assert (points(phone), owed(engine, phone)) == (0, 30)
    shop.earn(phone, 50)
    assert (points(phone), owed(engine, phone)) == (20, 0)
    reasons = [entry["reason"] for entry in phone.get("/me/points/entries").json["items"]]
    assert reasons == ["repay", "earn", "repay", "earn", "refund", "adjust", "earn"]
    assert phone.get("/me/points").json["owed"] == 0
    tell_consumers(fact_relay(shop.parts), clock.now())
    send_messages(shop.parts, clock.now)
    told = [one["body"] for one in phone.get("/me/messages").json["items"]]
    assert "其中30积分已抵扣所欠积分" in told[0]
    assert "其中50积分已抵扣所欠积分" in told[1]
    assert "收回20积分" in told[2]
    assert "另有80积分已使用，将从下次获得的积分中扣除" in told[2]
    assert "所欠" not in told[3]


def test_points_that_ended_unspent_are_not_asked_for(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.rule(rate_bp=10_000, lifetime_days=1)
    sale = sold(shop, phone, amount_fen=10_000)
    spend(phone, 30)
    later = clock.now() + timedelta(days=5)
    monkeypatch.setattr(clock, "now", lambda: later)
    half = refund(shop, sale, anna, amount_fen=5_000).json
    assert (half["points"], half["points_taken"], half["points_owed"]) == (50, 0, 0)
    rest = refund(shop, sale, anna, amount_fen=5_000).json
    # 70 had ended, 30 were spent.
    assert (rest["points"], rest["points_taken"], rest["points_owed"], owed(engine, phone)) == (50, 0, 30, 30)


def test_a_sale_without_member_goes_back_too(shop: Shop, engine: Engine, anna: StaffView) -> None:
    sale = sold(shop, None, TEA)
    back = refund(shop, sale, anna, reason="void").json
    assert (back["amount_fen"], back["points"], back["points_after"]) == (3_000, 0, None)
    assert rows(engine, "SELECT reason FROM refunds") == [("void",)]


def test_the_same_key_gives_the_same_answer_and_no_second_refund(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    sale = sold(shop, phone, TEA)
    asked: dict[str, Any] = {"lines": [{"line_no": 1, "quantity": 1}], "refund_no": "RF-1"}
    first = refund(shop, sale, anna, key="k", **asked)
    with engine.begin() as connection:
        connection.execute(text("UPDATE staff SET status = 'disabled', disabled_rank = 2"))
    assert refund(shop, sale, anna, key="k", **asked).json == first.json
    assert rows(engine, "SELECT count(*) FROM refunds") == [(1,)]


def test_a_refund_number_is_used_once_in_a_store(shop: Shop, phone: Phone, anna: StaffView) -> None:
    sale = sold(shop, phone, TEA)
    asked: dict[str, Any] = {"lines": [{"line_no": 1, "quantity": 1}], "refund_no": "RF-1"}
    assert refund(shop, sale, anna, **asked).status_code == 201
    twice = refund(shop, sale, anna, **asked)
    assert (twice.status_code, twice.json["code"]) == (409, "refund_no_used")
    assert points(phone) == 20


def test_many_tills_refund_one_sale_at_once_and_it_goes_back_once(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    sales = [sold(shop, phone if number == 0 else None, TEA) for number in range(4)]
    answers = race(16, lambda number: refund(shop, sales[number % 4], anna, staff_pin=None).status_code)
    assert sorted(answers) == [201] * 4 + [409] * 12
    assert rows(engine, "SELECT sum(amount_fen) FROM refunds") == [(12_000,)]
    assert points(phone) == 0


def test_without_the_lock_the_constraint_still_refuses(shop: Shop, engine: Engine, anna: StaffView) -> None:
    """Negative control: what keeps a second refund out is in the database."""
    sale = sold(shop, None, TEA)
    assert refund(shop, sale, anna).status_code == 201
    with pytest.raises(Exception, match="ck_sale_lines_refunded_within"), engine.begin() as connection:
        connection.execute(text("UPDATE sale_lines SET refunded_quantity = refunded_quantity + 1"))


@pytest.mark.parametrize(
    "asked",
    [
        {"lines": []},
        {"lines": [{"line_no": 1, "quantity": 0}]},
        {"lines": [{"line_no": 1, "quantity": 1}, {"line_no": 1, "quantity": 1}]},
        {"lines": [{"line_no": 1, "quantity": 1}], "amount_fen": 5},
        {"amount_fen": 0},
        {"reason": "no reason"},
        {"reason": "void", "lines": [{"line_no": 1, "quantity": 1}]},
        {"reason": "void", "amount_fen": 5},
        {"refund_no": ""},
        {"amount_fen": 5.0},
    ],
)
def test_a_refund_that_means_nothing_is_refused(
    shop: Shop, engine: Engine, anna: StaffView, asked: dict[str, Any]
) -> None:
    answer = refund(shop, sold(shop, None, TEA), anna, **asked)
    assert (answer.status_code, answer.json["code"]) == (422, "validation_failed")
    assert rows(engine, "SELECT 1 FROM refunds") == []


def test_only_those_who_may_sell_there_refund_there(shop: Shop, anna: StaffView) -> None:
    sale = sold(shop, None, TEA)
    elsewhere = shop.open_store("S002")
    other = shop.add_till("S002", "T1")
    stranger = shop.person("eve", Grant("clerk", elsewhere.id))
    marketer = shop.person("max", Grant("marketer", None))
    for who in (stranger, marketer):
        assert refund(shop, sale, who).status_code == 403
    body = {"refund_no": "x", "reason": "returned", "staff_no": stranger.staff_no}
    assert other.post(f"/sales/{sale['id']}/refunds", body).status_code == 404
    assert refund(shop, sale, anna).status_code == 201


def test_after_the_days_are_over_nothing_goes_back(
    shop: Shop, anna: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = sold(shop, None, TEA)
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=31))
    late = refund(shop, sale, anna)
    assert (late.status_code, late.json["code"]) == (409, "refund_too_late")
    monkeypatch.setattr(clock, "now", lambda: now + timedelta(days=30))
    assert refund(shop, sale, anna).status_code == 201


def test_a_large_refund_waits_for_a_second_person(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    change(kind=RefundPolicy, value={"alone_fen": 2_000}, version=0, actor=OPERATOR, now=clock.now())
    boss = shop.person("boss", Grant("manager", shop.store.id))
    sale = sold(shop, phone, TEA)
    asked = refund(shop, sale, anna, refund_no="RF-9").json
    assert (asked["state"], asked["amount_fen"], points(phone)) == ("pending", 3_000, 30)
    decide(approval_id=asked["approval_id"], agree=True, stores=None, staff_id=boss.id, now=clock.now())
    assert points(phone) == 0
    assert rows(engine, "SELECT id, refund_no, amount_fen, staff_id FROM refunds") == [
        (asked["id"], "RF-9", 3_000, anna.id)
    ]


def test_many_small_refunds_of_one_sale_are_a_large_one(shop: Shop, engine: Engine, anna: StaffView) -> None:
    change(kind=RefundPolicy, value={"alone_fen": 2_000}, version=0, actor=OPERATOR, now=clock.now())
    sale = sold(shop, None, amount_fen=10_000)
    states = [refund(shop, sale, anna, amount_fen=900).json["state"] for _ in range(3)]
    assert states == ["done", "done", "pending"]
    other = refund(shop, sale, anna, amount_fen=900)
    assert (other.status_code, other.json["code"]) == (409, "refund_pending")
    assert rows(engine, "SELECT sum(amount_fen) FROM refunds") == [(1_800,)]


def test_an_amount_that_is_no_longer_whole_is_not_given_in_part(
    shop: Shop, engine: Engine, anna: StaffView
) -> None:
    """Whoever agreed to all of it did not agree to what is left of it."""
    change(kind=RefundPolicy, value={"alone_fen": 4_000}, version=0, actor=OPERATOR, now=clock.now())
    boss = shop.person("boss", Grant("manager", shop.store.id))
    sale = sold(shop, None, amount_fen=10_000)
    asked = refund(shop, sale, anna).json
    assert refund(shop, sale, anna, amount_fen=4_000).json["state"] == "done"
    with pytest.raises(ApprovalOutdated):
        decide(approval_id=asked["approval_id"], agree=True, stores=None, staff_id=boss.id, now=clock.now())
    assert rows(engine, "SELECT sum(amount_fen) FROM refunds") == [(4_000,)]


def requests(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT state, decided_by FROM approval_requests ORDER BY id")


def test_who_asks_again_for_the_very_same_has_asked_once(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    change(kind=RefundPolicy, value={"alone_fen": 0}, version=0, actor=OPERATOR, now=clock.now())
    boss, other = (
        shop.person("boss", Grant("manager", shop.store.id)),
        shop.person("bert", Grant("clerk", shop.store.id)),
    )
    sale = sold(shop, phone, TEA)
    answers = race(16, lambda _: refund(shop, sale, anna, refund_no="RF-9"))
    assert len({(a.json["approval_id"], a.json["id"]) for a in answers}) == 1
    refused = refund(shop, sale, other, refund_no="RF-9").json
    assert (refused["code"], refused["approval_id"]) == ("refund_pending", answers[0].json["approval_id"])
    moved = race(16, lambda _: adjusted(shop, phone, boss.id, 5_000))
    assert len({(one.approval_id, one.adjustment_id) for one in moved}) == 1
    assert requests(engine) == [("pending", None)] * 2
    decide(approval_id=refused["approval_id"], agree=False, stores=None, staff_id=boss.id, now=clock.now())
    assert refund(shop, sale, other).json["state"] == "pending"


def test_what_can_never_be_carried_out_does_not_wait_any_more(
    shop: Shop, engine: Engine, anna: StaffView
) -> None:
    change(kind=RefundPolicy, value={"alone_fen": 4_000}, version=0, actor=OPERATOR, now=clock.now())
    boss = shop.person("boss", Grant("manager", shop.store.id))
    sale = sold(shop, None, amount_fen=10_000)
    asked = refund(shop, sale, anna).json
    refund(shop, sale, anna, amount_fen=4_000)
    for refused in ("approval_outdated", "approval_decided"):
        with pytest.raises(Exception, match=refused):
            decide(
                approval_id=asked["approval_id"], agree=True, stores=None, staff_id=boss.id, now=clock.now()
            )
    assert requests(engine) == [("outdated", boss.id)]
    assert rows(engine, "SELECT count(*) FROM refunds") == [(1,)]
    assert rows(engine, "SELECT action FROM audit_log WHERE object_type = 'approval'") == [
        ("approval.outdate",)
    ]


def test_refunds_and_adjustments_by_one_person_do_not_block_each_other(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    boss = shop.person("boss", Grant("manager", shop.store.id))
    sales = [sold(shop, phone, TEA) for _ in range(1)]
    sales += [sold(shop, shop.member(), TEA) for _ in range(7)]

    def run(number: int) -> str:
        if number % 2:
            return adjusted(shop, phone, boss.id, 10).state
        return str(refund(shop, sales[number // 2], boss).json["state"])

    assert set(race(16, run)) == {"posted", "done"}


def test_what_went_back_meanwhile_is_not_given_twice(shop: Shop, engine: Engine, anna: StaffView) -> None:
    change(kind=RefundPolicy, value={"alone_fen": 2_000}, version=0, actor=OPERATOR, now=clock.now())
    boss = shop.person("boss", Grant("manager", shop.store.id))
    sale = sold(shop, None, TEA)
    asked = refund(shop, sale, anna).json
    assert refund(shop, sale, anna, lines=[{"line_no": 1, "quantity": 1}]).status_code == 201
    with pytest.raises(Exception, match="refund_exceeds_sale"):
        decide(approval_id=asked["approval_id"], agree=True, stores=None, staff_id=boss.id, now=clock.now())
    assert rows(engine, "SELECT sum(amount_fen) FROM refunds") == [(1_000,)]


def test_the_member_is_told(shop: Shop, phone: Phone, anna: StaffView) -> None:
    sale = sold(shop, phone, TEA)
    refund(shop, sale, anna)
    relay = fact_relay(shop.parts)
    for _ in range(2):
        tell_consumers(relay, clock.now())
        send_messages(shop.parts, clock.now)
    messages = phone.get("/me/messages", headers={"Accept-Language": "en"}).json["items"]
    assert [message["kind"] for message in messages] == ["refund", "receipt"]
    assert "¥30.00 was refunded" in messages[0]["body"]
    assert "Points taken back: 30. Points available: 0." in messages[0]["body"]
