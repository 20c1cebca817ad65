"""What members see of spending: questions of a till, purchases, movements there and back."""

import uuid

import pytest

from app import clock
from app.checkout.confirm import follow
from app.checkout.quote import QUOTE_LIFE
from app.staff.roles import Grant
from app.stored_value.policy import StoredValuePolicy
from tests.app.stored_value.offering import offer
from tests.quoting import TEA, fill, points_pay, set_policy, take, taken
from tests.shop import Phone, Shop


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


def test_of_each_visit_the_last_question_waits_until_it_has_paid(shop: Shop, phone: Phone) -> None:
    fill(phone, principal_fen=5_000)
    set_policy(StoredValuePolicy, confirm_above_fen=100)
    asked = {"ticket": shop.till.ticket(shop.code(phone)), "lines": [TEA]}
    small, large = (shop.till.post("/quotes", {**asked, "balance_fen": fen}).json for fen in (1_000, 2_000))
    [waits] = phone.get("/me/confirmations").json["items"]
    assert (waits["id"], waits["stored_value_fen"], waits["amount_fen"]) == (large["id"], 2_000, 3_000)
    without = shop.till.post("/quotes", asked).json
    assert take(shop.till, without).status_code == 201
    assert phone.get("/me/confirmations").json["items"] == []
    assert small["confirmation"] == "pending"


def test_what_was_spent_and_given_back_has_a_name_in_both_languages(shop: Shop, phone: Phone) -> None:
    anna = shop.person("anna", Grant("clerk", shop.store.id))
    fill(phone, points=500)
    points_pay()
    offered = offer()
    ticket = shop.till.ticket(shop.code(phone))
    money = {"amount_fen": offered.pay_fen, "method": "cash", "receipt_no": "T-1", "offer_id": offered.id}
    assert shop.till.post("/topups", {"ticket": ticket, **money}).status_code == 201
    wishes = {"points": 500, "balance_fen": 1_500}
    sale = taken(shop, shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA], **wishes}).json)
    body = {"refund_no": uuid.uuid4().hex, "reason": "returned", "staff_no": anna.staff_no}
    assert shop.till.post(f"/sales/{sale['id']}/refunds", body).status_code == 201
    for language in ("zh", "en"):
        said = {"headers": {"Accept-Language": language}}
        for path in ("/me/points/entries", "/me/balance/entries"):
            items = [one for one in phone.get(path, **said).json["items"] if one["reason"] != "adjust"]
            assert {one["reason"] for one in items} >= {"spend", "restore"}
            assert path == "/me/points/entries" or {one["part"] for one in items} == {"principal", "bonus"}
            assert all(one["text"] for one in items)


def state(phone: Phone, quote_id: str) -> str:
    answer = phone.get(f"/me/confirmations/{quote_id}")
    assert answer.status_code == 200, answer.json
    return str(answer.json["state"])


def test_who_agreed_can_follow_the_sale_until_it_is_made_or_the_quote_ends(shop: Shop, phone: Phone) -> None:
    fill(phone, principal_fen=5_000)
    set_policy(StoredValuePolicy, confirm_above_fen=100)
    first, second, third = (
        shop.till.post(
            "/quotes",
            {
                "ticket": shop.till.ticket(shop.code(phone, steps=steps)),
                "lines": [TEA],
                "balance_fen": 1_000,
            },
        ).json
        for steps in (-1, 0, 1)
    )
    for quote in (first, second):
        assert phone.post(f"/me/confirmations/{quote['id']}", json={"agree": True}).status_code == 200
        assert state(phone, quote["id"]) == "waiting"
    assert phone.post(f"/me/confirmations/{third['id']}", json={"agree": False}).status_code == 200
    assert take(shop.till, first).status_code == 201
    assert (state(phone, first["id"]), state(phone, third["id"])) == ("paid", "ended")
    after = clock.now() + QUOTE_LIFE
    assert follow(member_id=phone.member_id, quote_id=second["id"], now=after).state == "ended"
    assert follow(member_id=phone.member_id, quote_id=first["id"], now=after).state == "paid"
    assert shop.member().get(f"/me/confirmations/{first['id']}").status_code == 404
