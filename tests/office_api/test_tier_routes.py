"""The plan of tiers in the back office: set by the head office, versioned, and what it did to a member."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.staff.roles import Grant
from app.tiers import review
from tests.actors import Actors
from tests.adjusting import member_no
from tests.app.tiers.shopping import Custom
from tests.conftest import rows
from tests.office_api.test_earn_rule_routes import Rules
from tests.racing import race


def level(code: str, at_least: int, **more: Any) -> dict[str, Any]:
    return {"code": code, "name_zh": f"{code}会员", "name_en": code.title(), "at_least": at_least, **more}


def body(version: int = 0, **more: Any) -> dict[str, Any]:
    tiers = [
        level("normal", 0),
        level("silver", 10_000),
        level("gold", 30_000, gift_points=200, birthday_points=80),
    ]
    plan = {"basis": "spend", "window": {"kind": "months", "n": 12}, "grace_days": 14, "tiers": tiers}
    return {**plan, "version": version, **more}


def test_unset_the_plan_is_version_zero_with_the_lowest_tier_alone(actors: Actors) -> None:
    plan = Rules(actors, "manager").get("/tiers").json
    assert (plan["version"], plan["state"], plan["effective_from"]) == (0, "default", None)
    assert [tier["code"] for tier in plan["tiers"]] == ["normal"]
    assert Rules(actors, "manager").get("/tiers/versions").json["items"] == []


def test_a_plan_is_set_and_set_again_and_nothing_is_overwritten(actors: Actors) -> None:
    office = Rules(actors, "admin")
    first = office.put("/tiers", body()).json
    assert (first["version"], first["state"], first["window"]) == (1, "in_force", {"kind": "months", "n": 12})
    coupons = {"gift_coupon": None, "birthday_coupon": None}
    assert first["tiers"][2] == level("gold", 30_000, gift_points=200, birthday_points=80, **coupons)
    begins = (clock.now() + timedelta(days=3)).isoformat()
    second = office.put("/tiers", body(1, effective_from=begins, grace_days=0)).json
    assert (second["version"], second["state"]) == (2, "planned")
    assert office.get("/tiers").json == second
    page = office.get("/tiers/versions?limit=1").json
    assert [one["version"] for one in page["items"]] == [2]
    rest = office.get(f"/tiers/versions?cursor={page['next_cursor']}").json["items"]
    assert [(one["version"], one["state"], one["grace_days"]) for one in rest] == [(1, "in_force", 14)]


def test_a_birthdays_gift_needs_a_phone_unless_the_plan_says_otherwise(
    actors: Actors, engine: Engine
) -> None:
    office = Rules(actors, "admin")
    assert office.get("/tiers").json["birthday_needs_phone"] is True
    assert office.put("/tiers", body()).json["birthday_needs_phone"] is True
    assert office.put("/tiers", body(1, birthday_needs_phone=False)).json["birthday_needs_phone"] is False
    with engine.begin() as connection:  # as it was stored before there was the option
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text("UPDATE tier_plans SET definition = definition - 'birthday_needs_phone'"))
    assert office.get("/tiers").json["birthday_needs_phone"] is False


def test_a_new_name_counts_at_once(actors: Actors) -> None:
    office, phone = Rules(actors, "admin"), actors.a
    assert phone.get("/me").json["tier"]["name"] == "普通会员"
    assert office.put("/tiers", body(tiers=[level("normal", 0, name_zh="小茶友")])).status_code == 200
    assert phone.get("/me").json["tier"]["name"] == "小茶友"


def test_the_change_stands_in_the_audit_log(actors: Actors, engine: Engine) -> None:
    Rules(actors, "admin").put("/tiers", body())
    [(staff, data)] = rows(engine, "SELECT actor_id, data FROM audit_log WHERE action = 'tier_plan.change'")
    assert (staff, data["basis"], data["levels"][1]["at_least"]) == (actors.admin.id, "spend", 10_000)  # type: ignore[index]


def test_an_edit_of_something_else_than_was_read_is_refused(actors: Actors) -> None:
    office = Rules(actors, "admin")
    office.put("/tiers", body())
    refused = office.put("/tiers", body())
    assert (refused.status_code, refused.json["code"], refused.json["version"]) == (
        409,
        "version_conflict",
        1,
    )


def test_sixteen_managers_at_once_make_one_version(actors: Actors, engine: Engine) -> None:
    offices = [Rules(actors, "admin") for _ in range(16)]
    assert sorted(race(16, lambda n: offices[n].put("/tiers", body()).status_code)) == [200] + [409] * 15
    assert rows(engine, "SELECT version FROM tier_plans") == [(1,)]


def test_the_plan_is_the_head_offices(actors: Actors) -> None:
    head = actors.shop.person("head", Grant("manager", None))
    actors.head = head  # type: ignore[attr-defined]
    assert Rules(actors, "manager").put("/tiers", body()).status_code == 403
    assert Rules(actors, "head").put("/tiers", body()).status_code == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"tiers": []}, "validation_failed"),
        ({"tiers": [level("silver", 0)]}, "tier_plan_malformed"),
        ({"tiers": [level("normal", 0), level("a", 5), level("b", 5)]}, "tier_plan_malformed"),
        ({"tiers": [level("normal", 0), level("a", 5), level("a", 6)]}, "tier_plan_malformed"),
        ({"tiers": [level("normal", 0), level("A", 5)]}, "validation_failed"),
        ({"tiers": [level("normal", 0), level("a\n", 5)]}, "validation_failed"),
        ({"tiers": [level("normal", 0), level("a", 5, discount_bp=500)]}, "validation_failed"),
        ({"tiers": [level("normal", 0), level("a", 5.0)]}, "validation_failed"),
        ({"tiers": [level("normal", 0)] * 11}, "validation_failed"),
        ({"window": {"kind": "calendar_year", "n": 3}}, "tier_plan_malformed"),
        ({"window": {"kind": "months"}}, "tier_plan_malformed"),
        ({"window": {"kind": "months", "n": 61}}, "tier_plan_malformed"),
        ({"window": {"kind": "days", "n": 5}}, "tier_plan_malformed"),  # shorter than the grace
        ({"grace_days": 93}, "validation_failed"),
        ({"basis": "points"}, "validation_failed"),
        ({"effective_from": "2020-01-01T00:00:00Z"}, "tier_plan_malformed"),
        ({"effective_from": "2999-01-01T00:00:00Z"}, "tier_plan_malformed"),
        ({"version": -1}, "validation_failed"),
        ({"version": True}, "validation_failed"),
        ({"birthday_needs_phone": 1}, "validation_failed"),
    ],
)
def test_what_is_no_plan_is_refused_and_changes_nothing(
    actors: Actors, engine: Engine, change: dict[str, Any], code: str
) -> None:
    refused = Rules(actors, "admin").put("/tiers", body(**change))
    assert (refused.status_code, refused.json["code"]) == (422, code)
    assert rows(engine, "SELECT code FROM tiers UNION ALL SELECT 'a plan' FROM tier_plans") == [("normal",)]


def test_a_members_history_tells_from_to_why_and_until_when(actors: Actors, engine: Engine) -> None:
    office, custom, phone = Rules(actors, "admin"), Custom(actors.shop, engine), actors.a
    office.put("/tiers", body())
    first = custom.buys(phone, 12_000)
    custom.works()
    custom.buys(phone, 18_000, at=clock.now() + timedelta(seconds=61))
    custom.works(at=clock.now() + timedelta(seconds=62))
    path = f"/members/{member_no(phone)}/tier-changes"
    gold, silver = office.get(path).json["items"]
    assert silver == {
        **silver,
        "id": "1",
        "kind": "upgrade",
        "from": {"code": "normal", "name": "normal会员"},
        "to": {"code": "silver", "name": "silver会员"},
        "plan_version": 1,
        "basis": "spend",
        "amount": 12_000,
        "sale_id": first,
        "gift_points": 0,
    }
    assert (gold["from"]["code"], gold["to"]["code"], gold["amount"], gold["gift_points"]) == (
        "silver", "gold", 30_000, 200,
    )  # fmt: skip
    assert gold["counts_from"] < gold["valid_through"]
    page = office.get(f"{path}?limit=1").json
    assert office.get(f"{path}?limit=1&cursor={page['next_cursor']}").json["items"] == [silver]
    assert office.get("/members/M-nobody/tier-changes").status_code == 404
    assert review.review(now=clock.now()) == 0
