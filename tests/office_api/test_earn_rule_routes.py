"""Rules of earning in the back office: made, changed, ended, tried, each in the stores one is responsible for."""

from datetime import timedelta
from typing import Any

import pytest

from app import clock
from tests.actors import Actors
from tests.office_api.test_staff_rules import Office
from tests.shop import Shop


@pytest.fixture
def actors(shop: Shop, actors: Actors) -> Actors:
    shop.tier("gold")
    return actors


class Rules(Office):
    def put(self, path: str, json: Any) -> Any:
        return self._client.put(f"/office/v1{path}", headers=self._headers, json=json)


def body(**more: Any) -> dict[str, Any]:
    return {
        "name_zh": "双倍积分",
        "name_en": "Double points",
        "kind": "multiplier",
        "factor_bp": 20_000,
        "conditions": {"stores": ["S001"]},
        **more,
    }


def points(shop: Shop) -> int:
    sold = shop.till.sell(shop.till.ticket(shop.code(shop.member())), 1_000)
    return int(sold.json["points_earned"])


def test_a_rule_is_made_changed_and_ended(actors: Actors) -> None:
    office, shop = Rules(actors, "manager"), actors.shop
    made = office.post("/earn-rules", body()).json
    assert (made["rule_no"], made["version"], made["state"]) == (2, 1, "in_force")
    assert made["conditions"] == {"stores": ["S001"]}
    assert points(shop) == 20

    changed = office.put("/earn-rules/2", body(factor_bp=30_000, version=1))
    assert (changed.status_code, changed.json["version"]) == (200, 2)
    assert points(shop) == 30

    late = office.put("/earn-rules/2", body(version=1))
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 2)

    ended = office.post("/earn-rules/2/end", {"version": 2})
    assert (ended.status_code, ended.json["state"], ended.json["version"]) == (200, "ended", 3)
    assert points(shop) == 10
    history = office.get("/earn-rules/2/versions").json["items"]
    assert [(one["version"], one["factor_bp"]) for one in history] == [(3, 30_000), (2, 30_000), (1, 20_000)]


def test_a_store_takes_its_own_rate_and_hands_it_back_to_the_brand(actors: Actors) -> None:
    office, shop = Rules(actors, "manager"), actors.shop
    base = body(kind="base", rate_bp=20_000, factor_bp=None, expiry={"kind": "end_of_next_year"})
    assert office.post("/earn-rules", base).status_code == 201
    assert points(shop) == 20
    assert office.put("/earn-rules/2", {**base, "rate_bp": 0, "version": 1}).status_code == 200
    assert points(shop) == 0
    assert office.post("/earn-rules/2/end", {"version": 2}).status_code == 200
    assert points(shop) == 10


def test_every_field_comes_back_as_it_was_sent(actors: Actors) -> None:
    office = Rules(actors, "admin")
    until = clock.now().replace(microsecond=0) + timedelta(days=30)
    sent = {
        "name_zh": "新品尝鲜",
        "name_en": "New taste",
        "kind": "base",
        "applies_to": "sale",
        "priority": 7,
        "stacking": "best",
        "effective_from": (until - timedelta(days=20)).isoformat().replace("+00:00", "Z"),
        "effective_until": until.isoformat().replace("+00:00", "Z"),
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
        "caps": {"per_sale": 10, "per_day": 20},
        "rate_bp": 12_345,
        "expiry": {"kind": "months", "n": 6},
        "pending_days": 7,
    }
    made = office.post("/earn-rules", sent)
    assert made.status_code == 201, made.json
    assert {name: made.json[name] for name in sent} == sent
    assert made.json["state"] == "planned"
    assert office.get("/earn-rules?limit=1&cursor=MQ==").json["items"] == [made.json]


@pytest.mark.parametrize(
    "wrong",
    [
        {"factor_bp": None},
        {"rate_bp": 10_000},
        {"points": 5},
        {"kind": "extra"},
        {"factor_bp": 10_000},
        {"conditions": {"time_of_day": {"from": "9:00", "until": "10:00"}}},
        {"conditions": {"time_of_day": {"from": "24:00", "until": "10:00"}}},
        {"conditions": {"time_of_day": {"from": "09:00", "until": "09:00"}}},
        {"conditions": {"weekdays": []}},
        {"conditions": {"monthdays": [0]}},
        {"conditions": {"moon": 1}},
        {"caps": {"per_day": 0}},
        {"effective_until": "2020-01-01T00:00:00Z"},
        {"effective_from": "2020-01-01T00:00:00Z"},
        {"effective_from": "2031-01-01T00:00:00"},
        {"effective_from": "9999-12-31T23:59:59-14:00"},
        {"effective_until": "9999-12-31T23:59:59-14:00"},
        {"effective_from": "0001-01-01T00:00:00+14:00"},
        {"stacking": "worst"},
        {"name_zh": ""},
        {"kind": "base", "factor_bp": None, "rate_bp": 1, "expiry": {"kind": "days"}},
        {"kind": "base", "factor_bp": None, "rate_bp": 1, "expiry": {"kind": "months", "n": 121}},
    ],
)
def test_rules_that_make_no_sense_are_refused(actors: Actors, wrong: dict[str, Any]) -> None:
    refused = Rules(actors, "admin").post("/earn-rules", body(**wrong))
    assert refused.status_code == 422, refused.json
    assert refused.json["code"] in ("validation_failed", "rule_malformed", "rule_in_the_past")


def test_a_rule_does_not_change_its_kind(actors: Actors) -> None:
    office = Rules(actors, "admin")
    office.post("/earn-rules", body())
    changed = office.put("/earn-rules/2", body(kind="extra", factor_bp=None, points=5, version=1))
    assert (changed.status_code, changed.json["code"]) == (422, "rule_malformed")


def test_a_manager_sees_the_brands_rules_and_keeps_to_the_own_store(actors: Actors) -> None:
    admin, manager = Rules(actors, "admin"), Rules(actors, "manager")
    foreign = admin.post("/earn-rules", body(conditions={"stores": ["S002"]})).json["rule_no"]
    shared = admin.post("/earn-rules", body(conditions={"stores": ["S001", "S002"]})).json["rule_no"]
    seen = [rule["rule_no"] for rule in manager.get("/earn-rules").json["items"]]
    assert seen == [1, shared]

    for conditions in (None, {}):
        assert manager.post("/earn-rules", body(conditions=conditions)).status_code == 403
    for stores in (["S002"], ["S001", "S002"], ["S404"]):
        assert manager.post("/earn-rules", body(conditions={"stores": stores})).status_code == 404
    for number, status in ((1, 403), (shared, 403), (foreign, 404), (99, 404)):
        assert manager.post(f"/earn-rules/{number}/end", {"version": 1}).status_code == status
        assert manager.put(f"/earn-rules/{number}", body(version=1)).status_code == status
        assert manager.get(f"/earn-rules/{number}/versions").status_code == (404 if status == 404 else 200)
    own = manager.post("/earn-rules", body()).json["rule_no"]
    wider = body(version=1, conditions={"stores": ["S001", "S002"]})
    assert manager.put(f"/earn-rules/{own}", wider).status_code == 404


def trial(**more: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "rule": body(),
        "from": (now - timedelta(days=1)).isoformat(),
        "until": (now + timedelta(days=1)).isoformat(),
        **more,
    }


def test_a_rule_is_tried_before_it_is_made(actors: Actors) -> None:
    shop, manager = actors.shop, Rules(actors, "manager")
    points(shop)
    actors.till_2.sell(actors.till_2.ticket(shop.code(shop.member())), 1_000)
    asked = trial()
    found = manager.post("/earn-rules/simulate", asked)
    assert found.status_code == 200, found.json
    told = dict(found.json)
    [sale] = told.pop("sample")
    assert told.pop("covered_until") == asked["until"].replace("+00:00", "Z")
    assert told.pop("complete") is True
    assert (sale["store"], sale["points_before"], sale["points_after"]) == ("S001", 10, 20)
    assert told == {
        "sales": 1,
        "members_touched": 1,
        "members_gaining": 1,
        "members_losing": 0,
        "points_before": 10,
        "points_after": 20,
        "points_more": 10,
        "points_less": 0,
    }
    whole = Rules(actors, "admin").post("/earn-rules/simulate", trial(rule=body(conditions=None)))
    assert (whole.json["sales"], whole.json["points_more"]) == (2, 20)


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("0001-01-01T00:00:00+14:00", "0001-01-02T00:00:00Z"),
        ("9999-12-31T00:00:00Z", "9999-12-31T23:59:59.999999-14:00"),
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"),
    ],
)
def test_periods_that_cannot_be_are_refused(actors: Actors, since: str, until: str) -> None:
    refused = Rules(actors, "admin").post("/earn-rules/simulate", trial(**{"from": since, "until": until}))
    assert (refused.status_code, refused.json["code"]) == (422, "simulation_too_large")


def test_trying_needs_the_right_to_make_it(actors: Actors) -> None:
    manager = Rules(actors, "manager")
    assert manager.post("/earn-rules/simulate", trial(rule=body(conditions=None))).status_code == 403
    assert manager.post("/earn-rules/simulate", trial(rule_no=1)).status_code == 403
    assert manager.post("/earn-rules/simulate", trial(rule_no=99)).status_code == 404
    far = trial(**{"from": "2026-01-01T00:00:00Z", "until": "2026-12-31T00:00:00Z"})
    refused = manager.post("/earn-rules/simulate", far)
    assert (refused.status_code, refused.json["code"]) == (422, "simulation_too_large")
    assert (refused.json["most_days"], refused.json["most_sales"]) == (92, 100_000)


def test_above_the_limit_it_waits_for_a_second_person(actors: Actors) -> None:
    shop = actors.shop
    office, chief = Rules(actors, "manager"), Rules(actors, "admin")
    waiting = office.post("/earn-rules", body(factor_bp=50_000))
    assert waiting.status_code == 202
    assert points(shop) == 10
    [seen] = chief.get("/approvals").json["items"]
    assert (seen["id"], seen["kind"], seen["store"]) == (waiting.json["approval_id"], "earn_rule", "S001")
    told = seen["details"]["definition"]
    assert (told["factor_bp"], told["conditions"]) == (50_000, {"stores": ["S001"]})
    agreed = chief.post(f"/approvals/{seen['id']}/decision", {"agree": True})
    assert agreed.status_code == 204
    assert points(shop) == 50
    more = office.put("/earn-rules/2", body(factor_bp=60_000, version=1))
    assert (more.status_code, points(shop)) == (202, 50)
    less = office.put("/earn-rules/2", body(factor_bp=30_000, version=1))
    assert (less.status_code, points(shop)) == (200, 30)
    outdated = chief.post(f"/approvals/{more.json['approval_id']}/decision", {"agree": True})
    assert (outdated.status_code, outdated.json["code"]) == (409, "approval_outdated")


def test_a_rule_of_several_stores_waits_for_the_head_office(actors: Actors) -> None:
    chief = Rules(actors, "admin")
    waiting = chief.post("/earn-rules", body(conditions={"stores": ["S001", "S002"]}, factor_bp=50_000))
    assert waiting.status_code == 202
    assert Rules(actors, "manager").get("/approvals").json["items"] == []
    [seen] = chief.get("/approvals").json["items"]
    assert seen["store"] is None
    assert seen["details"]["definition"]["conditions"]["stores"] == ["S001", "S002"]
    own = chief.post(f"/approvals/{seen['id']}/decision", {"agree": True})
    assert (own.status_code, own.json["code"]) == (403, "approver_is_requester")


def test_a_tier_that_nobody_made_is_named_before_it_is_tried(actors: Actors) -> None:
    office = Rules(actors, "admin")
    wrong = body(conditions={"tiers": ["platinum"]})
    for refused in (
        office.post("/earn-rules", wrong),
        office.post("/earn-rules/simulate", trial(rule=wrong)),
    ):
        assert (refused.status_code, refused.json["code"]) == (422, "rule_names_unknown")
        assert (refused.json["what"], refused.json["unknown"]) == ("tiers", ["platinum"])


@pytest.mark.parametrize(
    ("rule", "field", "limit"),
    [
        ({"factor_bp": 30_001}, "alone_factor_bp", 30_000),
        ({"kind": "extra", "factor_bp": None, "points": 201}, "alone_points", 200),
        ({"kind": "base", "factor_bp": None, "rate_bp": 20_001}, "alone_rate_bp", 20_000),
    ],
)
def test_what_waits_says_which_limit_it_goes_beyond(
    actors: Actors, rule: dict[str, Any], field: str, limit: int
) -> None:
    waiting = Rules(actors, "manager").post("/earn-rules", body(**rule))
    assert waiting.status_code == 202
    [why] = waiting.json["why"]
    assert (why["policy"], why["field"], why["limit"]) == ("earning_rules", field, limit)
