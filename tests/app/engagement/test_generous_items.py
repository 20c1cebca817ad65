"""Items that give more than one person may alone wait for a second one; and what clerks may give away."""

from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock
from app.approvals.second_person import ApprovalOutdated, Waiting
from app.audit import Actor
from app.checkout.decide import decide
from app.engagement.rewards import change_item
from app.engagement.rewards.items import Item
from app.engagement.rewards.reward import Place, reward_of
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.conftest import rows
from tests.coupons import live_template
from tests.rewards import CUP
from tests.shop import Shop


@pytest.fixture
def one(shop: Shop) -> Actor:
    return Actor(type="staff", id=shop.person("one", Grant("admin", None)).id)


def put_in(shop: Shop, actor: Actor, *, stock: int | None = 100, **changes: Any) -> Item | Waiting:
    reward = reward_of(CUP | changes)
    store = None if reward.kind == "coupon" else shop.store.id
    places = [Place(store_id=store, stock=stock)]
    return change_item.create(reward=reward, places=places, actor=actor, now=clock.now())


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"cost_fen": 5_100}, []),
        ({"cost_fen": 5_101}, ["alone_item_fen", "alone_items_fen"]),
        ({"cost_fen": 5_100, "stock": 101}, ["alone_items_fen"]),
        ({"cost_fen": 101, "stock": None}, ["alone_items_fen"]),
        ({"cost_fen": 100, "stock": None}, []),
        ({}, ["alone_item_fen", "alone_items_fen"]),
        ({"cost_fen": 9_000, "price": {"points": 100, "cash_fen": 4_000}, "stock": 10}, []),
        (
            {"cost_fen": 5_100, "tier_prices": {"normal": {"points": 99}}},
            ["alone_item_fen", "alone_items_fen"],
        ),
    ],
)
def test_what_it_gives_beyond_its_price_is_limited(
    shop: Shop, engine: Engine, one: Actor, changes: dict[str, Any], fields: list[str]
) -> None:
    """100 points are worth ¥1 between stores."""
    answer = put_in(shop, one, **changes)
    assert [why.field for why in answer.why] == fields if isinstance(answer, Waiting) else fields == []
    assert rows(engine, "SELECT state FROM reward_items") == [("stopped" if fields else "live",)]


def test_a_coupon_is_worth_what_it_promises(shop: Shop, engine: Engine, one: Actor) -> None:
    template = live_template(clock.now(), effect={"kind": "amount", "off_fen": 6_000})
    answer = put_in(shop, one, kind="coupon", gives_id=template, cost_fen=1)
    assert isinstance(answer, Waiting)


@pytest.mark.parametrize(
    ("face", "fields"),
    [
        ({"effect": {"kind": "percent", "percent_bp": 9_000}}, ["alone_item_fen", "alone_items_fen"]),
        (
            {"effect": {"kind": "percent", "percent_bp": 9_000}, "use_value_fen": 100},
            ["alone_item_fen", "alone_items_fen"],
        ),
        ({"effect": {"kind": "free"}}, ["alone_item_fen", "alone_items_fen"]),
        ({"effect": {"kind": "free"}, "use_value_fen": 100}, []),
        ({"effect": {"kind": "percent", "percent_bp": 9_000, "most_fen": 100}}, []),
    ],
)
def test_a_coupon_of_which_nobody_can_say_what_it_is_worth_needs_a_second_person(
    shop: Shop, engine: Engine, one: Actor, face: dict[str, Any], fields: list[str]
) -> None:
    """Whatever whoever puts it in says that it costs."""
    template = live_template(clock.now(), **face)
    answer = put_in(shop, one, kind="coupon", gives_id=template, cost_fen=1)
    assert [why.field for why in answer.why] == fields if isinstance(answer, Waiting) else fields == []
    assert rows(engine, "SELECT state FROM reward_items") == [("stopped" if fields else "live",)]


def test_what_two_agreed_to_is_in_the_mall_and_more_of_it_waits_again(
    shop: Shop, engine: Engine, one: Actor
) -> None:
    two = shop.person("two", Grant("admin", None))
    waiting = put_in(shop, one, cost_fen=8_000, stock=5)
    assert isinstance(waiting, Waiting)
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=two.id, now=clock.now())
    [(item_id, state)] = rows(engine, "SELECT id, state FROM reward_items")
    assert state == "live"
    less: dict[str, Any] = {"item_id": item_id, "actor": one, "now": clock.now()}
    less |= {
        "reward": reward_of(CUP | {"cost_fen": 8_000}),
        "places": [Place(store_id=shop.store.id, stock=4)],
    }
    assert isinstance(change_item.change(version=2, **less), Item)
    more = less | {"places": [Place(store_id=shop.store.id, stock=5)]}
    again = change_item.change(version=3, **more)
    assert isinstance(again, Waiting)
    off = change_item.set_state(item_id=item_id, version=3, state="stopped", actor=one, now=clock.now())
    assert isinstance(off, Item)
    on = change_item.set_state(item_id=item_id, version=4, state="live", actor=one, now=clock.now())
    assert isinstance(on, Waiting)
    with pytest.raises(ApprovalOutdated):
        decide(approval_id=again.approval_id, agree=True, stores=None, staff_id=two.id, now=clock.now())
    assert rows(engine, "SELECT stock FROM reward_stock") == [(4,)]


def test_the_office_is_told_why_it_waits(shop: Shop, engine: Engine, one: Actor) -> None:
    assert one.id is not None
    client, headers = shop.app.test_client(), {"Authorization": f"Bearer {staff_token(one.id)}"}
    body = CUP | {"cost_fen": 9_900, "stock": [{"store": "S001", "stock": 3}]}
    answer = client.post("/office/v1/reward-items", json=body, headers=headers)
    assert (answer.status_code, answer.json["why"][0]["field"]) == (202, "alone_item_fen")
    assert answer.json["why"][0]["text"].startswith(
        "须由另一人同意：未填写成本或优惠券价值无法确定，或成本高出"
    )
    listed = client.get("/office/v1/reward-items", headers=headers).json["items"]
    assert [(item["state"], item["cost_fen"]) for item in listed] == [("stopped", 9_900)]


def test_a_clerk_sees_what_they_may_give_away(shop: Shop, engine: Engine) -> None:
    now, clerk = clock.now(), shop.person("clerk", Grant("clerk", shop.store.id))
    mine = live_template(now, terms={"per_clerk_a_day": 1})
    scarce = live_template(now, stock=1, terms={"per_clerk_a_day": 2}, conditions={"stores": [shop.store.id]})
    live_template(now, terms={"per_clerk_a_day": 2}, conditions={"stores": [shop.store.id + 1]})
    live_template(now, terms={"per_clerk_a_day": 0})
    live_template(now, stock=0, terms={"per_clerk_a_day": 2})
    where = f"/coupon-templates?staff_no={clerk.staff_no}"
    found = shop.till.get(where).json["items"]
    told = {one["template_id"]: (one["left_today"], one["left"]) for one in found}
    assert told == {mine: (1, None), scarce: (2, 1)}
    body = {"ticket": shop.till.ticket(shop.code(shop.member())), "staff_no": clerk.staff_no}
    for template in told:
        assert shop.till.post("/coupon-grants", body | {"template_id": template}).status_code == 201
    assert shop.till.get(where).json["items"] == []
    assert shop.till.get("/coupon-templates?staff_no=nobody").status_code == 403
