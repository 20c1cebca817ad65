"""Trying a rule of discount on past sales: what it would have taken off, from whom, and where."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app.audit import OPERATOR
from app.checkout.bill import Line
from app.discounts import change, simulate
from app.discounts.change import Draft
from app.discounts.rules import definition_of
from app.discounts.simulate import Simulation, StoreChange
from app.errors import NotFound
from app.points import simulate as past
from app.points.known_names import RuleNamesUnknown
from app.points.simulate import SimulationTooLarge
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.conftest import rows
from tests.shop import Phone, Shop, TillClient

MONDAY = datetime(2031, 5, 12, 2, tzinfo=UTC)
TEA = Line(sku="TEA", name="", quantity=2, unit_price_fen=2_000, category="drinks")
CUP = Line(sku="CUP", name="", quantity=1, unit_price_fen=6_000)
TENTH = {"kind": "percent", "percent_bp": 1_000}


def draft(effect: dict[str, Any] = TENTH, *, group: str = "", **definition: Any) -> Draft:
    what = definition_of({"effect": effect, **definition})
    return Draft(name_zh="试", name_en="Trial", definition=what, group=group)


def sold(shop: Shop, client: TillClient, phone: Phone, at: datetime, *goods: Line) -> None:
    till = till_of(client)
    paid = sum(line.amount_fen for line in goods)
    sell_at(till, scan_at(shop, till, shop.code(phone, at=at), at).ticket, paid, at, lines=list(goods))


@pytest.fixture
def past_sales(shop: Shop) -> tuple[Phone, Phone]:
    """Anna buys both at S001 and tea at S002 an hour later, Ben a cup at S001."""
    shop.open_store("S002")
    other = shop.add_till("S002", "T1")
    anna, ben = shop.member(), shop.member()
    sold(shop, shop.till, anna, MONDAY, TEA, CUP)
    sold(shop, other, anna, MONDAY + timedelta(hours=1), TEA)
    sold(shop, shop.till, ben, MONDAY + timedelta(hours=2), CUP)
    return anna, ben


def run(what: Draft, *, rule_no: int | None = None, stores: set[int] | None = None) -> Simulation:
    until = MONDAY + timedelta(days=1)
    return simulate.simulate(draft=what, rule_no=rule_no, since=MONDAY, until=until, store_ids=stores)


def test_a_simulation_tells_whom_it_touches_and_what_it_takes_off_where(
    shop: Shop, past_sales: tuple[Phone, Phone], engine: Engine
) -> None:
    found = run(draft(conditions={"categories": ["drinks"]}))
    assert (found.complete, found.sales, found.members_touched) == (True, 3, 1)
    assert (found.off_before_fen, found.off_after_fen) == (0, 800)
    assert (found.off_more_fen, found.off_less_fen) == (800, 0)
    assert found.stores == (
        StoreChange(store="S001", sales=2, changed=1, off_before_fen=0, off_after_fen=400),
        StoreChange(store="S002", sales=1, changed=1, off_before_fen=0, off_after_fen=400),
    )
    assert [(one.store, one.goods_fen, one.off_after_fen) for one in found.sample] == [
        ("S002", 4_000, 400),
        ("S001", 10_000, 400),
    ]
    assert rows(engine, "SELECT 1 FROM discount_rules") == []


def test_it_stands_beside_the_rules_of_then_or_in_the_place_of_one(
    shop: Shop, past_sales: tuple[Phone, Phone]
) -> None:
    change.create(draft=draft(group="tier"), actor=OPERATOR, now=MONDAY - timedelta(days=1))
    twice = draft({"kind": "percent", "percent_bp": 2_000}, group="tier")
    beside = run(twice)
    assert (beside.off_before_fen, beside.off_after_fen) == (2_000, 4_000)
    instead = run(draft({"kind": "amount", "off_fen": 500}, at_least_fen=10_000), rule_no=1)
    assert (instead.off_more_fen, instead.off_less_fen, instead.members_touched) == (0, 1_500, 2)
    with pytest.raises(NotFound):
        run(twice, rule_no=9)


def test_it_looks_at_the_stores_it_is_told(shop: Shop, past_sales: tuple[Phone, Phone]) -> None:
    found = run(draft(), stores={shop.store.id})
    assert (found.sales, found.off_after_fen) == (2, 1_600)


def test_a_tier_that_nobody_made_is_named(shop: Shop) -> None:
    with pytest.raises(RuleNamesUnknown):
        run(draft(conditions={"tiers": ["gold"]}))


def test_it_is_bounded_by_days_sales_and_time(
    shop: Shop, past_sales: tuple[Phone, Phone], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SimulationTooLarge):
        simulate.simulate(
            draft=draft(), rule_no=None, since=MONDAY, until=MONDAY + timedelta(days=93), store_ids=None
        )
    monkeypatch.setattr(past, "MOST_S", 0.0)
    found = run(draft())
    assert (found.complete, found.sales) == (False, 1)
    assert found.covered_until == MONDAY + timedelta(hours=1)
    monkeypatch.setattr(past, "MOST_SALES", 2)
    with pytest.raises(SimulationTooLarge):
        run(draft())
