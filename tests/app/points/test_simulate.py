"""Trying a rule on past sales: the figures are those of really switching it on, and nothing is written."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.audit import OPERATOR
from app.checkout.bill import Line
from app.errors import NotFound
from app.points import change, simulate
from app.points.rules import (
    Base,
    Caps,
    Conditions,
    Definition,
    Expiry,
    Extra,
    Multiplier,
    RuleMalformed,
    TimeOfDay,
)
from app.points.simulate import Simulation, SimulationTooLarge
from app.points.versions import Draft
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.conftest import rows
from tests.shop import Phone, Shop

MONDAY = datetime(2031, 5, 12, 2, tzinfo=UTC)  # ten o'clock in Shanghai
WEEK = timedelta(days=7)


def draft(definition: Definition, **options: Any) -> Draft:
    return Draft(name_zh="试", name_en="Trial", definition=definition, **options)


def carts(shop: Shop, phones: list[Phone], start: datetime) -> int:
    """Two days of custom; the points it earned."""
    till, total = till_of(shop.till), 0
    for number in range(12):
        at = start + timedelta(hours=3 * number)
        goods = [
            Line(sku="TEA", name="", quantity=1 + number % 3, unit_price_fen=1_999, category="drinks"),
            Line(sku="CUP", name="", quantity=1, unit_price_fen=8_850),
        ]
        ticket = scan_at(shop, till, shop.code(phones[number % len(phones)], at=at), at).ticket
        paid = sum(line.amount_fen for line in goods)
        total += sell_at(till, ticket, paid, at, lines=goods).points_earned
    return total


def run(what: Draft, *, rule_no: int | None = None, start: datetime = MONDAY) -> Simulation:
    return simulate.simulate(
        draft=what, rule_no=rule_no, since=start, until=start + timedelta(days=3), store_ids=None
    )


@pytest.mark.parametrize(
    "definition",
    [
        Multiplier(factor_bp=20_000),
        Multiplier(factor_bp=15_000, conditions=Conditions(products=frozenset({"TEA"}))),
        Multiplier(factor_bp=30_000, conditions=Conditions(weekdays=frozenset({2})), caps=Caps(per_sale=100)),
        Extra(
            points=20,
            conditions=Conditions(time_of_day=TimeOfDay(from_minute=720, until_minute=60)),
            caps=Caps(per_day=30),
        ),
        Base(rate_bp=5_000, conditions=Conditions(categories=frozenset({"drinks"}))),
    ],
)
def test_a_simulation_says_what_switching_the_rule_on_would_do(shop: Shop, definition: Definition) -> None:
    phones = [shop.member() for _ in range(3)]
    before = carts(shop, phones, MONDAY)
    trial = draft(definition, priority=5)
    found = run(trial)
    assert found.points_before == before

    change.create(
        draft=replace(trial, effective_from=MONDAY + WEEK - timedelta(days=1)),
        actor=OPERATOR,
        now=clock.now(),
    )
    after = carts(shop, phones, MONDAY + WEEK)
    assert found.points_after == after != before
    assert found.points_more - found.points_less == after - before
    assert found.sales == 12
    assert sum(sale.points_after - sale.points_before for sale in found.sample) == after - before


def test_a_next_version_is_tried_in_place_of_the_rule(shop: Shop) -> None:
    phones = [shop.member(), shop.member()]
    before = carts(shop, phones, MONDAY)
    found = run(draft(Base(rate_bp=5_000, expiry=Expiry(kind="never"))), rule_no=1)
    assert (found.points_before, found.members_losing, found.members_gaining) == (before, 2, 0)
    assert found.points_more == 0
    assert found.points_after == before - found.points_less < before


def test_members_are_touched_only_where_something_changes(shop: Shop, engine: Engine) -> None:
    phones = [shop.member() for _ in range(3)]
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE members SET birthday = :day WHERE id = :id"),
            {"day": date(1990, 5, 1), "id": phones[1].member_id},
        )
    carts(shop, phones, MONDAY)
    found = run(draft(Extra(points=7, conditions=Conditions(birthday="month"))))
    assert (found.members_touched, found.members_gaining, found.points_more) == (1, 1, 4 * 7)
    assert {sale.points_after - sale.points_before for sale in found.sample} == {7}


def test_past_sales_are_replayed_under_the_rules_of_their_time(shop: Shop) -> None:
    phones = [shop.member()]
    change.create(
        draft=draft(Multiplier(factor_bp=20_000), effective_from=MONDAY + timedelta(hours=10)),
        actor=OPERATOR,
        now=clock.now(),
    )
    before = carts(shop, phones, MONDAY)
    assert run(draft(Extra(points=1))).points_before == before


def test_a_simulation_writes_nothing_and_cannot(shop: Shop, engine: Engine) -> None:
    carts(shop, [shop.member()], MONDAY)
    counted = (
        "SELECT (SELECT count(*) FROM earn_rules), (SELECT count(*) FROM audit_log),"
        " (SELECT count(*) FROM earn_counts)"
    )
    before = rows(engine, counted)
    run(draft(Extra(points=1, caps=Caps(per_day=5))))
    assert rows(engine, counted) == before


def test_more_sales_than_a_batch_are_replayed_once_each(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    before = carts(shop, [shop.member()], MONDAY)
    monkeypatch.setattr(simulate, "_BATCH", 5)
    found = run(draft(Extra(points=1)))
    assert (found.sales, found.points_before, found.points_after) == (12, before, before + 12)


def test_the_sample_is_short_and_holds_what_changes_most(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    carts(shop, [shop.member()], MONDAY)
    monkeypatch.setattr(simulate, "SHOWN", 3)
    changes = [
        sale.points_after - sale.points_before for sale in run(draft(Multiplier(factor_bp=20_000))).sample
    ]
    assert changes == [148, 148, 148]


def test_periods_and_books_that_are_too_large_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in (0, -1, 93):
        with pytest.raises(SimulationTooLarge):
            simulate.simulate(
                draft=draft(Extra(points=1)),
                rule_no=None,
                since=MONDAY,
                until=MONDAY + timedelta(days=days),
                store_ids=None,
            )
    carts(shop, [shop.member()], MONDAY)
    monkeypatch.setattr(simulate, "MOST_SALES", 11)
    with pytest.raises(SimulationTooLarge):
        run(draft(Extra(points=1)))
    monkeypatch.setattr(simulate, "MOST_SALES", 12)
    assert run(draft(Extra(points=1))).sales == 12


def test_a_simulation_that_takes_too_long_is_refused(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulate, "_COUNT", "SELECT count(*) AS sales FROM (SELECT pg_sleep(30)) slow")
    monkeypatch.setattr(simulate, "_STATEMENT_TIMEOUT_MS", 50)
    with pytest.raises(SimulationTooLarge):
        run(draft(Extra(points=1)))


def test_when_time_runs_out_the_answer_says_how_much_of_the_past_it_covers(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = carts(shop, [shop.member()], MONDAY)
    trial = draft(Extra(points=1))
    whole = run(trial)
    assert (whole.complete, whole.covered_until) == (True, MONDAY + timedelta(days=3))

    monkeypatch.setattr(simulate, "MOST_S", 0.0)
    part = run(trial)
    assert (part.complete, part.covered_until) == (False, MONDAY + timedelta(hours=3))
    assert (part.sales, part.points_after - part.points_before) == (1, 1)

    # Piece by piece it comes to the same.
    sales, before, since = 0, 0, MONDAY
    for _ in range(12):
        piece = simulate.simulate(
            draft=trial, rule_no=None, since=since, until=MONDAY + timedelta(days=3), store_ids=None
        )
        sales, before, since = sales + piece.sales, before + piece.points_before, piece.covered_until
    assert (piece.complete, sales, before) == (True, 12, total)


def test_a_rule_that_is_not_there_or_of_another_kind_is_refused(shop: Shop) -> None:
    with pytest.raises(NotFound):
        run(draft(Extra(points=1)), rule_no=99)
    with pytest.raises(RuleMalformed):
        run(draft(Extra(points=1)), rule_no=1)
