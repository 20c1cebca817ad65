"""Coupon templates in the back office: drafted, looked at by a second person, live, stopped, changed."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.coupons import change_template
from app.coupons.template import MOST_OF_A_SCENE, Template
from app.coupons.template_listing import show
from tests.actors import Actors
from tests.conftest import rows
from tests.coupons import give
from tests.office_api.test_earn_rule_routes import Rules
from tests.pictures import hung

PATH = "/coupon-templates"


def body(*, terms: dict[str, Any] | None = None, version: int | None = None, **face: Any) -> dict[str, Any]:
    """¥10 off in store 1, good for 30 days; twenty of them, two for each member."""
    promised = {
        "name_zh": "十元券",
        "name_en": "¥10 off",
        "effect": {"kind": "amount", "off_fen": 1_000},
        "validity": {"kind": "days", "days": 30},
        "conditions": {"stores": ["S001"]},
    }
    sent: dict[str, Any] = {"face": promised | face, "terms": {"per_member": 2, "stock": 20} | (terms or {})}
    return sent if version is None else sent | {"version": version}


def live(actors: Actors, **what: Any) -> Template:
    """A template that a manager made and the admin agreed to."""
    made = Rules(actors, "manager").post(PATH, body(**what)).json
    waiting = Rules(actors, "manager").post(f"{PATH}/{made['id']}/submit", {"version": 1})
    assert waiting.status_code == 202, waiting.json
    decided(actors, waiting.json["approval_id"])
    return show(template_id=made["id"], store_ids=None, now=clock.now())


def decided(actors: Actors, approval_id: str, *, agree: bool = True, who: str = "admin") -> None:
    answer = Rules(actors, who).post(f"/approvals/{approval_id}/decision", {"agree": agree})
    assert answer.status_code == 204, answer.json


def test_a_template_is_drafted_reviewed_stopped_and_resumed(actors: Actors, engine: Engine) -> None:
    office = Rules(actors, "manager")
    made = office.post(PATH, body())
    assert (made.status_code, made.json["state"], made.json["version"]) == (201, "draft", 1)
    path = f"{PATH}/{made.json['id']}"
    changed = office.put(path, body(name_zh="二十元券", version=1))
    assert (changed.json["face"]["name_zh"], changed.json["state"], changed.json["version"]) == (
        "二十元券",
        "draft",
        2,
    )
    waiting = office.post(f"{path}/submit", {"version": 2})
    assert waiting.status_code == 202
    [seen] = Rules(actors, "admin").get("/approvals").json["items"]
    assert (seen["kind"], seen["store"], seen["details"]["what"]) == ("coupon_template", "S001", "publish")
    assert seen["details"]["face"]["conditions"]["stores"] == ["S001"]
    assert seen["details"]["terms"]["stock"] == 20

    reviewed = office.get(path).json
    assert (reviewed["state"], reviewed["pending_approval_id"]) == ("in_review", waiting.json["approval_id"])
    for refused in (office.put(path, body(version=3)), office.post(f"{path}/submit", {"version": 3})):
        assert (refused.status_code, refused.json["code"]) == (409, "coupon_in_review")
    decided(actors, waiting.json["approval_id"])
    assert office.get(path).json["state"] == "live"
    stopped = office.post(f"{path}/stop", {"version": 4})
    assert (stopped.json["state"], stopped.json["version"]) == ("stopped", 5)
    again = office.post(f"{path}/stop", {"version": 5})
    assert (again.status_code, again.json["code"], again.json["state"]) == (
        409,
        "coupon_template_state",
        "stopped",
    )
    late = office.post(f"{path}/resume", {"version": 4})
    assert (late.status_code, late.json["code"], late.json["version"]) == (409, "version_conflict", 5)
    assert office.post(f"{path}/resume", {"version": 5}).json["state"] == "live"
    told = rows(engine, "SELECT action FROM audit_log WHERE object_type = 'coupon_template' ORDER BY id")
    assert [action.split(".")[1] for (action,) in told] == [  # type: ignore[attr-defined]
        "create",
        "change",
        "submit",
        "publish",
        "stop",
        "resume",
    ]


def test_a_template_says_what_waits_for_a_second_person(actors: Actors, engine: Engine) -> None:
    """Also in the list. What nobody can carry out any more does not wait."""
    office, made = Rules(actors, "manager"), live(actors)
    live(actors)
    path = f"{PATH}/{made.id}"

    def told() -> list[tuple[str | None, int | None]]:
        one, (_, listed) = office.get(path).json, office.get(PATH).json["items"]
        assert listed == {name: value for name, value in one.items() if name != "numbers"}
        assert (one["state"], one["terms"]["stock"]) == ("live", 20)
        return [(one["pending_approval_id"], (one["pending_terms"] or {}).get("stock"))]

    assert told() == [(None, None)]
    first, second = (
        office.put(path, body(terms={"stock": stock}, version=made.version)) for stock in (30, 40)
    )
    assert (first.status_code, second.status_code) == (202, 202)
    assert told() == [(second.json["approval_id"], 40)]
    decided(actors, second.json["approval_id"], agree=False)
    assert told() == [(first.json["approval_id"], 30)]
    assert office.post(f"{path}/stop", {"version": made.version}).json["pending_approval_id"] is None
    assert office.post(f"{path}/resume", {"version": made.version + 1}).status_code == 200
    assert told() == [(None, None)]
    third = office.put(path, body(terms={"stock": 50}, version=made.version + 2)).json["approval_id"]
    decided(actors, third)
    found = office.get(path).json
    assert (found["pending_approval_id"], found["terms"]["stock"]) == (None, 50)


@pytest.mark.parametrize("who", ["manager", "admin"])
def test_after_a_no_or_a_withdrawal_it_is_a_draft_again(actors: Actors, who: str) -> None:
    office = Rules(actors, "manager")
    path = f"{PATH}/{office.post(PATH, body()).json['id']}"
    waiting = office.post(f"{path}/submit", {"version": 1}).json
    decided(actors, waiting["approval_id"], agree=False, who=who)
    found = office.get(path).json
    assert (found["state"], found["version"]) == ("draft", 3)
    assert office.put(path, body(version=3)).status_code == 200


def test_a_review_that_nobody_decided_leaves_a_draft(actors: Actors) -> None:
    made = Rules(actors, "manager").post(PATH, body()).json
    asked = {"template_id": made["id"], "actor": OPERATOR}
    waiting = Rules(actors, "manager").post(f"{PATH}/{made['id']}/submit", {"version": 1})
    assert waiting.status_code == 202
    later = clock.now() + timedelta(days=8)
    assert show(template_id=made["id"], store_ids=None, now=later).state == "draft"
    published = change_template.submit(**asked, version=2, now=later)
    assert isinstance(published, Template)
    assert published.state == "live"


def test_a_tier_that_there_is_not_is_refused_and_what_does_not_fit_is_said_in_words(actors: Actors) -> None:
    office = Rules(actors, "admin")
    mistyped = body()
    mistyped["face"] = mistyped["face"] | {"conditions": {"tiers": ["glod"]}}
    refused = office.post(PATH, mistyped)
    assert (refused.status_code, refused.json["code"]) == (422, "rule_names_unknown")
    assert (refused.json["what"], refused.json["unknown"]) == ("tiers", ["glod"])
    made = office.post(PATH, body()).json
    assert office.put(f"{PATH}/{made['id']}", mistyped | {"version": 1}).json["code"] == "rule_names_unknown"
    alone = body()
    alone["face"] = alone["face"] | {"without_sale": True}
    assert (
        office.post(PATH, alone).json["detail"].startswith("券的内容有误：without_sale 只用于兑换券和赠品券")
    )


@pytest.mark.parametrize(
    ("effect", "validity"),
    [
        (
            {"kind": "percent", "percent_bp": 500, "most_fen": 2_000},
            {"kind": "days", "days": 7, "after_days": 1},
        ),
        (
            {"kind": "free", "pieces": 2},
            {"kind": "between", "begins_at": "2097-01-01T00:00:00Z", "ends_at": "2097-02-01T00:00:00Z"},
        ),
        (
            {"kind": "gift", "item_zh": "布袋", "item_en": "Bag", "sku": "B-1"},
            {"kind": "days", "days": 1, "after_days": 0},
        ),
    ],
)
def test_every_field_comes_back_as_it_was_sent(
    actors: Actors, effect: dict[str, Any], validity: dict[str, Any]
) -> None:
    office = Rules(actors, "admin")
    sent = {
        "face": {
            "name_zh": "生日礼",
            "name_en": "Birthday gift",
            "terms_zh": "每人一张",
            "terms_en": "One each",
            "picture_id": hung(),
            "effect": effect,
            "validity": validity,
            "conditions": {
                "stores": ["S001", "S002"],
                "tiers": ["normal"],
                "products": ["A"],
                "birthday": "month",
                "time_of_day": {"from": "22:30", "until": "02:00"},
            },
            "at_least_fen": 10_000,
            "at_least_pieces": 2,
            "group": "gifts",
            "alone": True,
            "priority": -7,
            "uses": 5,
            "use_value_fen": 900,
            "cost_bearer": "store",
            "without_sale": effect["kind"] in ("free", "gift"),
            "transferable": True,
            "forfeited": True,
            "restore_days": 3,
        },
        "terms": {
            "per_member": 3,
            "per_member_a_day": 2,
            "per_clerk_a_day": 10,
            "in_centre": True,
            "by_link": True,
            "claim_from": "2026-12-01T00:00:00Z",
            "claim_until": "2027-01-01T00:00:00Z",
            "stock": 500,
        },
    }
    made = office.post(PATH, sent)
    assert made.status_code == 201, made.json
    assert {name: made.json[name] for name in sent} == sent
    assert len(made.json["claim_key"]) == MOST_OF_A_SCENE
    assert office.get(f"{PATH}?limit=1&state=draft").json["items"] == [made.json]
    assert office.get(f"{PATH}?state=live").json["items"] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"effect": {"kind": "amount"}},
        {"effect": {"kind": "amount", "off_fen": 1, "pieces": 1}},
        {"effect": {"kind": "per_full", "every_fen": 2, "off_fen": 1}},
        {"validity": {"kind": "days"}},
        {"validity": {"kind": "days", "days": 1, "ends_at": "2030-01-01T00:00:00Z"}},
        {
            "validity": {
                "kind": "between",
                "begins_at": "2030-01-02T00:00:00Z",
                "ends_at": "2030-01-01T00:00:00Z",
            }
        },
        {
            "validity": {
                "kind": "between",
                "begins_at": "2020-01-01T00:00:00Z",
                "ends_at": "2020-01-02T00:00:00Z",
            }
        },
        {
            "validity": {
                "kind": "between",
                "begins_at": "2030-01-02T00:00:00Z",
                "ends_at": "9999-12-31T23:59:59-14:00",
            }
        },
        {"without_sale": True},
        {"conditions": {"monthdays": [0]}},
        {"conditions": {"moon": 1}},
        {"name_zh": ""},
        {"uses": 0},
        {"group": "UPPER"},
        {"terms": {"per_member": 0}},
        {"terms": {"stock": -1}},
        {"terms": {"claim_from": "2030-01-01T00:00:00Z", "claim_until": "2030-01-01T00:00:00Z"}},
        {"terms": {"claim_from": "0001-01-01T00:00:00+14:00"}},
        {"terms": {"moon": 1}},
    ],
)
def test_what_makes_no_sense_is_refused(actors: Actors, wrong: dict[str, Any]) -> None:
    office = Rules(actors, "manager")
    refused = office.post(PATH, body(**wrong))
    assert refused.status_code == 422, refused.json
    assert refused.json["code"] in ("validation_failed", "coupon_malformed", "rule_malformed")
    assert office.get(PATH).json["items"] == []


def test_a_manager_makes_those_of_the_own_store_and_sees_those_of_the_brand(actors: Actors) -> None:
    manager, chief = Rules(actors, "manager"), Rules(actors, "admin")
    assert manager.post(PATH, body(conditions=None)).status_code == 403
    assert manager.post(PATH, body(conditions={"stores": ["S002"]})).status_code == 404
    whole = chief.post(PATH, body(conditions=None)).json["id"]
    foreign = chief.post(PATH, body(conditions={"stores": ["S002"]})).json["id"]
    assert [one["id"] for one in manager.get(PATH).json["items"]] == [whole]
    assert manager.get(f"{PATH}/{whole}").status_code == 200
    for template, status in ((whole, 403), (foreign, 404), ("0" * 26, 404)):
        for verb in ("submit", "stop", "resume"):
            assert manager.post(f"{PATH}/{template}/{verb}", {"version": 1}).status_code == status
        assert manager.put(f"{PATH}/{template}", body(version=1)).status_code == status
    assert manager.get(f"{PATH}/{foreign}").status_code == 404
    own = manager.post(PATH, body()).json["id"]
    wider = body(conditions={"stores": ["S001", "S002"]}, version=1)
    assert manager.put(f"{PATH}/{own}", wider).status_code == 404
    assert manager.put(f"{PATH}/{own}", body(conditions=None, version=1)).status_code == 403


def test_what_members_hold_stays_when_a_live_template_changes(actors: Actors, engine: Engine) -> None:
    template = live(actors)
    office, path = Rules(actors, "manager"), f"{PATH}/{template.id}"
    [coupon] = give(template.id, actors.a.member_id, clock.now())
    before = rows(engine, "SELECT * FROM coupons")
    wanted = body(effect={"kind": "amount", "off_fen": 500}, version=template.version)
    waiting = office.put(path, wanted)
    assert waiting.status_code == 202, waiting.json
    assert office.get(path).json["face"]["effect"]["off_fen"] == 1_000
    assert office.put(path, wanted).json == waiting.json  # a press too many
    decided(actors, waiting.json["approval_id"])
    found = office.get(path).json
    assert (found["state"], found["face_version"], found["face"]["effect"]["off_fen"]) == ("live", 2, 500)
    assert rows(engine, "SELECT * FROM coupons") == before
    give(template.id, actors.b.member_id, clock.now())
    held = "SELECT c.id = :id, f.face -> 'effect' ->> 'off_fen' FROM coupons c JOIN coupon_faces f ON f.id = c.face_id"
    assert rows(engine, f"{held} ORDER BY c.id", id=coupon) == [(True, "1000"), (False, "500")]
    numbers = {
        "issued": 2,
        "held": 2,
        "used": 0,
        "ended": 0,
        "recalled": 0,
        "redemptions": 0,
        "discount_fen": 0,
    }
    assert found["numbers"] == numbers | {"issued": 1, "held": 1}
    assert office.get(path).json["numbers"] == numbers


@pytest.mark.parametrize(
    ("terms", "status"),
    [
        ({}, 200),
        ({"per_member": 1}, 200),
        ({"per_member_a_day": 1}, 200),
        ({"stock": 19}, 200),
        ({"claim_until": "2030-01-01T00:00:00Z"}, 200),
        ({"per_member": 3}, 202),
        ({"per_member": None}, 202),
        ({"per_clerk_a_day": 1}, 202),
        ({"in_centre": True}, 202),
        ({"by_link": True}, 202),
        ({"stock": 21}, 202),
        ({"stock": None}, 202),
    ],
)
def test_tightening_holds_at_once_and_what_gives_more_waits(
    actors: Actors, terms: dict[str, Any], status: int
) -> None:
    template = live(actors)
    office, path = Rules(actors, "manager"), f"{PATH}/{template.id}"
    changed = office.put(path, body(terms=terms, version=template.version))
    assert changed.status_code == status, changed.json
    if status == 202:
        before = office.get(path).json
        assert before["version"] == template.version
        decided(actors, changed.json["approval_id"])
    assert office.get(path).json["terms"].items() >= terms.items()


def test_a_change_that_is_overtaken_is_outdated(actors: Actors) -> None:
    template = live(actors)
    office, path = Rules(actors, "manager"), f"{PATH}/{template.id}"
    waiting = office.put(path, body(terms={"stock": 50}, version=template.version)).json
    assert office.post(f"{path}/stop", {"version": template.version}).status_code == 200
    refused = Rules(actors, "admin").post(f"/approvals/{waiting['approval_id']}/decision", {"agree": True})
    assert (refused.status_code, refused.json["code"]) == (409, "approval_outdated")
    assert office.get(path).json["terms"]["stock"] == 20


def test_stock_goes_down_to_what_is_out_and_comes_back(actors: Actors, engine: Engine) -> None:
    template = live(actors)
    office, path = Rules(actors, "manager"), f"{PATH}/{template.id}"
    give(template.id, actors.a.member_id, clock.now(), 2)

    def put(stock: int | None) -> Any:
        return office.put(path, body(terms={"stock": stock}, version=office.get(path).json["version"]))

    refused = put(1)
    assert (refused.status_code, refused.json["code"], refused.json["issued"]) == (
        409,
        "coupon_stock_below_issued",
        2,
    )
    assert put(2).status_code == 200
    decided(actors, put(None).json["approval_id"])
    assert rows(engine, "SELECT * FROM coupon_stock") == []
    give(template.id, actors.b.member_id, clock.now())
    refused = put(3)
    assert (refused.status_code, refused.json["code"]) == (409, "coupon_template_state")
    version = office.get(path).json["version"]
    assert office.post(f"{path}/stop", {"version": version}).status_code == 200
    refused = put(2)
    assert (refused.status_code, refused.json["issued"]) == (409, 3)
    assert put(3).status_code == 200
    assert rows(engine, "SELECT stock, issued FROM coupon_stock") == [(3, 3)]


def test_a_link_that_was_taken_back_stays_dead(actors: Actors) -> None:
    office = Rules(actors, "manager")
    made = office.post(PATH, body(terms={"by_link": True})).json
    path = f"{PATH}/{made['id']}"
    kept = office.put(path, body(terms={"by_link": True}, name_zh="新名", version=1)).json
    assert kept["claim_key"] == made["claim_key"]
    gone = office.put(path, body(version=2)).json
    assert (gone["claim_key"], gone["terms"]["by_link"]) == (None, False)
    assert office.put(path, body(terms={"by_link": True}, version=3)).json["claim_key"] != made["claim_key"]


def test_the_operator_needs_nobody(actors: Actors) -> None:
    made = Rules(actors, "manager").post(PATH, body()).json
    published = change_template.submit(template_id=made["id"], version=1, actor=OPERATOR, now=clock.now())
    assert isinstance(published, Template)
    assert (published.state, published.version) == ("live", 2)
