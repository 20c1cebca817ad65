"""A promotion's rule and items are there while it is on, and are nobody else's to change."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.approvals.second_person import ApprovalOutdated, Waiting
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.engagement import change, earned_by
from app.engagement.activity import Activity
from app.engagement.definitions import ActivityMalformed
from app.engagement.report import Budget, report
from app.engagement.rewards import change_item
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.app.engagement.offering import draft, live
from tests.conftest import rows
from tests.quoting import quoted, taken
from tests.rewards import CUP, asked, mugs
from tests.shop import Phone, Shop

HOUR = timedelta(hours=1)


CHEAPER = {"sku": "T", "name": "茶", "quantity": 1, "unit_price_fen": 2_999}
TENTH = {"effect": {"kind": "percent", "percent_bp": 1_000}}


def taken_out(wanted: Item, actor: Actor = OPERATOR) -> Item:
    """Not in the mall until a promotion puts it there."""
    stopped = change_item.set_state(
        item_id=wanted.item_id, version=wanted.version, state="stopped", actor=actor, now=clock.now()
    )
    assert isinstance(stopped, Item)
    return stopped


def in_mall(phone: Phone, wanted: Item) -> bool:
    """What the mall shows is what an exchange says."""
    shown = phone.get(f"/rewards/{wanted.item_id}").status_code == 200
    listed = wanted.item_id in [one["id"] for one in phone.get("/rewards").json["items"]]
    exchanged = asked(phone, wanted)
    assert exchanged.status_code == 201 or exchanged.json["code"] == "reward_not_available"
    assert shown == listed == (exchanged.status_code == 201)
    return shown


def move(engine: Engine, activity: Activity, begun: timedelta, ended: timedelta) -> None:
    """As if it had been on then."""
    now = clock.now()
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE activities SET starts_at = :a, ends_at = :b WHERE id = :id"),
            {"a": now + begun, "b": now + ended, "id": activity.id},
        )


def stop(activity: Activity) -> None:
    change.stop(activity_id=activity.id, version=activity.version, actor=OPERATOR, now=clock.now())


@pytest.mark.parametrize("first_out", [True, False])
def test_items_are_in_the_mall_while_their_promotion_is_on(
    shop: Shop, engine: Engine, first_out: bool
) -> None:
    """To the second, whether they were there before or not, and no worker is needed."""
    phone, mug = shop.member(), mugs(shop)
    shop.earn(phone, 500)
    if first_out:
        mug = taken_out(mug)
    now = clock.now()
    activity = live("promotion", items=[mug.item_id], starts_at=now + 24 * HOUR, ends_at=now + 48 * HOUR)
    assert not in_mall(phone, mug)
    move(engine, activity, -HOUR, HOUR)
    assert in_mall(phone, mug)
    move(engine, activity, -HOUR, -HOUR / 3600)
    assert not in_mall(phone, mug)


def test_an_item_that_is_stopped_leaves_whatever_promotion_is_on(shop: Shop, engine: Engine) -> None:
    phone, mug = shop.member(), mugs(shop)
    shop.earn(phone, 200)
    live("promotion", items=[mug.item_id])
    taken_out(mug)
    assert not in_mall(phone, mug)


def test_stopping_one_promotion_leaves_the_items_of_another(shop: Shop, engine: Engine) -> None:
    phone, mug = shop.member(), mugs(shop)
    shop.earn(phone, 200)
    first, second = live("promotion", items=[mug.item_id]), live("promotion", items=[mug.item_id])
    stop(first)
    assert in_mall(phone, mug)
    stop(second)
    assert not in_mall(phone, mug)


def test_a_second_person_agrees_to_the_items_as_they_saw_them(shop: Shop, engine: Engine) -> None:
    """Asked with a fair item; while it waits, the item, which is stopped, is changed by one person alone."""
    one, two = (shop.person(name, Grant("admin", None)) for name in ("one", "two"))
    actor, now = Actor(type="staff", id=one.id), clock.now()
    places = [Place(store_id=shop.store.id, stock=10)]
    fair = reward_of(CUP | {"cost_fen": 200, "price": {"points": 200}})
    mug = change_item.create(reward=fair, places=places, actor=actor, now=now)
    assert isinstance(mug, Item)
    mug = taken_out(mug, actor)
    terms: dict[str, Any] = {"items": [mug.item_id], "factor_bp": 40_000, "ends_at": now + HOUR}
    made = change.create(draft=draft("promotion", **terms), actor=actor, now=now)

    def ask() -> str:
        waiting = change.publish(activity_id=made.id, version=1, actor=actor, now=now)
        assert isinstance(waiting, Waiting)
        return waiting.approval_id

    def agree(approval_id: str) -> None:
        decide(approval_id=approval_id, agree=True, stores=None, staff_id=two.id, now=clock.now())

    asked_for = ask()
    [(seen,)] = rows(engine, "SELECT details -> 'items' -> 0 FROM approval_requests")
    assert (seen["item_id"], seen["reward"]["cost_fen"], seen["stock"][0]["stock"]) == (mug.item_id, 200, 10)
    gold = reward_of(CUP | {"cost_fen": 500_000, "price": {"points": 1}})
    more = [replace(places[0], stock=1_000)]
    changed = change_item.change(
        item_id=mug.item_id, version=mug.version, reward=gold, places=more, actor=actor, now=now
    )
    assert isinstance(changed, Item)
    with pytest.raises(ApprovalOutdated):
        agree(asked_for)
    assert rows(engine, "SELECT state FROM reward_items") == [("stopped",)]
    agree(ask())
    assert rows(engine, "SELECT state FROM reward_items") == [("live",)]


def test_the_rules_of_a_promotion_are_changed_and_ended_with_it_only(shop: Shop, engine: Engine) -> None:
    """Else it would outlive the promotion and its budget."""
    token = staff_token(shop.person("one", Grant("admin", None)).id)

    def office(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        headers = {"Authorization": f"Bearer {token}"}
        return shop.app.test_client().open(f"/office/v1{path}", method=method, headers=headers, json=body)

    terms = {"factor_bp": 20_000, "discount": TENTH, "points_most": 10, "ends_at": clock.now() + HOUR}
    activity = live("promotion", **terms)
    [rule] = [one for one in office("GET", "/earn-rules").json["items"] if one["kind"] == "multiplier"]
    same = {name: rule[name] for name in ("name_zh", "name_en", "kind", "version", "factor_bp")}
    [lower] = office("GET", "/discount-rules").json["items"]
    likewise = {name: lower[name] for name in ("name_zh", "name_en", "effect", "version")}
    for refused in (
        office("PUT", f"/earn-rules/{rule['rule_no']}", same),
        office("POST", f"/earn-rules/{rule['rule_no']}/end", {"version": 1}),
        office("PUT", f"/discount-rules/{lower['rule_no']}", likewise),
        office("POST", f"/discount-rules/{lower['rule_no']}/end", {"version": 1}),
    ):
        assert (refused.status_code, refused.json["code"]) == (409, "rule_of_activity")
        assert refused.json["activity_id"] == activity.id


def test_every_promotions_budget_is_watched(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind the first page of them."""
    monkeypatch.setattr(earned_by, "_PAGE", 2)
    ends = clock.now() + HOUR
    for _ in range(4):
        live("promotion", factor_bp=10_100, points_most=1_000_000, ends_at=ends)
    last = live("promotion", factor_bp=20_000, points_most=5, ends_at=ends)
    shop.earn(shop.member(), 100)
    assert earned_by.stop_used_up_promotions(now=clock.now()) == 1
    assert rows(engine, "SELECT id FROM activities WHERE state = 'stopped'") == [(last.id,)]


def test_a_discount_holds_while_its_promotion_is_on_and_comes_again_with_it(
    shop: Shop, engine: Engine
) -> None:
    """The usual bill is 39.99; it joins what doubles the points, as a shopping festival does."""
    activity = live("promotion", factor_bp=20_000, discount=TENTH | {"at_least_fen": 3_000})
    sale = taken(shop, quoted(shop, shop.member()))
    assert (sale["amount_fen"], sale["points_earned"]) == (3_600, 72)
    assert quoted(shop, shop.member(), CHEAPER)["amount_fen"] == 2_999
    assert quoted(shop, None)["amount_fen"] == 3_999
    stop(activity)
    assert quoted(shop, shop.member())["amount_fen"] == 3_999
    change.publish(activity_id=activity.id, version=activity.version + 1, actor=OPERATOR, now=clock.now())
    assert quoted(shop, shop.member())["amount_fen"] == 3_600
    assert rows(engine, "SELECT book, count(*) FROM activity_rules GROUP BY 1 ORDER BY 1") == [
        ("discount_rule", 2),
        ("earn_rule", 2),
    ]


def test_a_budget_of_what_is_taken_off_stops_the_promotion(shop: Shop, engine: Engine) -> None:
    """A bill of 39.99 is lowered by 3.99 and then by 3.60; each looks at its own."""
    ends = clock.now() + HOUR
    roomy = live("promotion", discount=TENTH | {"budget_fen": 100_000}, ends_at=ends)
    activity = live("promotion", discount=TENTH | {"budget_fen": 700}, ends_at=ends)
    for sales in (1, 2):
        sale = taken(shop, quoted(shop, shop.member()))
        assert earned_by.stop_used_up_promotions(now=clock.now()) == sales - 1
    assert sale["amount_fen"] == 3_240
    assert rows(engine, "SELECT id FROM activities WHERE state = 'stopped'") == [(activity.id,)]
    found = report(activity_id=activity.id, now=clock.now()).discounts_budget
    assert (found, found.left) == (Budget(most=700, given=found.given), 0)
    assert report(activity_id=roomy.id, now=clock.now()).discounts_budget.left == 100_000 - 2 * 399
    assert quoted(shop, shop.member())["amount_fen"] == 3_600


def test_of_one_group_only_the_larger_discount_is_taken_off(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    for percent_bp in (1_000, 2_000):
        effect = {"kind": "percent", "percent_bp": percent_bp}
        live("promotion", discount={"effect": effect, "group": "festival"})
    assert quoted(shop, phone)["amount_fen"] == 3_200


def test_more_than_one_person_may_take_off_waits_for_a_second_one(shop: Shop, engine: Engine) -> None:
    one, two = (shop.person(name, Grant("admin", None)) for name in ("one", "two"))
    actor, now = Actor(type="staff", id=one.id), clock.now()
    half = {"effect": {"kind": "percent", "percent_bp": 5_000}}
    made = change.create(draft=draft("promotion", discount=half), actor=actor, now=now)
    waiting = change.publish(activity_id=made.id, version=1, actor=actor, now=now)
    assert isinstance(waiting, Waiting)
    assert "alone_percent_bp" in [beyond.field for beyond in waiting.why]
    assert rows(engine, "SELECT count(*) FROM discount_rules") == [(0,)]
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=two.id, now=clock.now())
    assert rows(engine, "SELECT approval_id FROM discount_rules") == [(waiting.approval_id,)]


@pytest.mark.parametrize(
    ("discount", "reason"),
    [
        ({"effect": {"kind": "price", "price_fen": 1}}, "price"),
        ({"effect": {"kind": "per_full", "every_fen": 100, "off_fen": 101}}, "every_fen"),
        ({"effect": {"kind": "percent", "percent_bp": 10_001}}, "percent_bp"),
        (TENTH | {"group": "Festival"}, "group"),
        (TENTH | {"at_least_fen": -1}, "at_least_fen"),
    ],
)
def test_a_discount_that_makes_no_sense_is_refused(discount: dict[str, Any], reason: str) -> None:
    with pytest.raises(ActivityMalformed) as refused:
        draft("promotion", discount=discount)
    assert reason in str(refused.value.data["reason"])


def test_a_budget_counts_what_was_given_before_the_promotion_was_put_off(shop: Shop, engine: Engine) -> None:
    """Else whoever moves its start could have it given again and again."""
    person = Actor(type="staff", id=shop.person("one", Grant("admin", None)).id)
    terms: dict[str, Any] = {"factor_bp": 20_000, "points_most": 30, "ends_at": clock.now() + HOUR}
    activity = live("promotion", **terms)
    shop.earn(shop.member(), 40)
    assert earned_by.stop_used_up_promotions(now=clock.now()) == 1
    again = draft("promotion", **terms | {"starts_at": clock.now()})
    changed = change.change(
        activity_id=activity.id, version=activity.version + 1, draft=again, actor=person, now=clock.now()
    )
    change.publish(activity_id=activity.id, version=changed.version, actor=person, now=clock.now())
    assert report(activity_id=activity.id, now=clock.now()).points_budget.given == 40
    assert earned_by.stop_used_up_promotions(now=clock.now()) == 1


def test_without_a_rule_of_earning_there_is_no_budget_of_points(shop: Shop, engine: Engine) -> None:
    with pytest.raises(ActivityMalformed) as refused:
        live("promotion", discount=TENTH, points_most=10)
    assert "points_most" in str(refused.value.data["reason"])
