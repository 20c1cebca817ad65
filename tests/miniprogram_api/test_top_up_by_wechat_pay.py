"""Topping up on the phone: credited once when it was paid, whoever tells it, and never when it was not."""

from contextlib import ExitStack, suppress
from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import Engine, text

from app import clock
from app.checkout import settle_top_up
from app.db import Busy
from tests.app.stored_value.offering import offer, ticket, topped_up
from tests.conftest import rows
from tests.paying import PREPAY, QUERY, PayShop
from tests.racing import race
from tests.shop import Phone

RUNNERS = 16
MINUTES = timedelta(minutes=1)


@pytest.fixture
def alice(pay_shop: PayShop) -> Phone:
    return pay_shop.member()


def balance(phone: Phone) -> tuple[int, int]:
    told = phone.get("/me/balance").json
    return told["principal_fen"], told["bonus_fen"]


def state(phone: Phone, number: str) -> str:
    return str(phone.get(f"/me/topups/{number}").json["state"])


def test_what_the_phone_gets_opens_the_payment_and_paying_credits_it(pay_shop: PayShop, alice: Phone) -> None:
    given = pay_shop.order(alice, offer_id=offer().id)
    assert given.status_code == 201, given.json
    sheet = pay_shop.desk.tell("pay/request", user="alice", **given.json["payment"])
    assert sheet["order"]["out_trade_no"] == given.json["id"]
    assert (state(alice, given.json["id"]), balance(alice)) == ("created", (0, 0))
    pay_shop.desk.pays(given.json["id"])
    assert pay_shop.desk.answers() == [204]
    assert (state(alice, given.json["id"]), balance(alice)) == ("credited", (50_000, 5_000))
    assert alice.get("/me/points").json["points"] == 100
    [first, second] = alice.get("/me/balance/entries").json["items"]
    assert {first["store"], second["store"]} == {None}


def test_ten_callbacks_at_once_and_the_sweeper_credit_it_once(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    pay_shop.desk.tell("pay/pay", out_trade_no=number, notify=10)
    pay_shop.sweep(after=2 * MINUTES)
    pay_shop.desk.tell("pay/drain")
    assert pay_shop.desk.answers().count(204) == 10
    pay_shop.desk.tell("pay/replay")
    assert balance(alice) == (50_000, 0)


def test_sixteen_who_learn_of_it_together_credit_it_once(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    pay_shop.desk.pays(number, notify="lost")
    payment = pay_shop.pay.query(number)
    race(RUNNERS, lambda _: settle_top_up.confirm(payment, now=clock.now()))  # type: ignore[arg-type]
    assert balance(alice) == (50_000, 0)


def test_a_lost_callback_is_asked_for(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    pay_shop.desk.pays(number, notify="lost")
    assert pay_shop.sweep() == 0  # too early: the callback may be on its way
    assert balance(alice) == (0, 0)
    assert pay_shop.sweep(after=2 * MINUTES) == 1
    assert balance(alice) == (50_000, 0)
    assert pay_shop.sweep(after=4 * MINUTES) == 0


def test_an_order_that_nobody_pays_is_closed_here_and_there(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    pay_shop.sweep(after=5 * MINUTES)
    assert state(alice, number) == "created"
    pay_shop.sweep(after=17 * MINUTES)
    assert (state(alice, number), pay_shop.desk.state(number)) == ("closed", "CLOSED")
    assert balance(alice) == (0, 0)


def test_one_that_never_got_to_wechat_pay_is_closed_as_well(pay_shop: PayShop, alice: Phone) -> None:
    pay_shop.desk.fault(PREPAY, type="drop")
    refused = pay_shop.order(alice)
    assert (refused.status_code, refused.json["code"]) == (503, "payment_unavailable")
    pay_shop.sweep(after=17 * MINUTES)
    [listed] = alice.get("/me/topups/offers").json["items"] or [None]
    assert listed is None
    assert pay_shop.order(alice).status_code == 201


def test_a_lost_answer_is_repeated_with_the_same_key_and_order(pay_shop: PayShop, alice: Phone) -> None:
    pay_shop.desk.fault(PREPAY, moment="after", type="drop")
    assert pay_shop.order(alice, key="one").status_code == 503
    again = pay_shop.order(alice, key="one")
    assert again.status_code == 201
    assert pay_shop.order(alice, key="one").json["id"] == again.json["id"]
    pay_shop.desk.pays(again.json["id"])
    assert balance(alice) == (50_000, 0)
    paid = pay_shop.order(alice, key="one")
    assert (paid.status_code, paid.json["code"]) == (409, "order_closed")


def test_the_same_wish_again_is_the_same_order(pay_shop: PayShop, alice: Phone) -> None:
    assert pay_shop.number(alice) == pay_shop.number(alice)


def test_another_wish_closes_the_order_before(pay_shop: PayShop, alice: Phone) -> None:
    first, second = pay_shop.number(alice, 50_000), pay_shop.number(alice, 20_000)
    assert pay_shop.desk.state(first) == "CLOSED"
    assert (state(alice, first), state(alice, second)) == ("closed", "created")
    assert pay_shop.desk.tell("pay/pay", out_trade_no=first)["errMsg"] == "requestPayment:fail"


def test_wishing_for_something_else_finds_that_the_first_was_paid(pay_shop: PayShop, alice: Phone) -> None:
    first = pay_shop.number(alice, 50_000)
    pay_shop.desk.pays(first, notify="lost")
    pay_shop.number(alice, 20_000)
    assert (state(alice, first), balance(alice)) == ("credited", (50_000, 0))


def test_ordering_again_what_was_paid_and_not_told_finds_it(pay_shop: PayShop, alice: Phone) -> None:
    pay_shop.desk.pays(pay_shop.number(alice), notify="lost")
    again = pay_shop.order(alice)
    assert (again.status_code, again.json["code"]) == (409, "order_closed")
    assert balance(alice) == (50_000, 0)


def test_who_puts_the_payment_away_may_close_the_order(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    closed = alice.post(f"/me/topups/{number}/close")
    assert (closed.status_code, closed.json["state"]) == (200, "closed")
    assert alice.post(f"/me/topups/{number}/close").json["state"] == "closed"


def test_closing_what_was_paid_credits_it(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    pay_shop.desk.pays(number, notify="lost")
    assert alice.post(f"/me/topups/{number}/close").json["state"] == "credited"
    assert balance(alice) == (50_000, 0)


def test_money_that_comes_for_an_order_we_gave_up_is_credited(
    pay_shop: PayShop, alice: Phone, engine: Engine
) -> None:
    number = pay_shop.number(alice)
    with engine.begin() as connection:
        connection.execute(text("UPDATE top_ups SET state = 'closed'"))
    pay_shop.desk.pays(number)
    assert (state(alice, number), balance(alice)) == ("credited", (50_000, 0))


def test_it_is_credited_even_to_who_took_consent_back_meanwhile(
    pay_shop: PayShop, alice: Phone, engine: Engine
) -> None:
    number = pay_shop.number(alice)
    assert alice.client.delete("/api/v1/me/consent", headers={"Authorization": f"Bearer {alice.token}"})
    pay_shop.desk.pays(number)
    assert rows(engine, "SELECT state FROM top_ups") == [("credited",)]


@pytest.mark.parametrize(
    "twist",
    ["amount", "appid", "mchid", "tag", "cut", "old", "forged", "unknown_serial", "no_serial", "probe"],
)
def test_a_notification_that_is_not_about_our_order_credits_nothing(
    pay_shop: PayShop, alice: Phone, twist: str
) -> None:
    number = pay_shop.number(alice)
    pay_shop.desk.pays(number, twist=twist)
    answers = pay_shop.desk.answers()
    assert answers
    assert all(400 <= answer < 500 for answer in answers)
    assert (state(alice, number), balance(alice)) == ("created", (0, 0))
    pay_shop.sweep(after=2 * MINUTES)  # the truth is at WeChat Pay
    assert balance(alice) == (50_000, 0)


def test_strangers_who_call_are_refused_and_nobody_is_asked(pay_shop: PayShop) -> None:
    for body in (b"", b"{}", b"x" * 70_000):
        answer = requests.post(f"{pay_shop.address}/callbacks/wechat-pay", data=body, timeout=60)
        assert answer.status_code in (413, 422)
    assert pay_shop.desk.tell("metrics", "GET")["calls"] == {}


def test_a_forged_answer_to_our_question_is_not_believed(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    pay_shop.desk.pays(number, notify="lost")
    pay_shop.desk.fault(QUERY, type="forged")
    assert pay_shop.sweep(after=2 * MINUTES) == 0
    assert balance(alice) == (0, 0)
    assert pay_shop.sweep(after=4 * MINUTES) == 1
    assert (state(alice, number), balance(alice)) == ("credited", (50_000, 0))


def test_the_first_offer_is_not_promised_twice_on_phone_and_till(pay_shop: PayShop, alice: Phone) -> None:
    first = offer(first_only=True)
    pay_shop.number(alice, offer_id=first.id)
    refused = topped_up(pay_shop.shop, alice, offer_id=first.id)
    assert (refused.status_code, refused.json["code"]) == (409, "offer_used_up")
    refused = topped_up(pay_shop.shop, alice, amount_fen=60_000)
    assert (refused.status_code, refused.json["held_fen"]) == (409, 50_000)


def test_sixteen_orders_at_once_leave_one_open(pay_shop: PayShop, alice: Phone, engine: Engine) -> None:
    def run(number: int) -> str:
        answer = pay_shop.order(alice, 1_000 + number % 2)
        return "ordered" if answer.status_code == 201 else str(answer.json["code"])

    ended = set(race(9, run))
    assert ended <= {"ordered", "busy", "order_closed", "payment_pending", "payment_unavailable"}
    assert "ordered" in ended
    assert len(rows(engine, "SELECT 1 FROM top_ups WHERE state = 'created'")) == 1


def test_two_sweepers_ask_about_each_order_once(pay_shop: PayShop, engine: Engine) -> None:
    for name in ("alice", "bob", "carol"):
        pay_shop.desk.pays(pay_shop.number(pay_shop.member(name)), notify="lost")
    assert sum(race(4, lambda _: pay_shop.sweep(after=2 * MINUTES))) == 3
    assert pay_shop.desk.tell("metrics", "GET")["calls"][QUERY] == 3
    assert rows(engine, "SELECT DISTINCT state FROM top_ups") == [("credited",)]


def test_offers_say_what_this_member_may_take(pay_shop: PayShop, alice: Phone) -> None:
    offer(first_only=True)
    offer(pay_fen=100_000)
    before = alice.get("/me/topups/offers", headers={"Accept-Language": "en"}).json
    assert (before["payable"], before["room_fen"]) == (True, 100_000)
    assert [one["available"] for one in before["items"]] == [True, True]
    assert before["items"][0]["name"] == "Pay 500, get 50"
    pay_shop.desk.pays(pay_shop.number(alice))
    after = alice.get("/me/topups/offers").json
    assert (after["room_fen"], [one["available"] for one in after["items"]]) == (50_000, [False, False])


def test_who_came_another_way_pays_at_the_till(pay_shop: PayShop) -> None:
    stranger = pay_shop.shop.member()
    refused = pay_shop.order(stranger)
    assert (refused.status_code, refused.json["code"]) == (409, "no_wechat_identity")


def test_somebody_elses_order_is_not_there_nor_one_of_a_till(
    pay_shop: PayShop, alice: Phone, engine: Engine
) -> None:
    number, bob = pay_shop.number(alice), pay_shop.member("bob")
    assert bob.get(f"/me/topups/{number}").status_code == 404
    assert bob.post(f"/me/topups/{number}/close").status_code == 404
    topped_up(pay_shop.shop, bob, ticket=ticket(pay_shop.shop, bob))
    [(at_the_till,)] = rows(engine, "SELECT id FROM top_ups WHERE method = 'cash'")
    assert bob.get(f"/me/topups/{at_the_till}").status_code == 404


def test_too_many_orders_are_refused(pay_shop: PayShop, alice: Phone) -> None:
    answers = [pay_shop.order(alice).status_code for _ in range(12)]
    assert answers[-1] == 429


def test_while_too_many_wait_for_wechat_pay_others_come_again(pay_shop: PayShop, alice: Phone) -> None:
    number = pay_shop.number(alice)
    with ExitStack() as waiting:
        for _ in range(100):
            with suppress(Busy):
                waiting.enter_context(pay_shop.pay.places.one())
        refused = [pay_shop.order(alice, 20_000), alice.post(f"/me/topups/{number}/close")]
    assert [(answer.status_code, answer.json["code"]) for answer in refused] == [(409, "busy")] * 2
    assert pay_shop.order(alice, 20_000).status_code == 201


@pytest.mark.long
class TestWithoutTheLock:
    """The same sixteen with nobody waiting, and no key of the cause in the ledger, must go wrong."""

    def test_it_is_credited_more_than_once(
        self, unaudited_pay_shop: PayShop, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shop = unaudited_pay_shop
        alice = shop.member()
        number = shop.number(alice)
        shop.desk.pays(number, notify="lost")
        payment = shop.pay.query(number)

        def unlocked(session: Any, number: str) -> Any:
            found = session.execute(
                settle_top_up.select(settle_top_up.TopUp).where(settle_top_up.TopUp.id == number)
            ).scalar_one()
            session.execute(text("SELECT pg_sleep(0.1)"))
            return found

        monkeypatch.setattr(settle_top_up, "_locked", unlocked)
        with unaudited_engine.begin() as connection:
            connection.execute(
                text("ALTER TABLE ledger_transactions DROP CONSTRAINT uq_ledger_transactions_cause")
            )
            connection.execute(text("ALTER TABLE top_ups DISABLE TRIGGER top_ups_end_once"))

        def confirm(_: int) -> None:
            try:
                settle_top_up.confirm(payment, now=clock.now())  # type: ignore[arg-type]
            except Busy:
                return

        race(RUNNERS, confirm)
        assert balance(alice)[0] > 50_000
