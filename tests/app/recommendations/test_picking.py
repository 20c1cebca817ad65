"""What is recommended to whom, and why."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Engine, event

from app import db
from app.recommendations import count
from app.recommendations.pick import Recommended, firsts, pick
from app.recommendations.pick import recommendations as for_one
from tests.app.recommendations.test_counting import buyer, exclude
from tests.app.segments.world import NOW, Person, days

World = Callable[[list[Person]], None]


def shown(member_id: int, **options: Any) -> list[tuple[str, str | None]]:
    """Article and reason: the product of theirs, or None of a best seller."""
    found = for_one(member_id=member_id, **options)
    return [(one.sku, one.name_bought) for one in found.items]


#: A and B, and C and D, go together; E is bought by most. The first member bought A, the second B and C.
PEOPLE = [
    buyer("A"),
    buyer("B", "C"),
    *[buyer("A", "B")] * 6,
    *[buyer("C", "D")] * 5,
    *[buyer("E")] * 20,
]


@pytest.fixture
def counted(world: World) -> None:
    world(PEOPLE)
    count.count(now=NOW)


def test_first_what_goes_with_it_then_what_most_members_buy(counted: None) -> None:
    assert shown(1) == [("B", "名A"), ("E", None), ("C", None), ("D", None)]
    assert for_one(member_id=1).items[0] == Recommended(
        sku="B", name="名B", because="bought_with", name_bought="名A"
    )
    assert for_one(member_id=1).items[1].because == "best_seller"


def test_what_they_have_is_not_recommended_and_the_stronger_reason_is_told(counted: None) -> None:
    # D goes with C by 5 / sqrt(6 * 5), A with B by 6 / sqrt(7 * 7).
    assert shown(2) == [("D", "名C"), ("A", "名B"), ("E", None)]
    assert shown(2, most=1) == [("D", "名C")]


def test_scores_are_summed_and_ties_go_by_the_article_number(world: World) -> None:
    world([buyer("A", "B"), *[buyer("A", "B", "X", "Y")] * 5, *[buyer("A", "Z")] * 6])
    count.count(now=NOW)
    # X and Y go with both, and with both equally: the number decides, of the reasons as well.
    assert shown(1) == [("X", "名B"), ("Y", "名B"), ("Z", "名A")]


def test_who_never_bought_gets_best_sellers(world: World) -> None:
    world([Person(), *[buyer("A", "B")] * 5, buyer("B")])
    count.count(now=NOW)
    assert shown(1) == [("B", None), ("A", None)]
    assert for_one(member_id=1).personalised


def test_nothing_is_recommended_before_it_was_counted(world: World) -> None:
    world(PEOPLE)
    assert shown(1) == []
    with db.transaction() as session:
        assert firsts(session, [1, 2]) == {}


@pytest.mark.parametrize("who", [{"unpersonalised": True}, {"status": "frozen"}, {"status": "withdrawn"}])
def test_who_wants_none_made_from_their_purchases_gets_what_everybody_gets(
    world: World, who: dict[str, Any]
) -> None:
    world([*PEOPLE, buyer("A", "E", **who), Person(**who)])
    count.count(now=NOW)
    theirs, strangers = for_one(member_id=len(PEOPLE) + 1), for_one(member_id=len(PEOPLE) + 2)
    assert theirs == strangers
    assert not theirs.personalised
    # Also what they have: to leave it out would be to look.
    assert [(one.sku, one.because) for one in theirs.items[:2]] == [
        ("E", "best_seller"),
        ("A", "best_seller"),
    ]


def test_what_is_excluded_holds_at_once(counted: None) -> None:
    exclude(excluded_skus=["E"])
    assert shown(1) == [("B", "名A"), ("C", None), ("D", None)]
    exclude(excluded_skus=["B"])
    assert shown(1) == [("E", None), ("C", None), ("D", None)]
    # As a reason, too.
    assert ("A", "名B") not in shown(2)
    exclude(excluded_categories=["茶饮"])
    assert shown(1) == []


def test_what_was_not_sold_lately_is_no_best_seller(world: World) -> None:
    world([Person(), *[buyer("OLD", ago=30)] * 9, *[buyer("NEW", ago=29)] * 5])
    count.count(now=NOW)
    assert shown(1) == [("NEW", None)]


def test_what_only_a_few_bought_is_no_best_seller(world: World) -> None:
    world([Person(), *[buyer("CAKE FOR LI")] * 4, *[buyer("A")] * 5])
    count.count(now=NOW)
    assert shown(1) == [("A", None)]


@pytest.mark.parametrize(
    ("word", "written"),
    [("酒类", "酒类 "), (" 酒类", "酒类"), ("Spirits", "SPIRITS"), ("ÄPFEL", "ÄPFEL")],
)
def test_a_category_is_excluded_however_a_register_writes_it(world: World, word: str, written: str) -> None:
    world([Person(), *[buyer("T", category=written)] * 5])
    count.count(now=NOW)
    assert shown(1) == [("T", None)]
    exclude(excluded_categories=[word])
    assert shown(1) == []


def test_what_was_bought_before_the_window_may_be_recommended_again(world: World) -> None:
    world([buyer("A", ago=180), *[buyer("A")] * 5])
    count.count(now=NOW)
    assert shown(1) == [("A", None)]


def test_ten_at_most(world: World) -> None:
    world([Person(), *[buyer(*(f"S{n:02}" for n in range(15)))] * 5])
    count.count(now=NOW)
    assert shown(1) == [(f"S{n:02}", None) for n in range(10)]


def test_many_members_are_three_statements(counted: None, unaudited_engine: Engine) -> None:
    asked: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        asked.append(statement)

    event.listen(unaudited_engine, "before_cursor_execute", note)
    with db.transaction() as session:
        found = pick(session, range(1, len(PEOPLE) + 1), 1)
    event.remove(unaudited_engine, "before_cursor_execute", note)
    assert len(found) == len(PEOPLE)
    assert len(asked) == 3


def test_it_is_the_same_until_it_is_counted_anew(counted: None) -> None:
    before = shown(1)
    assert count.count(now=NOW + days(1))
    assert shown(1) == before
