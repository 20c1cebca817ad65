"""What goes together, counted once a night from what stands."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, event, text

from app import db
from app.audit import OPERATOR
from app.policies import change, standing
from app.recommendations import count
from app.recommendations.policy import RecommendationPolicy
from tests.app.segments.world import NOW, TODAY, Person, Sale, begins, days
from tests.conftest import rows
from tests.racing import race

World = Callable[[list[Person]], None]
PRODUCTS = "SELECT sku, buyers, last_on, place FROM sold_products ORDER BY place"
PAIRS = "SELECT sku, other, buyers, together, score FROM sold_together ORDER BY sku, score DESC, other"


def buyer(*skus: str, ago: int = 1, category: str = "茶饮", back: int = 0, **more: Any) -> Person:
    goods = [(sku, category, 1, back) for sku in skus]
    return Person(sales=[Sale(TODAY - days(ago), 1_000, goods=goods)], **more)


def exclude(**value: Any) -> None:
    version = standing(RecommendationPolicy).version
    change(kind=RecommendationPolicy, value=value, version=version, actor=OPERATOR, now=NOW)


def test_who_bought_both_makes_a_pair_by_the_cosine(world: World, unaudited_engine: Engine) -> None:
    world([*[buyer("A", "B")] * 6, *[buyer("A")] * 3, *[buyer("B", "C")] * 4])
    assert count.count(now=NOW)
    assert rows(unaudited_engine, PRODUCTS) == [
        ("B", 10, TODAY - days(1), 1),
        ("A", 9, TODAY - days(1), 2),
        ("C", 4, TODAY - days(1), 3),
    ]
    # 6 / sqrt(9 * 10); the four who bought B and C are too few.
    assert rows(unaudited_engine, PAIRS) == [("A", "B", 9, 6, 632_456), ("B", "A", 10, 6, 632_456)]
    assert rows(unaudited_engine, "SELECT day, members, products, pairs FROM sold_counts") == [
        (TODAY, 13, 3, 2)
    ]


def test_what_everybody_buys_goes_with_nothing_in_particular(world: World, unaudited_engine: Engine) -> None:
    world([*[buyer("A", "B", "BAG")] * 6, *[buyer("BAG")] * 60])
    count.count(now=NOW)
    found = rows(
        unaudited_engine, "SELECT other, score FROM sold_together WHERE sku = 'A' ORDER BY score DESC"
    )
    assert found == [("B", 1_000_000), ("BAG", 301_511)]


def test_only_the_window_counts_and_only_what_was_sold_lately_is_recommended(
    world: World, unaudited_engine: Engine
) -> None:
    lately, before = TODAY - days(29), TODAY - days(30)
    both = [Sale(lately, 1, goods=[("NEW", "c", 1, 0)]), Sale(before, 1, goods=[("OLD", "c", 1, 0)])]
    world([*[Person(sales=both)] * 5, *[buyer("A", "B", ago=180)] * 5, *[buyer("D", "NEW", ago=179)] * 5])
    count.count(now=NOW)
    assert {row[0] for row in rows(unaudited_engine, PRODUCTS)} == {"NEW", "OLD", "D"}
    assert [row[:2] for row in rows(unaudited_engine, PAIRS)] == [("D", "NEW"), ("OLD", "NEW")]


def test_what_went_back_was_not_bought(world: World, unaudited_engine: Engine) -> None:
    back = Person(sales=[Sale(TODAY, 1_000, back_fen=1_000, goods=[("A", "c", 1, 1), ("B", "c", 1, 1)])])
    world([*[buyer("A", "B")] * 4, back, buyer("A", "B", back=1)])
    count.count(now=NOW)
    assert [row[:2] for row in rows(unaudited_engine, PRODUCTS)] == [("A", 4), ("B", 4)]
    assert rows(unaudited_engine, PAIRS) == []


def test_it_has_the_words_of_the_newest_receipt(world: World, unaudited_engine: Engine) -> None:
    twice = Person(sales=[*buyer("A", ago=9).sales, *buyer("A", ago=2, category="新品").sales])
    world([buyer("A", ago=3), twice])
    newest = "SELECT s.id FROM sales s WHERE s.business_date = :day"
    with unaudited_engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text(f"UPDATE sale_lines SET name = '茉莉绿茶（大杯）' WHERE sale_id IN ({newest})"),
            {"day": TODAY - days(2)},
        )
    count.count(now=NOW)
    assert rows(unaudited_engine, "SELECT name, category FROM sold_products") == [
        ("茉莉绿茶（大杯）", "新品")
    ]


def test_one_receipt_does_not_rename_it_for_everybody(world: World, unaudited_engine: Engine) -> None:
    world([*[buyer("A", ago=3)] * 2, buyer("A", ago=2, category="酒类")])
    count.count(now=NOW)
    assert rows(unaudited_engine, "SELECT category FROM sold_products") == [("茶饮",)]


@pytest.mark.parametrize(("name", "kept"), [("   ", []), (" 茉莉绿茶 ", ["茉莉绿茶"])])
def test_what_has_a_blank_for_a_name_is_left_out(
    world: World, unaudited_engine: Engine, name: str, kept: list[str]
) -> None:
    world([buyer("A", "B")])
    with unaudited_engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE sale_lines SET name = :name WHERE sku = 'A'"), {"name": name})
    count.count(now=NOW)
    assert [named for (named,) in rows(unaudited_engine, "SELECT name FROM sold_products")] == [*kept, "名B"]


def test_what_nobody_wants_recommended_is_no_reason_either(world: World, unaudited_engine: Engine) -> None:
    smoker = Person(sales=[*buyer("A").sales, *buyer("T", category="Tobacco").sales])
    world([*[buyer("A", "B", "C")] * 5, *[smoker] * 5])
    exclude(excluded_skus=["C"], excluded_categories=["tobacco"])
    count.count(now=NOW)
    assert [row[:2] for row in rows(unaudited_engine, PAIRS)] == [("A", "B"), ("B", "A")]
    assert {row[0] for row in rows(unaudited_engine, PRODUCTS)} == {"A", "B", "C", "T"}


@pytest.mark.parametrize("who", [{"unpersonalised": True}, {"status": "withdrawn"}, {"status": "closed"}])
def test_whose_purchases_may_not_be_looked_at_is_not_counted(
    world: World, unaudited_engine: Engine, who: dict[str, Any]
) -> None:
    world([*[buyer("A", "B")] * 4, buyer("A", "B", **who)])
    count.count(now=NOW)
    assert rows(unaudited_engine, PAIRS) == []
    assert rows(unaudited_engine, "SELECT members FROM sold_counts") == [(4,)]


def test_the_work_is_bounded(world: World, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members are drawn evenly and the same each time; of each the latest products; of each product the best others."""
    monkeypatch.setattr(count, "MOST_MEMBERS", 30)
    monkeypatch.setattr(count, "MOST_OF_ONE", 3)
    monkeypatch.setattr(count, "MOST_OTHERS", 1)
    latest = [*buyer("A", "B", "C").sales, *buyer("D", ago=5).sales]
    world([Person(sales=latest)] * 60)
    count.count(now=NOW)
    assert rows(unaudited_engine, PAIRS) == [
        ("A", "B", 30, 30, 1_000_000),
        ("B", "A", 30, 30, 1_000_000),
        ("C", "A", 30, 30, 1_000_000),
    ]
    drawn = text("SELECT id FROM members ORDER BY id * 7368787 % 9999991, id LIMIT 30")
    with db.reading() as connection:
        ids = connection.execute(drawn).scalars().all()
    assert 10 < sum(one <= 30 for one in ids) < 20

    monkeypatch.setattr(count, "MOST_PRODUCTS", 2)
    count.count(now=NOW + days(1))
    assert [row[0] for row in rows(unaudited_engine, PRODUCTS)] == ["A", "B"]


def test_it_is_counted_once_a_day_of_the_chain_and_a_missed_night_is_made_up(
    world: World, unaudited_engine: Engine
) -> None:
    world([buyer("A", "B")] * 5)
    assert count.count(now=NOW)
    assert not count.count(now=NOW)
    # Not as the day begins, but an hour later.
    assert not count.count(now=begins(TODAY + days(1)) + timedelta(minutes=59))
    assert count.count(now=begins(TODAY + days(1)) + timedelta(hours=1))
    # The worker was away for two nights.
    assert count.count(now=NOW + days(4))
    assert not count.count(now=NOW + days(4))
    counted = rows(unaudited_engine, "SELECT day FROM sold_counts ORDER BY day")
    assert [day for (day,) in counted] == [TODAY, TODAY + days(1), TODAY + days(4)]
    assert len(rows(unaudited_engine, PAIRS)) == 2


def test_what_stood_before_is_replaced_whole(world: World, unaudited_engine: Engine) -> None:
    world([buyer("A", "B")] * 5)
    count.count(now=NOW)
    assert count.count(now=NOW + days(200))
    assert rows(unaudited_engine, PRODUCTS) == rows(unaudited_engine, PAIRS) == []


def test_of_many_workers_one_counts(world: World, unaudited_engine: Engine) -> None:
    world([buyer("A", "B")] * 5)
    assert sum(race(16, lambda _: count.count(now=NOW))) == 1
    assert len(rows(unaudited_engine, PAIRS)) == 2


def test_a_count_that_takes_too_long_leaves_what_stood(
    world: World, unaudited_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    world([buyer("A", "B")] * 5)
    count.count(now=NOW)
    monkeypatch.setitem(count._HOW, "statement_timeout", "'20ms'")

    def slow(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        if "WITH members" in statement:
            cursor.execute("SELECT pg_sleep(1)")

    event.listen(unaudited_engine, "before_cursor_execute", slow)
    with pytest.raises(db.Busy):
        count.count(now=NOW + days(1))
    event.remove(unaudited_engine, "before_cursor_execute", slow)
    assert len(rows(unaudited_engine, PAIRS)) == 2
    assert rows(unaudited_engine, "SELECT day FROM sold_counts") == [(TODAY,)]
