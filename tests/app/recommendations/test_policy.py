"""Who may change what is not recommended, and what of it needs a second person."""

from typing import Any

import msgspec
import pytest
from sqlalchemy import Engine

from app.approvals.second_person import Waiting
from app.checkout.set_policy import set_policy
from app.policies import PolicyMalformed
from app.recommendations.policy import RecommendationPolicy
from app.staff.roles import Grant
from tests.marketing import NOON
from tests.shop import Shop

DEFAULT = RecommendationPolicy()


def policy(**value: Any) -> RecommendationPolicy:
    return msgspec.convert({**msgspec.to_builtins(DEFAULT), **value}, RecommendationPolicy)


def test_excluding_more_is_tighter_and_excluding_less_loosens() -> None:
    fewer = DEFAULT.excluded_categories[1:]
    assert not policy(excluded_skus=["A"]).loosens(DEFAULT)
    assert DEFAULT.loosens(policy(excluded_skus=["A"]))
    assert policy(excluded_skus=["B"]).loosens(policy(excluded_skus=["A"]))
    assert policy(excluded_categories=fewer).loosens(DEFAULT)
    # In another case it is the same.
    assert not policy(excluded_categories=[one.upper() for one in DEFAULT.excluded_categories]).loosens(
        DEFAULT
    )


def test_blanks_around_a_category_are_none() -> None:
    padded = [f" {one} " for one in DEFAULT.excluded_categories]
    assert not policy(excluded_categories=padded).loosens(DEFAULT)


def test_what_is_taken_off_the_list_waits_for_a_second_person_who_reads_what_stood_there(
    shop: Shop, engine: Engine
) -> None:
    admin = shop.person("admin", Grant("admin", None)).id
    value = {"excluded_skus": ["A", "B"], "excluded_categories": ["烟草"]}
    first = set_policy(
        kind=RecommendationPolicy,
        value={**msgspec.to_builtins(DEFAULT), "excluded_skus": ["A", "B"]},
        version=0,
        staff_id=admin,
        now=NOON,
    )
    assert not isinstance(first, Waiting)
    asked = set_policy(
        kind=RecommendationPolicy,
        value={**value, "excluded_skus": ["A"]},
        version=1,
        staff_id=admin,
        now=NOON,
    )
    assert isinstance(asked, Waiting)
    found = {why.field: why.limit for why in asked.why}
    assert found["excluded_skus"] == "A, B"
    assert str(found["excluded_categories"]).startswith("烟草, ")


@pytest.mark.parametrize(
    "value",
    [
        {"excluded_skus": ["x"] * 1_001},
        {"excluded_skus": ["x" * 65]},
        {"excluded_skus": [""]},
        {"excluded_skus": ["a\x00"]},
        {"excluded_categories": ["x" * 41]},
        {"excluded_categories": "烟草"},
        {"window_days": 3},
    ],
)
def test_bounds(shop: Shop, engine: Engine, value: dict[str, Any]) -> None:
    with pytest.raises(PolicyMalformed):
        set_policy(kind=RecommendationPolicy, value=value, version=0, staff_id=1, now=NOON)


@pytest.mark.parametrize("sku", ["QH009 ", " QH009", " ", "", "Q\x00", "x" * 65])
def test_an_article_number_that_no_register_sends_is_refused(sku: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        policy(excluded_skus=[sku])


@pytest.mark.parametrize("sku", ["Q", "QH009", "红 茶", "x" * 64])
def test_an_article_number_is_taken_as_it_is(sku: str) -> None:
    assert policy(excluded_skus=[sku]).excluded_skus == (sku,)
