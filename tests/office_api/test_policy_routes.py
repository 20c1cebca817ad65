"""Policies over HTTP: read by those whom they bind, set by those who manage all stores."""

from typing import Any

import pytest

from app.points.adjust import AdjustmentPolicy
from app.staff.roles import RIGHTS, Grant
from office_api.policies import BINDS, KINDS
from tests.actors import Actors, staff_token
from tests.shop import Shop


def asked(shop: Shop, token: str, method: str = "get", path: str = "", **options: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}"}
    return shop.app.test_client().open(
        f"/office/v1/policies{path}", method=method, headers=headers, **options
    )


def test_a_store_manager_reads_the_limits_that_bind_and_cannot_move_them(shop: Shop, actors: Actors) -> None:
    manager, admin = (staff_token(person.id) for person in (actors.manager, actors.admin))
    [seen] = [
        policy for policy in asked(shop, manager).json["items"] if policy["name"] == AdjustmentPolicy.NAME
    ]
    assert (seen["name"], seen["version"], seen["value"]["alone_points"]) == ("points_adjustment", 0, 500)

    change = {"version": 0, "value": {"alone_points": 5}}
    refused = asked(shop, manager, "put", "/points_adjustment", json=change)
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    assert asked(shop, admin, "put", "/points_adjustment", json=change).status_code == 200
    [seen] = [
        policy for policy in asked(shop, manager).json["items"] if policy["name"] == AdjustmentPolicy.NAME
    ]
    assert (seen["version"], seen["value"]["alone_points"]) == (1, 5)


@pytest.mark.parametrize("role", sorted(RIGHTS))
def test_only_those_whom_it_concerns_read_a_policy(shop: Shop, role: str) -> None:
    token = staff_token(shop.person("somebody", Grant(role, shop.store.id)).id)
    bound = {name for name in KINDS if RIGHTS[role] & set(BINDS[name])}
    answer = asked(shop, token)
    if bound:
        assert {policy["name"] for policy in answer.json["items"]} == bound
    else:
        assert (answer.status_code, answer.json["code"]) == (403, "forbidden")


def test_every_policy_binds_somebody() -> None:
    assert set(BINDS) == set(KINDS)
    assert all(BINDS.values())


def test_what_loosens_a_policy_says_which_fields_do(shop: Shop) -> None:
    admin = staff_token(Actors(shop).admin.id)
    value = {"alone_points": 501, "alone_points_a_day": 1_000}
    waiting = asked(shop, admin, "put", "/points_adjustment", json={"version": 0, "value": value})
    assert waiting.status_code == 202
    [why] = waiting.json["why"]
    assert (why["policy"], why["field"], why["limit"]) == ("points_adjustment", "alone_points", 500)
    assert "alone_points" in why["text"]
    value = {"points_per_yuan": 100}
    waiting = asked(shop, admin, "put", "/paying_with_points", json={"version": 0, "value": value})
    assert [(one["field"], one["limit"]) for one in waiting.json["why"]] == [("points_per_yuan", None)]
