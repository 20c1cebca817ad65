"""Each field at its edge: who just fits is meant, who just does not is not, and of whom nothing is known neither."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import TableClause

from app import db, models  # noqa: F401  # so that every table is known
from app.db import Base
from app.segments import tables
from app.segments.compile import members
from app.segments.fields.registry import FIELDS, GROUPS
from app.segments.rule import parse
from app.texts.words import TEXTS
from tests.app.segments.world import NOW, TODAY, Coupon, Person, Sale, Told, begins, days

World = Callable[[list[Person]], None]
_SECOND = timedelta(seconds=1)


def found(rule: dict[str, Any], now: datetime = NOW, ids: range | None = None) -> set[int]:
    with db.reading() as connection:
        return set(connection.execute(members(parse(rule).tree, now=now, ids=ids)).scalars())


def bought(*ago: int, **options: Any) -> list[Sale]:
    return [Sale(TODAY - days(n), options.pop("fen", 1_000), **options) for n in ago]


def coupon(state: str = "held", until: datetime = NOW + days(3), **options: Any) -> Person:
    return Person(coupons=[Coupon("T1", state, until, **options)])


def of_good(sku: str, category: str, back: int = 0, ago: int = 0) -> Person:
    return Person(sales=[Sale(TODAY - days(ago), 1_000, goods=[(sku, category, 2, back)])])


#: Field, operator, value, days; who fits; who does not.
EDGES: list[tuple[str, str, Any, int | None, list[Person], list[Person]]] = [
    ("language", "any_of", ["en"], None, [Person(language="en")], [Person()]),
    ("platform", "any_of", ["telegram"], None, [Person(platforms=["wechat_mini", "telegram"])], [Person()]),
    ("home_store", "none_of", ["S001"], None, [Person(), Person(home="S002")], [Person(home="S001")]),
    ("has_phone", "is", True, None, [Person(phone=True)], [Person()]),
    ("marketing_opt_out", "is", False, None, [Person()], [Person(opted_out=True)]),
    (
        "joined_days",
        "at_least",
        30,
        None,
        [Person(joined_at=begins(TODAY - days(29)) - _SECOND)],
        [Person(joined_at=begins(TODAY - days(29)))],
    ),
    (
        "joined_days",
        "at_most",
        30,
        None,
        [Person(joined_at=begins(TODAY - days(30)))],
        [Person(joined_at=begins(TODAY - days(30)) - _SECOND)],
    ),
    (
        "age",
        "at_least",
        30,
        None,
        [Person(birthday=date(1996, 11, 29))],
        [Person(birthday=date(1996, 11, 30)), Person()],
    ),
    (
        "age",
        "at_most",
        30,
        None,
        [Person(birthday=date(1995, 11, 30))],
        [Person(birthday=date(1995, 11, 29)), Person()],
    ),
    (
        "birthday_month",
        "any_of",
        [11],
        None,
        [Person(birthday=date(1990, 11, 1))],
        [Person(birthday=date(1990, 12, 1)), Person()],
    ),
    (
        "birthday_in_days",
        "at_most",
        3,
        None,
        [Person(birthday=date(1990, 11, 29)), Person(birthday=date(1990, 12, 2))],
        [Person(birthday=date(1990, 12, 3)), Person(birthday=date(1990, 11, 28)), Person()],
    ),
    (
        "birthday_in_days",
        "at_least",
        1,
        None,
        [Person(birthday=date(1990, 11, 28))],
        [Person(birthday=date(1990, 11, 29))],
    ),
    ("tier", "any_of", ["gold", "silver"], None, [Person(tier="gold")], [Person()]),
    ("points", "at_least", 100, None, [Person(points=100)], [Person(points=99), Person()]),
    ("points", "at_most", 0, None, [Person(points=0), Person()], [Person(points=1)]),
    (
        "points",
        "between",
        [5, 7],
        None,
        [Person(points=5), Person(points=7)],
        [Person(points=4), Person(points=8)],
    ),
    (
        "points_ending",
        "at_least",
        50,
        7,
        [Person(points=60, lots=[(30, begins(TODAY + days(8)) - _SECOND), (20, NOW + _SECOND), (9, None)])],
        [Person(points=60, lots=[(60, begins(TODAY + days(8)))]), Person(points=60, lots=[(60, NOW)])],
    ),
    (
        "stored_value_fen",
        "at_least",
        100,
        None,
        [Person(principal=60, bonus=40)],
        [Person(principal=60, points=40)],
    ),
    ("bonus_fen", "at_least", 40, None, [Person(bonus=40)], [Person(principal=60, bonus=39)]),
    (
        "last_purchase_days",
        "at_least",
        30,
        None,
        [Person(sales=bought(90, 30))],
        [Person(sales=bought(90, 29)), Person()],
    ),
    (
        "last_purchase_days",
        "at_most",
        30,
        None,
        [Person(sales=bought(30))],
        [Person(sales=bought(31)), Person()],
    ),
    (
        "first_purchase_days",
        "at_most",
        30,
        None,
        [Person(sales=bought(30, 1))],
        [Person(sales=bought(31, 1)), Person()],
    ),
    ("purchases", "at_least", 2, 30, [Person(sales=bought(0, 30))], [Person(sales=bought(0, 31)), Person()]),
    (
        "purchases",
        "at_least",
        1,
        None,
        [Person(sales=bought(1, back_fen=999))],
        [Person(sales=bought(1, back_fen=1_000))],
    ),
    ("purchases", "at_most", 0, 30, [Person(), Person(sales=bought(31))], [Person(sales=bought(30))]),
    (
        "spent_fen",
        "at_least",
        1_500,
        None,
        [Person(sales=bought(1, 2, back_fen=250))],
        [Person(sales=bought(1, 2, back_fen=251))],
    ),
    (
        "average_fen",
        "between",
        [750, 750],
        None,
        [Person(sales=[*bought(1), *bought(2, fen=500)])],
        [Person(sales=bought(1)), Person()],
    ),
    (
        "bought_products",
        "any_of",
        ["A"],
        None,
        [of_good("A", "tea", back=1)],
        [of_good("A", "tea", back=2), of_good("B", "A")],
    ),
    (
        "bought_categories",
        "none_of",
        ["tea"],
        30,
        [of_good("A", "tea", ago=31), Person()],
        [of_good("A", "tea", ago=30)],
    ),
    (
        "may_like",
        "any_of",
        ["B", "X"],
        None,
        [of_good("A", "tea", ago=179)],
        [
            of_good("A", "tea", ago=180),
            of_good("C", "tea"),
            Person(sales=[Sale(TODAY, 9, goods=[("A", "tea", 1, 0), ("B", "tea", 1, 0)])]),
            Person(unpersonalised=True, sales=[Sale(TODAY, 9, goods=[("A", "tea", 1, 0)])]),
            Person(),
        ],
    ),
    (
        "may_like",
        "none_of",
        ["B", "C"],
        None,
        [Person(), of_good("B", "tea"), of_good("A", "tea", ago=180)],
        # Whoever wants no such thing to be said of them is none of either.
        [of_good("A", "tea"), Person(unpersonalised=True)],
    ),
    (
        "bought_in_stores",
        "any_of",
        ["S002"],
        9,
        [Person(sales=bought(9, store="S002"))],
        [Person(sales=bought(9)), Person(sales=bought(10, store="S002"))],
    ),
    (
        "coupons_held",
        "at_least",
        1,
        None,
        [coupon(until=NOW + _SECOND)],
        [coupon(until=NOW), coupon("void"), Person()],
    ),
    ("holds_coupons_of", "any_of", ["T1"], None, [coupon()], [coupon(until=NOW), coupon("used"), Person()]),
    (
        "coupons_ending",
        "at_least",
        1,
        3,
        [coupon(until=begins(TODAY + days(4)))],
        [coupon(until=begins(TODAY + days(4)) + _SECOND)],
    ),
    (
        "coupons_used",
        "at_least",
        1,
        5,
        [coupon("used", used_at=begins(TODAY - days(5)))],
        [coupon("used", used_at=begins(TODAY - days(5)) - _SECOND), coupon(used_at=NOW, undone=True)],
    ),
    (
        "used_coupons_of",
        "any_of",
        ["T1"],
        None,
        [coupon("used", used_at=NOW)],
        [coupon(used_at=NOW, undone=True), Person()],
    ),
    (
        "messages_got",
        "at_least",
        1,
        2,
        [Person(inbox=[(begins(TODAY - days(2)), None)])],
        [Person(inbox=[(begins(TODAY - days(2)) - _SECOND, NOW)])],
    ),
    ("messages_read", "at_least", 1, None, [Person(inbox=[(NOW, NOW)])], [Person(inbox=[(NOW, None)])]),
    (
        "told_by_campaigns",
        "any_of",
        ["K1"],
        2,
        [
            Person(told=[Told("K1", begins(TODAY - days(2)), state)])
            for state in ("sent", "failed", "unknown")
        ],
        [
            Person(told=[Told("K1", begins(TODAY - days(2)) - _SECOND)]),
            Person(told=[Told("K1", NOW, "cancelled")]),
            Person(told=[Told("K1", NOW, "pending")]),
            Person(told=[Told("K2", NOW)]),
            Person(),
        ],
    ),
    (
        "opened_campaigns",
        "none_of",
        ["K1"],
        None,
        [Person(told=[Told("K1", NOW)]), Person()],
        [Person(told=[Told("K1", NOW, clicked_at=NOW)]), Person(told=[Told("K1", NOW, read_at=NOW)])],
    ),
    (
        "opened_campaigns",
        "any_of",
        ["K1", "K2"],
        2,
        [
            Person(told=[Told("K1", NOW, clicked_at=begins(TODAY - days(2)), read_at=NOW - days(9))]),
            Person(told=[Told("K2", NOW, read_at=begins(TODAY - days(2)))]),
        ],
        [Person(told=[Told("K1", NOW, clicked_at=begins(TODAY - days(2)) - _SECOND)])],
    ),
    ("tags", "all_of", ["vip", "tea"], None, [Person(tags=["tea", "vip", "x"])], [Person(tags=["tea"])]),
    ("tags", "none_of", ["vip"], None, [Person(tags=["tea"]), Person()], [Person(tags=["tea", "vip"])]),
    ("lists", "any_of", ["L1"], None, [Person(lists=["L1", "L2"])], [Person(lists=["L2"]), Person()]),
    (
        "brought",
        "at_least",
        1,
        4,
        [Person(brought=[("rewarded", begins(TODAY - days(4)))])],
        [
            Person(brought=[("rewarded", begins(TODAY - days(4)) - _SECOND)]),
            Person(brought=[("pending", None)]),
        ],
    ),
    ("was_brought", "is", True, None, [Person(was_brought=True)], [Person()]),
    # Every ten days, and then nothing for 20, 21, 40, 41.
    (
        "churn_risk",
        "any_of",
        ["steady"],
        None,
        [Person(sales=bought(40, 30, 20))],
        [Person(sales=bought(41, 31, 21))],
    ),
    (
        "churn_risk",
        "any_of",
        ["at_risk"],
        None,
        [Person(sales=bought(41, 31, 21)), Person(sales=bought(60, 50, 40))],
        [Person(sales=bought(61, 51, 41))],
    ),
    (
        "churn_risk",
        "any_of",
        ["lost"],
        None,
        [Person(sales=bought(61, 51, 41))],
        [Person(sales=bought(60, 50, 40))],
    ),
    (
        "churn_risk",
        "any_of",
        ["unknown"],
        None,
        [Person(sales=bought(400, 400, 390)), Person()],
        [Person(sales=bought(402, 401, 400))],
    ),
    # Every day: not missed before two weeks are over.
    (
        "churn_risk",
        "any_of",
        ["steady"],
        None,
        [Person(sales=bought(16, 15, 14))],
        [Person(sales=bought(17, 16, 15))],
    ),
]


@pytest.mark.parametrize(("name", "op", "value", "last", "fits", "fails"), EDGES)
def test_who_just_fits_is_meant(
    world: World, name: str, op: str, value: Any, last: int | None, fits: list[Person], fails: list[Person]
) -> None:
    world([*fits, *fails])
    asked = {"field": name, "op": op, "value": value, **({} if last is None else {"days": last})}
    there = set(range(1, len(fits) + 1))
    assert found(asked) == there
    assert found({"not": asked}) == set(range(len(fits) + 1, len(fits) + len(fails) + 1))


def test_every_field_has_an_edge_and_its_words() -> None:
    assert {edge[0] for edge in EDGES} == set(FIELDS)
    for group, fields in GROUPS.items():
        assert f"segment.group.{group}" in TEXTS
        for field in fields:
            assert f"segment.field.{field.name}" in TEXTS
            assert all(f"segment.op.{op}" in TEXTS for op in field.ops)
            assert all(f"segment.choice.{field.name}.{one}" in TEXTS for one in field.choices or ())


def test_two_conditions_about_what_members_may_like_keep_apart(world: World) -> None:
    world([of_good("A", "tea"), of_good("B", "tea"), of_good("Z", "tea")])
    may = [{"field": "may_like", "op": "any_of", "value": [sku]} for sku in "ABC"]
    assert [found(one) for one in may] == [{2}, {1}, {1}]
    assert found({"any": may[:2]}) == {1, 2}
    assert found({"all": may[1:]}) == {1}
    assert found({"all": [may[1], {"not": may[2]}]}) == set()


@pytest.mark.parametrize("status", ["closed", "withdrawn", "frozen"])
def test_who_is_no_active_member_is_never_meant(world: World, status: str) -> None:
    world([Person(), Person(status=status, points=5)])
    everybody = {"field": "points", "op": "at_least", "value": 0}
    assert found(everybody) == {1}
    assert found({"not": {"not": everybody}}) == {1}
    assert found({"not": {"field": "points", "op": "at_least", "value": 9}}) == {1}


def test_a_day_begins_at_the_chains_midnight(world: World) -> None:
    world([Person(sales=bought(30))])
    asked = {"field": "last_purchase_days", "op": "at_most", "value": 30}
    midnight = begins(TODAY + days(1))
    assert found(asked, midnight - _SECOND) == {1}
    assert found(asked, midnight) == set()


def test_born_on_29_february_is_celebrated_a_day_early_in_other_years(world: World) -> None:
    world([Person(birthday=date(1996, 2, 29)), Person(birthday=date(1996, 3, 1))])
    today = {"field": "birthday_in_days", "op": "at_most", "value": 0}
    assert found(today, begins(date(2027, 2, 28))) == {1}
    assert found(today, begins(date(2027, 3, 1))) == {2}
    assert found(today, begins(date(2028, 2, 28))) == set()
    assert found(today, begins(date(2028, 2, 29))) == {1}


@pytest.mark.parametrize(
    "word", ["'", "') OR 1=1 --", "; DROP TABLE members; --", "%s", ":x", "\\", 'a"b', "%(x)s"]
)
@pytest.mark.parametrize("name", ["tags", "bought_products"])
def test_what_looks_like_sql_is_a_word_like_any_other(world: World, name: str, word: str) -> None:
    world([Person(tags=[word], sales=[Sale(TODAY, 1, goods=[(word, "c", 1, 0)])]), Person()])
    assert found({"field": name, "op": "any_of", "value": [word]}) == {1}
    assert found({"field": name, "op": "none_of", "value": [word]}) == {2}


def test_what_is_known_of_the_tables_above_is_so() -> None:
    for table in vars(tables).values():
        if isinstance(table, TableClause):
            assert {one.name for one in table.columns} <= set(Base.metadata.tables[table.name].columns.keys())
