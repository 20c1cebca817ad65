"""Rules of discount in the back office: made, changed and ended, each in the stores one is responsible for."""

from datetime import timedelta
from typing import Any

import pytest

from app import clock
from tests.actors import Actors
from tests.office_api.test_earn_rule_routes import Rules
from tests.shop import Shop


@pytest.fixture
def actors(shop: Shop, actors: Actors) -> Actors:
    shop.tier("gold")
    return actors


def body(**more: Any) -> dict[str, Any]:
    return {
        "name_zh": "金卡九五折",
        "name_en": "Gold: 5% off",
        "effect": {"kind": "percent", "percent_bp": 500},
        "conditions": {"stores": ["S001"], "tiers": ["gold"]},
        **more,
    }


def test_a_rule_is_made_changed_and_ended(actors: Actors) -> None:
    office = Rules(actors, "manager")
    made = office.post("/discount-rules", body()).json
    assert (made["rule_no"], made["version"], made["state"]) == (1, 1, "in_force")
    changed = office.put("/discount-rules/1", body(effect={"kind": "amount", "off_fen": 500}, version=1))
    assert (changed.status_code, changed.json["version"]) == (200, 2)
    late = office.put("/discount-rules/1", body(version=1))
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 2)
    ended = office.post("/discount-rules/1/end", {"version": 2})
    assert (ended.status_code, ended.json["state"], ended.json["version"]) == (200, "ended", 3)
    history = office.get("/discount-rules/1/versions").json["items"]
    assert [(one["version"], one["effect"]["kind"]) for one in history] == [
        (3, "amount"),
        (2, "amount"),
        (1, "percent"),
    ]


@pytest.mark.parametrize(
    "effect",
    [
        {"kind": "percent", "percent_bp": 500, "most_fen": 2_000},
        {"kind": "amount", "off_fen": 5_000},
        {"kind": "per_full", "every_fen": 10_000, "off_fen": 1_000, "most_times": 3},
    ],
)
def test_every_field_comes_back_as_it_was_sent(actors: Actors, effect: dict[str, Any]) -> None:
    office = Rules(actors, "admin")
    until = clock.now().replace(microsecond=0) + timedelta(days=30)
    sent = {
        "name_zh": "购物节",
        "name_en": "Festival",
        "effect": effect,
        "conditions": {
            "stores": ["S001", "S002"],
            "tiers": ["gold"],
            "products": ["A", "B"],
            "categories": ["茶饮"],
            "weekdays": [1, 7],
            "monthdays": [-1, 18],
            "dates": ["2031-11-11"],
            "birthday": "day",
            "time_of_day": {"from": "22:30", "until": "02:00"},
        },
        "at_least_fen": 10_000,
        "at_least_pieces": 2,
        "priority": -7,
        "group": "festival-1",
        "alone": True,
        "effective_from": (until - timedelta(days=20)).isoformat().replace("+00:00", "Z"),
        "effective_until": until.isoformat().replace("+00:00", "Z"),
    }
    made = office.post("/discount-rules", sent)
    assert made.status_code == 201, made.json
    assert {name: made.json[name] for name in sent} == sent
    assert made.json["state"] == "planned"
    assert office.get("/discount-rules?limit=1").json["items"] == [made.json]


@pytest.mark.parametrize(
    "wrong",
    [
        {"effect": {"kind": "percent"}},
        {"effect": {"kind": "percent", "percent_bp": 10_001}},
        {"effect": {"kind": "percent", "percent_bp": 500, "off_fen": 1}},
        {"effect": {"kind": "per_full", "every_fen": 100, "off_fen": 101}},
        {"effect": {"kind": "gift"}},
        {"effect": None},
        {"priority": 1_001},
        {"group": "UPPER CASE"},
        {"group": "x" * 25},
        {"at_least_fen": -1},
        {"conditions": {"moon": 1}},
        {"effective_until": "2020-01-01T00:00:00Z"},
        {"stacking": "add"},
    ],
)
def test_what_makes_no_sense_is_refused(actors: Actors, wrong: dict[str, Any]) -> None:
    office = Rules(actors, "manager")
    refused = office.post("/discount-rules", body(**wrong))
    assert refused.status_code == 422, refused.json
    assert office.get("/discount-rules").json["items"] == []


def test_a_manager_makes_rules_of_the_own_store_and_sees_those_of_the_brand(actors: Actors) -> None:
    manager, chief = Rules(actors, "manager"), Rules(actors, "admin")
    refused = manager.post("/discount-rules", body(conditions={"tiers": ["gold"]}))
    assert refused.status_code == 403
    assert (refused.json["right"], refused.json["reason"]) == ("rules.manage", "all_stores")
    assert "right" in refused.json["detail"]
    assert chief.post("/discount-rules", body(conditions={"tiers": ["gold"]})).status_code == 201
    assert chief.post("/discount-rules", body(conditions={"stores": ["S002"]})).status_code == 201
    assert [one["rule_no"] for one in manager.get("/discount-rules").json["items"]] == [1]
    assert manager.post("/discount-rules/1/end", {"version": 1}).status_code == 403
    assert manager.get("/discount-rules/2/versions").status_code == 404
    assert manager.put("/discount-rules/2", body(version=1)).status_code == 404


def test_above_the_limit_it_waits_for_a_second_person(actors: Actors) -> None:
    office, chief = Rules(actors, "manager"), Rules(actors, "admin")
    waiting = office.post("/discount-rules", body(effect={"kind": "percent", "percent_bp": 5_000}))
    assert waiting.status_code == 202
    assert office.get("/discount-rules").json["items"] == []
    [seen] = chief.get("/approvals").json["items"]
    assert (seen["kind"], seen["store"]) == ("discount_rule", "S001")
    assert seen["details"]["definition"]["conditions"]["stores"] == ["S001"]
    assert chief.post(f"/approvals/{seen['id']}/decision", {"agree": True}).status_code == 204
    [made] = office.get("/discount-rules").json["items"]
    assert made["effect"] == {"kind": "percent", "percent_bp": 5_000}


def test_a_tier_that_nobody_made_is_named(actors: Actors) -> None:
    office = Rules(actors, "manager")
    wrong = {"stores": ["S001"], "tiers": ["gold", "goldd", "black"]}
    refused = office.post("/discount-rules", body(conditions=wrong))
    assert (refused.status_code, refused.json["code"]) == (422, "rule_names_unknown")
    assert (refused.json["what"], refused.json["unknown"]) == ("tiers", ["black", "goldd"])
    assert office.get("/discount-rules").json["items"] == []
    assert office.post("/discount-rules", body()).status_code == 201
    changed = office.put("/discount-rules/1", body(conditions=wrong, version=1))
    assert (changed.status_code, changed.json["unknown"]) == (422, ["black", "goldd"])


def test_what_waits_says_which_limits_it_goes_beyond(actors: Actors) -> None:
    office = Rules(actors, "manager")
    waiting = office.post("/discount-rules", body(effect={"kind": "amount", "off_fen": 5_001}))
    assert waiting.status_code == 202
    [why] = waiting.json["why"]
    assert (why["policy"], why["field"], why["limit"]) == ("discounts", "alone_off_fen", 5_000)
    assert "¥50.00" in why["text"]
    special = office.post("/discount-rules", body(effect={"kind": "price", "price_fen": 100}))
    assert [(one["field"], one["limit"]) for one in special.json["why"]] == [("alone_prices", False)]


def test_a_rule_is_tried_on_the_sales_of_the_own_store(actors: Actors) -> None:
    shop, manager = actors.shop, Rules(actors, "manager")
    for till in (shop.till, actors.till_2):
        till.sell(till.ticket(shop.code(shop.member())), 10_000)
    now = clock.now()
    period = {"from": (now - timedelta(hours=1)).isoformat(), "until": (now + timedelta(hours=1)).isoformat()}
    found = manager.post(
        "/discount-rules/simulate", {"rule": body(conditions={"stores": ["S001"]}), **period}
    )
    assert found.status_code == 200, found.json
    assert (found.json["sales"], found.json["off_after_fen"]) == (1, 500)
    assert [one["store"] for one in found.json["stores"]] == ["S001"]
    assert found.json["sample"][0]["goods_fen"] == 10_000
    everywhere = {"rule": body(conditions=None), **period}
    assert manager.post("/discount-rules/simulate", everywhere).status_code == 403
