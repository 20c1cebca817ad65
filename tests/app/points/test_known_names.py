"""A rule that names what there is not is not made, whoever makes it."""

import pytest

from app import clock
from app.audit import OPERATOR
from app.points.change import create
from app.points.known_names import RuleNamesUnknown
from app.points.rules import Conditions, Extra
from app.points.versions import Draft
from tests.shop import Shop


def make(**conditions: frozenset[str] | frozenset[int]) -> None:
    definition = Extra(points=1, conditions=Conditions(**conditions))  # type: ignore[arg-type]
    create(draft=Draft(name_zh="礼", name_en="Gift", definition=definition), actor=OPERATOR, now=clock.now())


def test_the_operator_is_told_of_a_tier_and_of_a_store(shop: Shop) -> None:
    with pytest.raises(RuleNamesUnknown) as tiers:
        make(tiers=frozenset({"normal", "glod"}), stores=frozenset({shop.store.id, 99}))
    assert tiers.value.data == {"what": "tiers", "unknown": ["glod"]}
    with pytest.raises(RuleNamesUnknown) as stores:
        make(stores=frozenset({shop.store.id, 99}))
    assert stores.value.data == {"what": "stores", "unknown": [99]}
    make(tiers=frozenset({"normal"}), stores=frozenset({shop.store.id}))
