"""A clerk sets the PIN for registers on the till page."""

from typing import Any

import pytest

from app import clock
from app.staff import accounts, pins
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from app.stores.tills import Till
from tests.app.checkout.till_side import till_of
from tests.consoles.visitor import Visitor, hidden
from tests.shop import BOSS, PASSWORD, Shop


@pytest.fixture
def mei(shop: Shop) -> StaffView:
    return shop.person("mei", Grant("clerk", shop.store.id))


@pytest.fixture
def visitor(shop: Shop, mei: StaffView) -> Visitor:
    visitor = Visitor(shop.app)
    assert visitor.sign_in("mei", PASSWORD).status_code == 303
    return visitor


def send(visitor: Visitor, pin: str, again: str | None = None, current: str = PASSWORD) -> Any:
    token = hidden(visitor.get("/till/pin").text, "csrf_token")
    data = {"current": current, "pin": pin, "again": again or pin, "csrf_token": token}
    return visitor.post("/till/pin", data)


def proven(shop: Shop, who: StaffView, pin: str) -> Till:
    return pins.prove(till_of(shop.till).naming(who.staff_no), pin, throttle=shop.parts.throttle)


def test_it_is_set_with_the_password_and_proves_the_clerk(
    shop: Shop, visitor: Visitor, mei: StaffView
) -> None:
    assert "/till/pin" in visitor.get("/till/password").text
    assert send(visitor, "271828").status_code == 303
    assert proven(shop, mei, "271828").proven
    assert proven(shop, mei, "271829").pin_wrong


def test_what_is_wrong_is_said(shop: Shop, visitor: Visitor) -> None:
    for sent, word in (
        (send(visitor, "271828", "271829"), "两次输入的 PIN 不一致"),
        (send(visitor, "123456"), "太简单"),
        (send(visitor, "271828", current="not my password"), "当前密码不正确"),
    ):
        assert (sent.status_code, word in sent.text) == (422, True)
        assert "271828" not in sent.text


def test_a_temporary_password_is_changed_first(shop: Shop, mei: StaffView) -> None:
    newcomer = Visitor(shop.app)
    newcomer.sign_in("mei", accounts.reset_password(staff_id=mei.id, boss=BOSS, now=clock.now()))
    assert newcomer.get("/till/pin").location == "/till/password"
