"""The money part of an exchange paid by WeChat Pay: complete once it was paid, and all back when it was not."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app import clock
from app.checkout import refund_exchange, settle_exchange
from app.engagement.rewards.items import Item
from app.engagement.rewards.models import RewardOrder
from app.engagement.rewards.payment_models import RewardPayment
from app.engagement.rewards.reward import Place
from app.withdrawal import withdraw
from tests.conftest import rows
from tests.coupons import live_template
from tests.paying import PREPAY, PayShop
from tests.quoting import fill
from tests.racing import race
from tests.rewards import asked, exchanged, given_up, item, mugs
from tests.shop import Phone

RUNNERS = 16
MINUTES = timedelta(minutes=1)
PRICE = {"points": 100, "cash_fen": 990}
_HELD = "SELECT o.state, o.cancelled_for, p.state, s.taken FROM reward_orders o"
_HELD += (
    " JOIN reward_payments p ON p.order_id = o.id JOIN reward_stock s ON s.item_id = o.item_id ORDER BY o.id"
)


@pytest.fixture
def alice(pay_shop: PayShop) -> Phone:
    phone = pay_shop.member()
    fill(phone, points=250)
    return phone


@pytest.fixture
def mug(pay_shop: PayShop) -> Item:
    return mugs(pay_shop.shop, stock=5, price=PRICE)


def held(phone: Phone, wanted: Item) -> str:
    """An exchange that waits for its payment, opened at WeChat Pay."""
    made = exchanged(phone, wanted, pay_by="wechat_pay")
    assert (made["state"], made["wechat_fen"]) == ("pending", wanted.reward.price.cash_fen)
    opened = opened_at(phone, made["id"])
    assert opened.status_code == 200, opened.json
    return str(made["id"])


def opened_at(phone: Phone, order_id: str) -> Any:
    return phone.post(f"/reward-orders/{order_id}/payment")


def points(phone: Phone) -> int:
    return int(phone.get("/me/points").json["points"])


def shown(phone: Phone, order_id: str) -> tuple[str, str | None]:
    told = phone.get(f"/reward-orders/{order_id}").json
    return told["state"], told["money_back"]


def sweep(pay_shop: PayShop, after: timedelta) -> int:
    return settle_exchange.sweep(pay_shop.pay, now=clock.now() + after)


def test_paying_completes_it_and_points_are_held_until_then(
    pay_shop: PayShop, alice: Phone, mug: Item, engine: Engine
) -> None:
    assert alice.get(f"/rewards/{mug.item_id}").json["wechat_pay"] is True
    order_id = held(alice, mug)
    assert (points(alice), shown(alice, order_id)) == (150, ("pending", None))
    params = opened_at(alice, order_id).json["payment"]
    sheet = pay_shop.desk.tell("pay/request", user="alice", **params)
    assert sheet["order"]["out_trade_no"] == order_id
    pay_shop.desk.pays(order_id)
    assert pay_shop.desk.answers() == [204]
    assert (points(alice), shown(alice, order_id)) == (150, ("ready", None))
    assert rows(engine, _HELD) == [("ready", None, "paid", 1)]
    assert opened_at(alice, order_id).json["code"] == "order_closed"
    assert given_up(alice, order_id).json["money_back"] == "refunding"


def told(engine: Engine) -> list[Any]:
    return rows(engine, "SELECT count(*) FROM facts WHERE kind = 'reward_exchanged'")


def learn_together(pay_shop: PayShop, phone: Phone, mug: Item) -> None:
    order_id = held(phone, mug)
    pay_shop.desk.pays(order_id, notify="lost")
    payment = pay_shop.pay.query(order_id)
    race(RUNNERS, lambda _: settle_exchange.confirm(payment, now=clock.now()))  # type: ignore[arg-type]


def test_sixteen_who_learn_of_it_together_complete_it_once(
    pay_shop: PayShop, alice: Phone, mug: Item, engine: Engine
) -> None:
    learn_together(pay_shop, alice, mug)
    assert rows(engine, _HELD) == [("ready", None, "paid", 1)]
    assert told(engine) == [(1,)]


@pytest.mark.long
def test_without_the_lock_it_is_completed_more_than_once(
    unaudited_pay_shop: PayShop, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looked at without the lock, by all of them before anybody has written."""
    together = threading.Barrier(RUNNERS)

    def looked_at(session: Session, number: str) -> tuple[RewardOrder, RewardPayment]:
        order = session.execute(select(RewardOrder).where(RewardOrder.id == number)).scalar_one()
        kept = session.execute(select(RewardPayment).where(RewardPayment.order_id == number)).scalar_one()
        together.wait(30)
        return order, kept

    phone = unaudited_pay_shop.member()
    fill(phone, points=250)
    wanted = mugs(unaudited_pay_shop.shop, stock=5, price=PRICE)
    monkeypatch.setattr(settle_exchange, "locked_with_payment", looked_at)
    learn_together(unaudited_pay_shop, phone, wanted)
    assert told(unaudited_engine)[0][0] > 1


def test_a_coupon_is_given_once_it_is_paid(pay_shop: PayShop, alice: Phone, engine: Engine) -> None:
    template = live_template(clock.now())
    coupon = item(Place(store_id=None, stock=5), kind="coupon", gives_id=template, price=PRICE)
    order_id = held(alice, coupon)
    assert rows(engine, "SELECT count(*) FROM coupons") == [(0,)]
    pay_shop.desk.pays(order_id)
    assert rows(engine, "SELECT count(*) FROM coupons WHERE state = 'held'") == [(1,)]
    assert shown(alice, order_id) == ("given", None)


def test_a_lost_callback_is_asked_for(pay_shop: PayShop, alice: Phone, mug: Item) -> None:
    order_id = held(alice, mug)
    pay_shop.desk.pays(order_id, notify="lost")
    assert sweep(pay_shop, 0 * MINUTES) == 0
    assert sweep(pay_shop, 2 * MINUTES) == 1
    assert shown(alice, order_id) == ("ready", None)


def test_what_nobody_pays_goes_back_after_its_time(
    pay_shop: PayShop, alice: Phone, mug: Item, engine: Engine
) -> None:
    order_id = held(alice, mug)
    sweep(pay_shop, 5 * MINUTES)
    assert shown(alice, order_id) == ("pending", None)
    sweep(pay_shop, 17 * MINUTES)
    assert pay_shop.desk.state(order_id) == "CLOSED"
    assert (points(alice), shown(alice, order_id)) == (250, ("cancelled", None))
    assert rows(engine, _HELD) == [("cancelled", "unpaid", "closed", 0)]
    assert opened_at(alice, order_id).json["code"] == "order_closed"


def test_the_member_gives_it_up_before_paying(pay_shop: PayShop, alice: Phone, mug: Item) -> None:
    order_id = held(alice, mug)
    second = asked(alice, mug, pay_by="wechat_pay")
    assert (second.status_code, second.json["code"]) == (409, "reward_payment_open")
    assert second.json["order_id"] == order_id
    key = uuid.uuid4().hex
    first = given_up(alice, order_id, key=key)
    assert (first.status_code, first.json["cancelled_for"]) == (200, "unpaid")
    assert given_up(alice, order_id, key=key).json == first.json
    assert (points(alice), pay_shop.desk.state(order_id)) == (250, "CLOSED")
    held(alice, mug)


def test_one_that_was_paid_meanwhile_is_given_up_with_its_money(
    pay_shop: PayShop, alice: Phone, mug: Item, engine: Engine
) -> None:
    order_id = held(alice, mug)
    pay_shop.desk.pays(order_id, notify="lost")
    assert given_up(alice, order_id).json["cancelled_for"] == "member"
    assert (points(alice), shown(alice, order_id)) == (250, ("cancelled", "refunding"))
    assert refund_exchange.sweep(pay_shop.pay, now=clock.now()) == 1
    pay_shop.desk.tell("pay/drain")
    refund_exchange.sweep(pay_shop.pay, now=clock.now() + 2 * MINUTES)
    assert shown(alice, order_id) == ("cancelled", "refunded")
    assert rows(engine, _HELD) == [("cancelled", "member", "refunded", 0)]
    assert refund_exchange.sweep(pay_shop.pay, now=clock.now() + 9 * MINUTES) == 0


def test_money_for_what_can_no_longer_be_given_goes_back(
    pay_shop: PayShop, alice: Phone, engine: Engine
) -> None:
    template = live_template(clock.now(), stock=1)
    coupon = item(Place(store_id=None, stock=5), kind="coupon", gives_id=template, price=PRICE)
    order_id = held(alice, coupon)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE coupon_templates SET state = 'stopped'")
    pay_shop.desk.pays(order_id)
    assert (points(alice), shown(alice, order_id)) == (250, ("cancelled", "refunding"))
    assert rows(engine, "SELECT cancelled_for FROM reward_orders") == [("failed",)]


def test_money_of_somebody_who_has_left_goes_back(
    pay_shop: PayShop, alice: Phone, mug: Item, engine: Engine
) -> None:
    order_id = held(alice, mug)
    withdraw(member_id=alice.member_id, now=clock.now())
    pay_shop.desk.pays(order_id)
    assert rows(engine, _HELD) == [("cancelled", "failed", "refunding", 0)]


def test_money_that_comes_after_it_was_given_up_goes_back(
    pay_shop: PayShop, alice: Phone, mug: Item, engine: Engine
) -> None:
    """WeChat Pay would not take it any more; should it have, nobody keeps it."""
    order_id = held(alice, mug)
    pay_shop.desk.pays(order_id, notify="lost")
    payment = pay_shop.pay.query(order_id)
    settle_exchange.EXCHANGES.closed(order_id, now=clock.now())
    settle_exchange.confirm(payment, now=clock.now())
    assert rows(engine, _HELD) == [("cancelled", "unpaid", "refunding", 0)]


def test_a_payment_that_cannot_be_opened_is_tried_again(pay_shop: PayShop, alice: Phone, mug: Item) -> None:
    made = exchanged(alice, mug, pay_by="wechat_pay")
    pay_shop.desk.fault(PREPAY, type="drop")
    assert opened_at(alice, made["id"]).json["code"] == "payment_unavailable"
    assert opened_at(alice, made["id"]).status_code == 200
    bob = pay_shop.member("bob")
    assert opened_at(bob, made["id"]).status_code == 404
    pay_shop.desk.pays(made["id"])
    assert shown(alice, made["id"]) == ("ready", None)


def test_a_key_of_another_request_gives_nothing_up(pay_shop: PayShop, mug: Item, alice: Phone) -> None:
    """Refused, and nothing has happened: WeChat Pay was not asked to close the payment."""
    key = uuid.uuid4().hex
    made = asked(alice, mug, key=key, pay_by="wechat_pay").json
    headers = {"Idempotency-Key": key}
    refused = alice.post(f"/reward-orders/{made['id']}/cancel", headers=headers)
    assert (refused.status_code, refused.json["code"]) == (422, "idempotency_key_reused")
    assert alice.get(f"/reward-orders/{made['id']}").json["state"] == "pending"
