"""What members buy and buy with it, over HTTP."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.staff.roles import Grant
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
