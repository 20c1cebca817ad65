"""Whoever works in one store learns nowhere which other stores there are: theirs and none look the same."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

from flask import Flask
from marshmallow import Schema

from app import clock
from app.coupons import template_listing
from app.staff.roles import Grant
from tests.actors import STAFF, Actors, staff_token
from tests.rewards import mugs
from tests.shop import Shop
from tests.web.test_authorisation_matrix import (
    activity_of_store_1,
    coupon_of_store_1,
    discount_of_store_1,
    event_of_store_1,
    reward,
    routes,
    rule_of_store_1,
    weekend,
)
from tests.web.test_field_faults import fields_of

#: Of store 2, which is there, and of one that is not.
THERE, NOWHERE = "S002", "S404"
_NAMES = ("store", "stores")


def newcomer(store: str) -> dict[str, Any]:
    grants = [{"role": "clerk", "store": "S001"}, {"role": "clerk", "store": store}]
    return {
        "login": "newcomer",
        "staff_no": "NEW1",
        "name": "新人",
        "password": "a fine new one",
        "grants": grants,
    }


def rule(store: str) -> dict[str, Any]:
    return {**rule_of_store_1(), "conditions": {"stores": ["S001", store]}}


def discount(store: str) -> dict[str, Any]:
    return {**discount_of_store_1(), "conditions": {"stores": ["S001", store]}}


def mall(store: str) -> dict[str, Any]:
    return {**reward(), "stock": [{"store": "S001", "stock": 1}, {"store": store, "stock": 1}]}


def activity(store: str) -> dict[str, Any]:
    return {**activity_of_store_1(), "conditions": {"stores": ["S001", store]}}


def rules_of_1(actors: Actors) -> None:
    """A second rule of earning (the shop has one), a first one of discount, a coupon template."""
    for path, body, number in (
        ("earn-rules", rule_of_store_1(), 2),
        ("discount-rules", discount_of_store_1(), 1),
    ):
        made = actors.shop.app.test_client().post(
            f"/office/v1/{path}", json=body, headers=actors.headers("manager")
        )
        assert made.json["rule_no"] == number
    made = actors.shop.app.test_client().post(
        "/office/v1/coupon-templates", json=coupon_of_store_1(), headers=actors.headers("manager")
    )
    assert made.status_code == 201


def template_of_1() -> str:
    [made] = template_listing.list_templates(
        store_ids=None, state=None, limit=1, before=None, now=clock.now()
    )
    return made.id


def coupon(store: str) -> dict[str, Any]:
    face = coupon_of_store_1()["face"]
    return {"face": {**face, "conditions": {"stores": ["S001", store]}}}


def trial(store: str) -> dict[str, Any]:
    return {"rule": rule(store), "from": "2026-01-01T00:00:00Z", "until": "2026-02-01T00:00:00Z"}


def adjustment(actors: Actors, store: str) -> dict[str, Any]:
    return {
        "member_no": actors.a.get("/me").json["member_no"],
        "points": 5,
        "reason": "goodwill",
        "note": "late delivery",
        "store": store,
    }


def request_about(actors: Actors, route: tuple[str, str], store: str) -> tuple[str, Any]:
    """Address and body of a request that would be carried out if the store were the caller's."""
    person = actors.clerk
    match route:
        case ("POST", "/office/v1/staff"):
            return "/staff", newcomer(store)
        case ("PATCH", "/office/v1/staff/<int:staff_id>"):
            return f"/staff/{person.id}", {"version": person.version, "grants": newcomer(store)["grants"]}
        case ("PATCH", "/office/v1/stores/<string:code>"):
            return f"/stores/{store}", {"version": 1, "name": "新名"}
        case ("POST", "/office/v1/stores/<string:store_code>/terminals"):
            return f"/stores/{store}/terminals", {"code": "T8", "name": "收银"}
        case ("POST", "/office/v1/api-keys"):
            return "/api-keys", {"store": store, "terminal": "T1", "name": "spare"}
        case ("GET", "/office/v1/coupon-costs"):
            return f"/coupon-costs?from=2026-01-01&until=2026-02-01&store={store}", None
        case ("GET", "/office/v1/shifts"):
            return f"/shifts?store={store}", None
        case ("GET", "/office/v1/audit-entries"):
            return f"/audit-entries?store={store}", None
        case ("POST", "/office/v1/points-adjustments"):
            return "/points-adjustments", adjustment(actors, store)
        case ("POST", "/office/v1/coupon-templates"):
            return "/coupon-templates", coupon(store)
        case ("PUT", "/office/v1/coupon-templates/<string:template_id>"):
            return f"/coupon-templates/{template_of_1()}", {**coupon(store), "version": 1}
        case ("POST", "/office/v1/reward-items"):
            return "/reward-items", mall(store)
        case ("PUT", "/office/v1/reward-items/<string:item_id>"):
            return f"/reward-items/{mugs(actors.shop).item_id}", {**mall(store), "version": 1}
        case ("POST", "/office/v1/events"):
            return "/events", {**event_of_store_1(), "store": store}
        case ("PUT", "/office/v1/events/<string:event_id>"):
            made = actors.shop.app.test_client().post(
                "/office/v1/events", json=event_of_store_1(), headers=actors.headers("manager")
            )
            return f"/events/{made.json['id']}", {**event_of_store_1(), "store": store, "version": 1}
        case ("POST", "/office/v1/discount-rules"):
            return "/discount-rules", discount(store)
        case ("PUT", "/office/v1/discount-rules/<int:rule_no>"):
            return "/discount-rules/1", {**discount(store), "version": 1}
        case ("POST", "/office/v1/activity-templates/<string:code>"):
            return "/activity-templates/double_points_weekend", weekend(store)
        case ("GET", "/office/v1/activities"):
            return f"/activities?store={store}", None
        case ("POST", "/office/v1/activities"):
            return "/activities", activity(store)
        case ("PUT", "/office/v1/activities/<string:activity_id>"):
            made = actors.shop.app.test_client().post(
                "/office/v1/activities", json=activity_of_store_1(), headers=actors.headers("manager")
            )
            return f"/activities/{made.json['id']}", {**activity(store), "version": 1}
        case ("POST", "/office/v1/earn-rules"):
            return "/earn-rules", rule(store)
        case ("PUT", "/office/v1/earn-rules/<int:rule_no>"):
            return "/earn-rules/2", {**rule(store), "version": 1}
        case ("POST", "/office/v1/earn-rules/simulate"):
            return "/earn-rules/simulate", trial(store)
        case ("POST", "/office/v1/discount-rules/simulate"):
            return "/discount-rules/simulate", {**trial(store), "rule": discount(store)}
        case _:
            raise AssertionError(f"{route} takes a store and is not tried here")


def routes_that_take_a_store(app: Flask) -> Iterator[tuple[str, str]]:
    """By address, or anywhere in what is sent. Members choose among all stores: theirs are not asked."""
    views = {
        (method, rule.rule): rule.endpoint
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for route in sorted(route for route in routes(app) if not route[1].startswith("/api/")):
        told = getattr(app.view_functions[views[route]], "_apidoc", {}).get("arguments", {})
        schemas = [p["schema"] for p in told.get("parameters", ()) if isinstance(p.get("schema"), Schema)]
        named = any(field.name in _NAMES for schema in schemas for field in fields_of(schema))
        if named or re.search(r"/stores/<", route[1]):
            yield route


def answer_to(actors: Actors, token: str, route: tuple[str, str], store: str) -> tuple[int, dict[str, Any]]:
    path, body = request_about(actors, route, store)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": uuid.uuid4().hex}
    given = actors.shop.app.test_client().open(
        f"/office/v1{path}", method=route[0], json=body, headers=headers
    )
    return given.status_code, {**(given.json or {}), "request_id": ""}


def test_another_store_is_answered_like_one_that_is_not_there(shop: Shop, actors: Actors) -> None:
    rules_of_1(actors)
    tried = list(routes_that_take_a_store(shop.app))
    assert len(tried) >= 9
    people = {who: staff_token(getattr(actors, who).id) for who in STAFF if who != "admin"}
    mixed = shop.person("mixed", Grant("manager", shop.store.id), Grant("clerk", actors.other_store.id))
    people["manager here, clerk there"] = staff_token(mixed.id)
    wrong = []
    for route in tried:
        for who, token in people.items():
            there, nowhere = (answer_to(actors, token, route, store) for store in (THERE, NOWHERE))
            if there != nowhere or there[0] not in (403, 404):
                wrong.append(f"{route} as {who}: {there} but {nowhere}")
    assert wrong == []


def test_the_same_requests_are_carried_out_where_one_may(shop: Shop, actors: Actors) -> None:
    """The control: it is the store for which they are refused."""
    rules_of_1(actors)
    token = staff_token(actors.admin.id)
    for route in routes_that_take_a_store(shop.app):
        assert answer_to(actors, token, route, THERE)[0] in (200, 201), route
        assert answer_to(actors, token, route, NOWHERE)[0] == 404, route


def test_one_sees_the_stores_in_which_one_has_a_role(shop: Shop, actors: Actors) -> None:
    client = shop.app.test_client()

    def seen(who: str) -> list[str]:
        listed = client.get("/office/v1/stores", headers=actors.headers(who)).json
        return [store["code"] for store in listed["items"]]

    assert {who: seen(who) for who in STAFF} == {
        "clerk": ["S001"],
        "marketer": ["S001"],
        "manager": ["S001"],
        "admin": ["S001", "S002"],
    }
