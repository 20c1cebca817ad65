"""What members buy and buy with it, over HTTP."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.segments import totals
from app.staff.roles import Grant
from app.work import fact_relay, recurring, tell_consumers
from tests.actors import staff_token
from tests.app.recommendations.test_counting import exclude
from tests.recommending import counted
from tests.shop import Shop

NAMES = {"QH/1": "茉莉绿茶", "QH2": "Butter Croissant", "X3": "100%_果汁"}


@pytest.fixture
def office(shop: Shop) -> Any:
    token = staff_token(shop.person("marketer", Grant("marketer", shop.store.id)).id)
    client = shop.app.test_client()
    return lambda path: client.get(f"/office/v1{path}", headers={"Authorization": f"Bearer {token}"})


def skus(answer: Any) -> list[str]:
    return [one["sku"] for one in answer.json["items"]]


def test_products_by_page_and_by_what_is_looked_for(
    shop: Shop, office: Any, unaudited_engine: Engine
) -> None:
    assert office("/products").json == {"items": [], "next_cursor": None}
    counted(clock.now(), names=NAMES)
    exclude(excluded_skus=["QH2"])
    page = office("/products?limit=2")
    assert (skus(page), [one["excluded"] for one in page.json["items"]]) == (["QH/1", "QH2"], [False, True])
    assert page.json["items"][0] | {"last_on": ""} == {
        "sku": "QH/1",
        "name": "茉莉绿茶",
        "category": "茶饮",
        "buyers": 99,
        "last_on": "",
        "excluded": False,
    }
    assert skus(office(f"/products?limit=2&cursor={page.json['next_cursor']}")) == ["X3"]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("qh", ["QH/1", "QH2"]),
        ("绿茶", ["QH/1"]),
        ("croissant", ["QH2"]),
        ("%25_", ["X3"]),
        ("_", ["X3"]),
        ("3", []),
    ],
)
def test_a_search_is_by_the_number_or_the_name_and_knows_no_wildcards(
    shop: Shop, office: Any, unaudited_engine: Engine, search: str, found: list[str]
) -> None:
    counted(clock.now(), names=NAMES)
    assert skus(office(f"/products?search={search}")) == found


def test_what_is_bought_with_it(shop: Shop, office: Any, unaudited_engine: Engine) -> None:
    counted(clock.now(), names=NAMES, pairs=[("QH/1", "QH2")])
    assert office("/products/QH/1/bought-with").json == {
        "items": [
            {
                "sku": "QH2",
                "name": "Butter Croissant",
                "category": "茶饮",
                "together": 10,
                "share_percent": 50,
                "excluded": False,
            }
        ]
    }
    assert office("/products/X3/bought-with").json == {"items": []}
    assert office("/products/NONE/bought-with").status_code == 404


@pytest.mark.parametrize("query", ["search=", "search=%00", "search=" + "x" * 65, "limit=0", "cursor=x"])
def test_a_query_that_is_none_is_refused(shop: Shop, query: str) -> None:
    token = staff_token(shop.person("marketer", Grant("marketer", None)).id)
    headers = {"Authorization": f"Bearer {token}"}
    answer = shop.app.test_client().get(f"/office/v1/products?{query}", headers=headers)
    assert answer.status_code == 422


def test_what_was_sold_is_there_after_the_night(shop: Shop, office: Any, unaudited_engine: Engine) -> None:
    """From the till to the marketer and the member."""
    for number in range(6):
        phone = shop.member()
        lines = [
            {"sku": sku, "name": f"商品{sku}", "category": "茶饮", "quantity": 1, "unit_price_fen": 1_000}
            for sku in ("A", "B")[: 2 if number < 5 else 1]
        ]
        sale = {"receipt_no": f"R{number}", "amount_fen": 1_000 * len(lines), "lines": lines}
        answer = shop.till.post("/sales", {**sale, "ticket": shop.till.ticket(shop.code(phone))})
        assert answer.status_code == 201, answer.json
    tell_consumers(fact_relay(shop.parts), clock.now())
    totals.recount()
    [nightly] = [one for one in recurring() if one.name == "recommend"]
    nightly.run(clock.now() + timedelta(hours=2))
    [first, second] = office("/products").json["items"]
    assert (first["sku"], first["name"], first["buyers"]) == ("A", "商品A", 6)
    [other] = office("/products/A/bought-with").json["items"]
    assert (other["sku"], other["together"], other["share_percent"]) == ("B", 5, 83)
    assert second["sku"] == "B"
    [picked] = phone.get("/me/recommendations").json["items"]
    assert (picked["sku"], picked["because"]["name"]) == ("B", "商品A")
