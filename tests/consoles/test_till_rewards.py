"""Rewards at the till page: shown with the member, handed over with one tap."""

import pytest
from sqlalchemy import Engine

from tests.conftest import rows
from tests.consoles.visitor import Visitor, hidden
from tests.quoting import fill
from tests.rewards import exchanged, given_up, mugs
from tests.shop import Phone, Shop


@pytest.fixture
def member(shop: Shop) -> Phone:
    phone = shop.member("张小明")
    fill(phone, points=1_000)
    return phone


def hand_over(clerk: Visitor, piece: str, **changes: str) -> str:
    names = ("ticket", "order_id", "hand_over_key")
    answer = clerk.htmx("/till/rewards/hand-over", {name: hidden(piece, name) for name in names} | changes)
    return str(answer.text)


def test_what_waits_is_shown_and_handed_over_once(
    clerk: Visitor, shop: Shop, engine: Engine, member: Phone
) -> None:
    exchanged(member, mugs(shop))
    second = exchanged(member, mugs(shop, name_zh="水壶", name_en="Kettle"))
    shown = clerk.scan(shop.code(member)).text
    assert "待领取的兑换商品" in shown
    assert shown.index("水壶") < shown.index("马克杯")
    left = hand_over(clerk, shown)
    assert "已交付：水壶" in left
    assert "马克杯" in left
    assert "已交付：水壶" in hand_over(clerk, shown)  # the same form once more, its answer was lost
    clerk.post("/till/language/en", {})
    done = hand_over(clerk, left, order_id=hidden(left, "order_id"))
    assert "Handed over: Mug" in done
    assert 'class="pick-up"' not in done
    assert rows(engine, "SELECT state, count(*) FROM reward_orders GROUP BY 1") == [("handed_over", 2)]
    assert given_up(member, second["id"]).status_code == 409


def test_what_was_given_up_meanwhile_gets_a_screen(clerk: Visitor, shop: Shop, member: Phone) -> None:
    order = exchanged(member, mugs(shop))
    shown = clerk.scan(shop.code(member)).text
    given_up(member, order["id"])
    refused = hand_over(clerk, shown)
    assert 'data-code="reward_order_over"' in refused
    assert "已取消" in refused


def test_whoever_waits_for_nothing_sees_nothing_of_it(clerk: Visitor, shop: Shop, member: Phone) -> None:
    assert "待领取" not in clerk.scan(shop.code(member)).text
