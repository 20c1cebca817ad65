"""Receipts credited afterwards: once, for what was kept, by the rules of the sale's day, and never quietly."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.approvals.second_person import ApprovalOutdated
from app.audit import OPERATOR
from app.checkout.decide import decide
from app.checkout.retro_credit import RetroCreditPolicy
from app.points.change import create
from app.points.rules import Caps, Extra
from app.points.versions import Draft
from app.policies import change, standing
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.app.checkout.till_side import sell_at, till_of
from tests.app.stored_value.offering import ticket as scanned
from tests.app.tiers.shopping import Custom, set_plan
from tests.conftest import rows
from tests.phones import bound
from tests.racing import race
from tests.shop import Phone, Shop, TillClient

TEA = {"sku": "T", "name": "茶", "quantity": 3, "unit_price_fen": 1_000}
CUP = {"sku": "C", "name": "杯", "quantity": 1, "unit_price_fen": 999}


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


def sold(shop: Shop, *lines: dict[str, Any], amount_fen: int = 0) -> dict[str, Any]:
    total = sum(line["quantity"] * line["unit_price_fen"] for line in lines) or amount_fen
    body = {"receipt_no": uuid.uuid4().hex, "amount_fen": total, "lines": list(lines)}
    answer = shop.till.post("/sales", body)
    assert answer.status_code == 201, answer.json
    return dict(answer.json)


def credit(
    shop: Shop, sale: dict[str, Any], phone: Phone, who: StaffView, *, key: str | None = None, **sent: Any
) -> Any:
    ticket = sent.pop("ticket", None) or scanned(shop, phone, clerk=who)
    body = {"ticket": ticket, **shop.proof(who)}
    return shop.till.post(f"/sales/{sale['id']}/member", body, key)


def refund(shop: Shop, sale: dict[str, Any], who: StaffView, **asked: Any) -> Any:
    body = {"refund_no": uuid.uuid4().hex, "reason": "returned", **shop.proof(who), **asked}
    return shop.till.post(f"/sales/{sale['id']}/refunds", body).json


def set_credit_policy(**value: Any) -> None:
    version = standing(RetroCreditPolicy).version
    change(kind=RetroCreditPolicy, value=value, version=version, actor=OPERATOR, now=clock.now())


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def test_a_forgotten_code_is_made_good_with_points_tier_and_receipt(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView
) -> None:
    set_plan()
    sale = sold(shop, amount_fen=15_000)
    found = shop.till.get(f"/sales?receipt_no={sale['receipt_no']}").json
    assert (found["id"], found["has_member"]) == (sale["id"], False)
    credited = credit(shop, sale, phone, anna, key="once")
    assert credited.status_code == 201, credited.json
    assert (credited.json["state"], credited.json["points_earned"], credited.json["points_after"]) == (
        "done",
        150,
        150,
    )
    assert [part["points"] for part in credited.json["earned"]] == [150]
    again = credit(shop, sale, phone, anna, key="once", ticket="another body")
    assert again.json["code"] == "idempotency_key_reused"
    custom = Custom(shop, engine)
    custom.works()
    assert (custom.tier(phone), custom.gifts(phone)) == ("silver", [50])
    [mine] = phone.get("/me/sales").json["items"]
    assert (mine["id"], mine["points_earned"]) == (sale["id"], 150)
    [(told,)] = rows(engine, "SELECT params ->> 'noted' FROM messages WHERE kind = 'receipt'")
    assert told == "afterwards"
    [(actor, data)] = rows(engine, "SELECT actor_id, data FROM audit_log WHERE action = 'sale.credit'")
    assert (actor, data["member_id"], data["points"]) == (anna.id, phone.member_id, 150)  # type: ignore[index]
    assert shop.till.get(f"/sales?receipt_no={sale['receipt_no']}").json["has_member"] is True


def test_the_same_key_credits_once(shop: Shop, phone: Phone, anna: StaffView) -> None:
    sale, ticket = sold(shop, amount_fen=1_000), scanned(shop, phone, clerk=anna)
    first, second = (credit(shop, sale, phone, anna, key="k", ticket=ticket) for _ in range(2))
    assert first.data == second.data
    assert points(phone) == 10


def test_only_what_was_kept_earns_and_all_of_that_is_taken_back(
    shop: Shop, phone: Phone, anna: StaffView
) -> None:
    sale = sold(shop, TEA, CUP)
    assert refund(shop, sale, anna, lines=[{"line_no": 1, "quantity": 1}])["points"] == 0
    credited = credit(shop, sale, phone, anna).json
    assert (credited["amount_fen"], credited["points_earned"], points(phone)) == (2_999, 29, 29)
    assert refund(shop, sale, anna, lines=[{"line_no": 1, "quantity": 1}])["points_taken"] == 10
    rest = refund(shop, sale, anna)
    assert (rest["amount_fen"], rest["points_taken"], points(phone)) == (1_999, 19, 0)


def test_an_amount_refunded_before_earns_nothing_either(shop: Shop, phone: Phone, anna: StaffView) -> None:
    sale = sold(shop, amount_fen=10_000)
    refund(shop, sale, anna, amount_fen=3_300)
    assert credit(shop, sale, phone, anna).json["points_earned"] == 67
    assert refund(shop, sale, anna, amount_fen=100)["points"] == 1
    assert refund(shop, sale, anna, amount_fen=6_600)["points"] == 66
    assert points(phone) == 0


def test_by_the_rules_of_the_sale_and_for_the_member_as_they_are_now(
    shop: Shop, phone: Phone, anna: StaffView
) -> None:
    sale = sold(shop, amount_fen=1_000)
    shop.rule(rate_bp=20_000)
    assert credit(shop, sale, phone, anna).json["points_earned"] == 10


def test_a_rules_daily_limit_counts_the_day_of_the_sale(shop: Shop, phone: Phone, anna: StaffView) -> None:
    extra = Draft(name_zh="加赠", name_en="Extra", definition=Extra(points=5, caps=Caps(per_day=7)))
    create(draft=extra, actor=OPERATOR, now=clock.now())
    earned = [credit(shop, sold(shop, amount_fen=1_000), phone, anna).json["points_earned"] for _ in range(3)]
    assert earned == [15, 12, 10]
    shop.till.sell(scanned(shop, phone), 1_000)
    assert points(phone) == 15 + 12 + 10 + 10


def test_what_is_refused_and_why(shop: Shop, engine: Engine, phone: Phone, anna: StaffView) -> None:
    def code(sale: dict[str, Any], **sent: Any) -> str:
        return str(credit(shop, sale, phone, anna, **sent).json["code"])

    his = shop.till.sell(scanned(shop, phone), 1_000).json
    assert code(his) == "sale_has_member"
    gone = sold(shop, TEA)
    refund(shop, gone, anna)
    assert code(gone) == "nothing_to_credit"
    sale, used = sold(shop, amount_fen=1_000), scanned(shop, phone, clerk=anna)
    assert code(sale, ticket="unknown") == "ticket_unknown"
    shop.open_store("S002")
    other = shop.add_till("S002", "T1")
    ben = shop.person("ben", Grant("clerk", None))
    elsewhere = other.post(f"/sales/{sale['id']}/member", {"ticket": used, "staff_no": ben.staff_no})
    assert elsewhere.json["code"] == "not_found"
    assert other.get(f"/sales?receipt_no={sale['receipt_no']}").status_code == 404
    bound(shop, phone)
    found = shop.till.post("/scans/by-phone", {"phone": "13800138000", "staff_no": anna.staff_no}).json
    assert code(sale, ticket=found["ticket"]) == "ticket_earns_only"
    assert credit(shop, sale, phone, anna, ticket=used).status_code == 201
    assert code(sold(shop, amount_fen=1_000), ticket=used) == "ticket_used"
    nobody = shop.till.post(f"/sales/{sale['id']}/member", {"ticket": used, "staff_no": "N99"})
    assert nobody.json["code"] == "forbidden"
    assert points(phone) == 10 + 10


def test_after_some_days_it_is_too_late(shop: Shop, phone: Phone, anna: StaffView) -> None:
    till = till_of(shop.till)
    old = sell_at(till, None, 1_000, clock.now() - timedelta(days=8))
    late = credit(shop, {"id": old.sale_id}, phone, anna).json
    assert (late["code"], late["until"]) == (
        "retro_credit_too_late",
        (old.business_date + timedelta(days=7)).isoformat(),
    )
    set_credit_policy(within_days=8)
    assert credit(shop, {"id": old.sale_id}, phone, anna).status_code == 201


@pytest.fixture
def boss(shop: Shop) -> StaffView:
    return shop.person("boss", Grant("manager", shop.store.id))


def agree(approval_id: str, who: StaffView) -> None:
    decide(approval_id=approval_id, agree=True, stores=None, staff_id=who.id, now=clock.now())


def test_a_large_one_waits_for_a_second_person(
    shop: Shop, phone: Phone, anna: StaffView, boss: StaffView
) -> None:
    sale = sold(shop, amount_fen=50_001)
    asked = credit(shop, sale, phone, anna).json
    assert (asked["state"], asked["points_earned"], points(phone)) == ("pending", 0, 0)
    agree(asked["approval_id"], boss)
    assert points(phone) == 500


@pytest.mark.parametrize("meanwhile", ["refund", "member", "frozen", "clerk"])
def test_what_changed_meanwhile_outdates_it(
    shop: Shop, engine: Engine, phone: Phone, anna: StaffView, boss: StaffView, meanwhile: str
) -> None:
    sale = sold(shop, amount_fen=50_001)
    asked = credit(shop, sale, phone, anna).json
    if meanwhile == "refund":
        refund(shop, sale, anna, amount_fen=1)
    elif meanwhile == "member":
        other = credit(shop, sale, shop.member(), anna).json
        agree(other["approval_id"], boss)
    else:
        table, value = ("members", "frozen") if meanwhile == "frozen" else ("staff", "disabled")
        rank = ", disabled_rank = 1" if table == "staff" else ""
        one = phone.member_id if table == "members" else anna.id
        with engine.begin() as connection:
            connection.exec_driver_sql(f"UPDATE {table} SET status = '{value}'{rank} WHERE id = {one}")
    with pytest.raises(ApprovalOutdated):
        agree(asked["approval_id"], boss)


def test_after_some_in_a_day_a_clerk_needs_somebody_as_well(
    shop: Shop, phone: Phone, anna: StaffView, boss: StaffView
) -> None:
    set_credit_policy(alone_a_day=2)
    states = [credit(shop, sold(shop, amount_fen=100), phone, anna).json["state"] for _ in range(3)]
    assert states == ["done", "done", "pending"]
    assert credit(shop, sold(shop, amount_fen=100), phone, boss).json["state"] == "done"


def test_sixteen_tills_credit_one_receipt_once(shop: Shop, engine: Engine, anna: StaffView) -> None:
    sale = sold(shop, amount_fen=1_000)
    answers = credited_at_once(shop, anna, [sale] * 16)
    assert sorted(answers) == ["done"] + ["sale_has_member"] * 15
    assert rows(engine, "SELECT sum(points) FROM sale_credits") == [(10,)]


def test_sixteen_receipts_at_once_stay_within_what_a_clerk_may_alone(shop: Shop, anna: StaffView) -> None:
    sales = [sold(shop, amount_fen=100) for _ in range(16)]
    assert credited_at_once(shop, anna, sales).count("done") == 5


def credited_at_once(shop: Shop, who: StaffView, sales: list[dict[str, Any]]) -> list[str]:
    """Each by a member of its own: the states, or the codes of refusals."""
    tickets = [scanned(shop, shop.member(), clerk=who) for _ in sales]

    def run(number: int) -> str:
        client = TillClient(shop.till.key, shop.app.test_client())
        body = {"ticket": tickets[number], "staff_no": who.staff_no}
        answer = client.post(f"/sales/{sales[number]['id']}/member", body)
        return str(answer.json.get("state") or answer.json["code"])

    return race(len(sales), run)
