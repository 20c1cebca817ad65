"""Referrals in the back office: made like any activity, looked at one by one and by who brought the most."""

from typing import Any

from sqlalchemy import Engine

from app.staff.roles import Grant
from tests.actors import staff_token
from tests.adjusting import member_no
from tests.app.engagement.inviting import brought, referral
from tests.app.engagement.offering import work
from tests.app.engagement.test_gifts import refund, sell
from tests.conftest import rows
from tests.shop import Shop

DRAFT = {
    "kind": "referral",
    "name_zh": "老带新",
    "name_en": "Bring a friend",
    "points_most": 1_000,
    "referral": {"inviter": {"points": 30}, "newcomer": {"points": 20}, "at_least_fen": 1_000, "most": 5},
}


class Office:
    def __init__(self, shop: Shop, *grants: Grant) -> None:
        person = shop.person(f"boss-{len(grants)}", *(grants or (Grant("admin", None),)))
        self._client, self._token = shop.app.test_client(), staff_token(person.id)

    def ask(self, method: str, path: str, **given: Any) -> Any:
        headers = {"Authorization": f"Bearer {self._token}"}
        return self._client.open(f"/office/v1{path}", method=method, headers=headers, **given)


def test_a_referral_is_made_changed_with_its_version_and_put_on(shop: Shop, engine: Engine) -> None:
    office = Office(shop)
    made = office.ask("POST", "/activities", json=DRAFT)
    assert (made.status_code, made.json["referral"]["inviter"]["points"]) == (201, 30)
    path, terms = (
        f"/activities/{made.json['id']}",
        DRAFT["referral"] | {"window_days": 7, "phone_needed": True},
    )
    changed = office.ask("PUT", path, json={**DRAFT, "referral": terms, "version": 1})
    assert (changed.json["referral"]["window_days"], changed.json["version"]) == (7, 2)
    assert office.ask("PUT", path, json={**DRAFT, "version": 1}).json["code"] == "version_conflict"
    assert office.ask("POST", f"{path}/publish", json={"version": 2}).json["state"] == "live"
    assert rows(engine, "SELECT action FROM audit_log WHERE object_type = 'activity' ORDER BY id") == [
        ("activity.create",),
        ("activity.change",),
        ("activity.publish",),
    ]


def test_a_generous_one_waits_for_a_second_person(shop: Shop) -> None:
    office = Office(shop)
    draft = {**DRAFT, "referral": DRAFT["referral"] | {"newcomer": {"points": 500}}}
    made = office.ask("POST", "/activities", json=draft).json
    assert office.ask("POST", f"/activities/{made['id']}/publish", json={"version": 1}).status_code == 202


def test_referrals_are_listed_with_why_they_bring_nothing(shop: Shop) -> None:
    activity, office = referral(most=1), Office(shop)
    inviter = shop.member("李雷")
    friends = [brought(shop, inviter) for _ in range(3)]
    for friend in friends[:2]:
        sell(shop, friend, 1_500)
    work(shop.app)
    path = f"/activities/{activity.id}/referrals"
    [blocked] = office.ask("GET", f"{path}?state=blocked").json["items"]
    assert (blocked["reason"], blocked["reason_text"]) == ("cap", "邀请人已达奖励总上限")
    assert blocked["inviter"] == {"member_no": f"******{member_no(inviter)[-4:]}", "name": "李*"}
    first = office.ask("GET", f"{path}?limit=2").json
    assert [one["state"] for one in first["items"]] == ["pending", "blocked"]
    rest = office.ask("GET", f"{path}?limit=2&cursor={first['next_cursor']}").json["items"]
    assert [one["state"] for one in rest] == ["rewarded"]
    told = office.ask("GET", f"{path}/figures").json
    assert told == {
        "inviters": 1, "invited": 3, "pending": 1, "lapsed": 0, "rewarded": 1, "taken_back": 0, "blocked": 1,
        "reasons": [{"reason": "cap", "reason_text": "邀请人已达奖励总上限", "count": 1}], "sales_fen": 1_500,
    }  # fmt: skip
    assert office.ask("GET", f"/activities/{activity.id}/report").json["points"] == 50


def test_leaders_are_those_whose_friends_stand_in_the_period(shop: Shop) -> None:
    activity, office = referral(), Office(shop)
    one, two, none = shop.member("赵一"), shop.member("钱二"), shop.member("孙三")
    sales = [sell(shop, brought(shop, who), 1_000) for who in (two, one, two, none)]
    work(shop.app)
    refund(shop, sales[-1])
    work(shop.app)
    path = f"/activities/{activity.id}/referrals/leaders"
    first = office.ask("GET", f"{path}?limit=1").json
    assert [(leader["name"], leader["rewarded"], leader["points"]) for leader in first["items"]] == [
        ("钱*", 2, 60)
    ]
    rest = office.ask("GET", f"{path}?limit=1&cursor={first['next_cursor']}").json
    assert ([leader["name"] for leader in rest["items"]], rest["next_cursor"]) == (["赵*"], None)
    assert office.ask("GET", f"{path}?until=2020-01-01T00:00:00Z").json["items"] == []
    assert office.ask("GET", f"{path}?cursor=MQ==").json["code"] == "cursor_malformed"


def test_what_all_stores_brought_is_not_for_the_manager_of_one(shop: Shop) -> None:
    """Of an activity for all stores, or for another one as well."""
    there = shop.open_store("S002").id
    own, both = ({shop.store.id}, {shop.store.id, there})
    chain, mine, two = referral(), *(referral(conditions={"stores": sorted(ids)}) for ids in (own, both))
    office = Office(shop, Grant("manager", shop.store.id))
    for what in ("report", "referrals", "referrals/leaders", "referrals/figures"):
        answers = [
            office.ask("GET", f"/activities/{one.id}/{what}").status_code for one in (chain, mine, two)
        ]
        assert answers == [403, 200, 403]
    assert office.ask("GET", f"/activities/{chain.id}").status_code == 200


def test_who_works_here_is_said_by_whoever_manages_them(shop: Shop, engine: Engine) -> None:
    office, clerk = Office(shop), shop.person("mei", Grant("clerk", shop.store.id))
    path, no = f"/staff/{clerk.id}/memberships", member_no(shop.member())
    assert office.ask("PUT", f"{path}/{no}").status_code == 204
    assert [one["member_no"] for one in office.ask("GET", path).json["items"]] == [no]
    far = Office(shop, Grant("manager", shop.open_store("S002").id))
    assert far.ask("DELETE", f"{path}/{no}").status_code == 404
    assert office.ask("PUT", f"{path}/nobody").status_code == 404
    assert office.ask("DELETE", f"{path}/{no}").status_code == 204
    assert rows(engine, "SELECT action FROM audit_log WHERE action LIKE '%membership' ORDER BY id") == [
        ("staff.add_membership",),
        ("staff.remove_membership",),
    ]
