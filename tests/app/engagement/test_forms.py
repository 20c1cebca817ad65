"""From a template's form to the draft of all it needs; and what a promotion puts on and takes off again."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, pictures
from app.approvals.explain import why_text
from app.approvals.second_person import Waiting
from app.audit import OPERATOR, Actor
from app.checkout.decide import decide
from app.engagement import change, fill_form
from app.engagement.activity import Activity
from app.engagement.definitions import ActivityMalformed
from app.engagement.earned_by import stop_used_up_promotions
from app.engagement.fill_form import Form, Made
from app.engagement.forms import TEMPLATES
from app.engagement.rewards.reward import Place
from app.staff.roles import Grant
from tests.actors import staff_token
from tests.app.engagement.offering import MINUTE, live
from tests.conftest import rows
from tests.coupons import live_template
from tests.pictures import hung
from tests.quoting import CUP, quoted, taken
from tests.rewards import asked, item, mugs
from tests.shop import Phone, Shop

WEEK = timedelta(days=7)
_RULES = "SELECT rule_no, version, effective_until <= effective_from FROM earn_rules WHERE kind <> 'base' ORDER BY id"


def made(code: str, *, values: dict[str, Any] | None = None, **form: Any) -> Made:
    now = clock.now()
    filled = Form(values=values or {}, **({"ends_at": now + WEEK} | form))
    return fill_form.make(code=code, form=filled, actor=OPERATOR, now=now)


def balance(engine: Engine) -> int:
    [(points,)] = rows(engine, "SELECT balance FROM ledger_accounts WHERE unit = 'points'")
    return int(points)


def publish(activity: Activity, actor: Actor = OPERATOR) -> Activity | Waiting:
    return change.publish(activity_id=activity.id, version=1, actor=actor, now=clock.now())


def test_each_template_needs_little_more_than_its_end(shop: Shop, engine: Engine) -> None:
    mug = mugs(shop)
    for code in TEMPLATES:
        values = {"items": [mug.item_id]} if code == "exchange_festival" else {}
        draft = made(code, values=values)
        assert (draft.activity.state, draft.activity.version) == ("draft", 1)
        published = publish(draft.activity)
        assert isinstance(published, Activity)
        assert published.state == "live"


@pytest.mark.parametrize(
    ("code", "form", "reason"),
    [
        ("member_day", {"ends_at": None}, "needs an end"),
        ("member_day", {"values": {"day": 32}}, "values.day"),
        ("member_day", {"values": {"day": True}}, "values.day"),
        ("member_day", {"values": {"more": 1}}, "values.more"),
        ("member_day", {"points_at_least": 5}, "points_at_least"),
        ("member_day", {"values": {"percent_off": 100}}, "values.percent_off"),
        ("shopping_festival", {"values": {"at_least_fen": -1}}, "values.at_least_fen"),
        ("welcome_gift", {"values": {"points": 0}}, "gives nothing"),
        ("lottery", {"points_most": 9}, "points_most"),
        ("exchange_festival", {}, "values.items"),
        ("exchange_festival", {"values": {"items": ["0" * 26]}}, "no such reward item"),
        ("check_in_streak", {"values": {"points": "1"}}, "values.points"),
        ("check_in_streak", {"values": {"make_ups_a_month": 11}}, "values.make_ups_a_month"),
        ("check_in_streak", {"values": {"make_up_points": 5}}, "no day can be made up"),
    ],
)
def test_what_a_form_does_not_take(
    shop: Shop, engine: Engine, code: str, form: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ActivityMalformed) as refused:
        made(code, **form)
    assert reason in str(refused.value.data["reason"])
    assert rows(engine, "SELECT count(*) FROM activities") == [(0,)]


def test_points_are_doubled_while_it_is_on(shop: Shop, engine: Engine) -> None:
    """The day of the month is today by the store's calendar."""
    today = clock.business_date(clock.now(), "Asia/Shanghai").day
    draft = made("member_day", values={"day": today, "per_day": 15}).activity
    assert rows(engine, _RULES) == []
    published = publish(draft)
    assert isinstance(published, Activity)
    phone = shop.member()
    shop.earn(phone, 10)
    shop.earn(phone, 10)
    assert balance(engine) == 35
    change.stop(activity_id=draft.id, version=2, actor=OPERATOR, now=clock.now())
    assert rows(engine, _RULES) == [(2, 1, False), (2, 2, True)]
    shop.earn(phone, 10)
    assert balance(engine) == 45


@pytest.mark.parametrize(
    ("code", "values", "amounts"),
    [
        ("member_day", {"percent_off": 15}, [3_400, 850]),
        ("shopping_festival", {"at_least_fen": 1_000}, [3_600, 999]),
    ],
)
def test_a_form_takes_off_bills_what_it_says_and_doubles_their_points(
    shop: Shop, engine: Engine, code: str, values: dict[str, Any], amounts: list[int]
) -> None:
    """The usual bill is 39.99; the other 9.99."""
    if code == "member_day":
        values = values | {"day": clock.business_date(clock.now(), "Asia/Shanghai").day}
    assert isinstance(publish(made(code, values=values).activity), Activity)
    large = quoted(shop, shop.member())
    small = quoted(shop, shop.member(), CUP)
    assert [large["amount_fen"], small["amount_fen"]] == amounts
    assert taken(shop, large)["points_earned"] == 2 * (amounts[0] // 100)


def test_above_a_rules_limit_a_second_person_agrees_to_all_of_it(shop: Shop, engine: Engine) -> None:
    person, other = (shop.person(name, Grant("manager", None)) for name in ("one", "two"))
    draft = made("double_points_weekend", values={"times": 4})
    assert [one.field for one in draft.why] == ["alone_factor_bp"]
    assert draft.second_person
    waiting = publish(draft.activity, Actor(type="staff", id=person.id))
    assert isinstance(waiting, Waiting)
    assert rows(engine, _RULES) == []
    decide(approval_id=waiting.approval_id, agree=True, stores=None, staff_id=other.id, now=clock.now())
    [(approval,)] = rows(engine, "SELECT approval_id FROM earn_rules WHERE kind = 'multiplier'")
    assert approval == waiting.approval_id
    assert rows(engine, "SELECT state FROM activities") == [("live",)]


def test_each_limit_that_a_gift_goes_beyond_is_told(shop: Shop, engine: Engine) -> None:
    """As one sees it in the form, and again when it is published."""
    person, template = shop.person("one", Grant("manager", None)), live_template(clock.now())
    draft = made("welcome_gift", values={"points": 500, "coupon_template": template})
    fields = [(one.policy, one.field, one.limit) for one in draft.why]
    assert draft.second_person
    assert fields == [
        ("activities", "alone_points_at_once", 200),
        ("activities", "alone_points", 100_000),
        ("activities", "alone_coupons", 1_000),
    ]
    waiting = publish(draft.activity, Actor(type="staff", id=person.id))
    assert isinstance(waiting, Waiting)
    assert waiting.why == draft.why
    assert why_text(waiting.why[0], "en") == "Needs a second person: gives more than 200 points at a time"


def test_a_promotion_and_a_rule_made_alone_add_up(shop: Shop, engine: Engine) -> None:
    """Two persons' doublings, or one person's twice, are more than one person may give."""
    person = Actor(type="staff", id=shop.person("one", Grant("manager", None)).id)
    first, second = made("member_day", values={"times": 3}), made("double_points_weekend")
    assert isinstance(publish(first.activity, person), Activity)
    waiting = publish(second.activity, person)
    assert isinstance(waiting, Waiting)
    assert [one.field for one in waiting.why] == ["alone_factor_bp"]


def test_items_are_in_the_mall_while_the_festival_is_on(shop: Shop, engine: Engine) -> None:
    mug, phone = mugs(shop), shop.member()
    shop.earn(phone, 200)
    draft = made("exchange_festival", values={"items": [mug.item_id], "percent": 55, "stock": 1})
    [festive] = draft.items
    assert (festive.state, festive.reward.price.points, festive.places[0].stock) == ("stopped", 55, 1)
    assert asked(phone, festive).json["code"] == "reward_not_available"
    assert isinstance(publish(draft.activity), Activity)
    shown = phone.get(f"/rewards/{festive.item_id}").json
    assert (shown["points"], shown["full_points"], shown["full_cash_fen"]) == (55, 100, 0)
    assert asked(phone, festive).status_code == 201
    assert asked(phone, festive).json["code"] == "reward_used_up"
    change.stop(activity_id=draft.activity.id, version=2, actor=OPERATOR, now=clock.now())
    assert asked(phone, festive).json["code"] == "reward_not_available"
    assert asked(phone, mug).status_code == 201


def test_an_item_of_a_festival_has_the_picture_of_the_usual_one_or_of_one_that_was_taken_away(
    shop: Shop, engine: Engine
) -> None:
    picture_id = hung()
    mug = mugs(shop, picture_id=picture_id)

    def festive() -> str | None:
        [one] = made("exchange_festival", values={"items": [mug.item_id]}).items
        return one.reward.picture_id

    assert festive() == picture_id
    pictures.remove(picture_id=picture_id, actor=OPERATOR, now=clock.now())
    assert festive() == picture_id


def test_who_has_too_few_points_is_not_asked(shop: Shop, engine: Engine) -> None:
    draft = made("check_in_streak", points_at_least=5, values={"points": 7}).activity
    assert isinstance(publish(draft), Activity)
    phone = shop.member()
    assert phone.get("/check-ins").status_code == 404
    refused = phone.post("/check-ins", json={"activity_id": draft.id}, headers={"Idempotency-Key": "a"})
    assert refused.json["code"] == "activity_not_open"
    shop.earn(phone, 5)
    checked = phone.post("/check-ins", json={"activity_id": draft.id}, headers={"Idempotency-Key": "b"})
    assert checked.json["points"] == 7


def test_a_form_of_check_in_says_how_many_missed_days_can_be_made_up(shop: Shop, engine: Engine) -> None:
    """None unless it is filled in."""
    phone = shop.member()
    for values, left in (({}, (0, 0)), ({"make_ups_a_month": 3, "make_up_points": 5}, (3, 5))):
        draft = made("check_in_streak", values=values).activity
        assert isinstance(publish(draft), Activity)
        calendar = phone.get("/check-ins").json
        assert (calendar["make_ups_left"], calendar["make_up_points"]) == left
        change.stop(activity_id=draft.id, version=2, actor=OPERATOR, now=clock.now())


def test_a_promotion_stops_when_its_budget_is_given(shop: Shop, engine: Engine) -> None:
    activity = live("promotion", factor_bp=20_000, points_most=30)
    phone = shop.member()
    shop.earn(phone, 29)
    assert stop_used_up_promotions(now=clock.now() + MINUTE) == 0
    shop.earn(phone, 5)
    assert stop_used_up_promotions(now=clock.now() + MINUTE) == 1
    assert rows(engine, "SELECT id, state FROM activities") == [(activity.id, "stopped")]
    assert stop_used_up_promotions(now=clock.now() + MINUTE) == 0


def test_through_the_back_office(shop: Shop, engine: Engine) -> None:
    person = shop.person("boss", Grant("manager", None))
    client, headers = shop.app.test_client(), {"Authorization": f"Bearer {staff_token(person.id)}"}
    where, template = "/office/v1/activity-templates", live_template(clock.now())
    listed = client.get(where, headers=headers).json["items"]
    assert [one["code"] for one in listed] == list(TEMPLATES)
    [weekend] = [one for one in listed if one["code"] == "double_points_weekend"]
    assert [one["name"] for one in weekend["fields"] if one["required"]] == ["ends_at"]
    assert [(one["name"], one["default"]) for one in weekend["values"]] == [("times", 2), ("per_day", None)]
    assert weekend["values"][0]["label"] == {"zh": "积分倍数", "en": "Times the points"}
    form = {"points_most": 5_000, "coupons_most": 50, "values": {"coupon_template": template, "points": 20}}
    answer = client.post(f"{where}/welcome_gift", json=form, headers=headers)
    assert answer.status_code == 201, answer.json
    assert (answer.json["second_person"], answer.json["to_do"]) == (False, ["publish"])
    activity = answer.json["activity"]
    gift = activity["gift"]["reward"]
    assert (gift["points"], gift["coupon_template"], gift["coupons"]) == (20, template, 1)
    assert (activity["state"], activity["name_zh"], activity["coupons_most"]) == ("draft", "入会礼", 50)
    soon = {"ends_at": (clock.now() + WEEK).isoformat(), "stores": ["S001"], "tiers": ["normal"]}
    drawn = client.post(f"{where}/lottery", json=soon | {"values": {"top_points": 900}}, headers=headers)
    assert (drawn.json["second_person"], drawn.json["to_do"]) == (True, ["publish", "announce_round"])
    assert drawn.json["activity"]["conditions"] == {"stores": ["S001"], "tiers": ["normal"]}
    tripled = client.post(f"{where}/member_day", json=soon | {"values": {"times": 5}}, headers=headers)
    assert tripled.json["why"][0]["limit"] == 30_000
    changed = tripled.json["activity"]
    told = {"discount": None, "factor_bp": 50_000, "points": None, "per_day": None, "items": None}
    assert (changed["promotion"], changed["points_given"]) == (told, None)
    body = {name: value for name, value in changed.items() if name not in ("id", "state")}
    body = {name: value for name, value in body.items() if not name.endswith("_given")}
    off = {
        "effect": {"kind": "amount", "off_fen": 500},
        "at_least_fen": 2_000,
        "group": "day",
        "budget_fen": 9,
    }
    body["promotion"] = {"factor_bp": 20_000, "discount": off}
    body["starts_at"] = (clock.now() + MINUTE).isoformat()
    put = client.put(f"/office/v1/activities/{changed['id']}", json=body, headers=headers)
    assert (put.status_code, put.json["promotion"]) == (200, told | body["promotion"])
    assert client.post(f"{where}/nothing", json=soon, headers=headers).status_code == 404


def test_what_is_on_when_and_where(shop: Shop, engine: Engine) -> None:
    """One for all stores until tomorrow, one of S002 in a week."""
    person, now = shop.person("boss", Grant("manager", None)), clock.now()
    client, headers = shop.app.test_client(), {"Authorization": f"Bearer {staff_token(person.id)}"}
    there = shop.open_store("S002")
    soon = made("member_day", name_en="Soon", ends_at=now + timedelta(days=1)).activity
    later = {"starts_at": now + WEEK, "ends_at": now + 2 * WEEK, "stores": frozenset({there.id})}
    made("member_day", name_en="Later", **later)

    def named(**query: str) -> list[str]:
        listed = client.get("/office/v1/activities", query_string=query, headers=headers).json["items"]
        return [one["name_en"] for one in listed]

    at = (now + timedelta(days=3)).isoformat()
    assert named() == ["Later", "Soon"]
    assert (named(store="S001"), named(store="S002")) == (["Soon"], ["Later", "Soon"])
    assert (named(**{"from": at}), named(until=at)) == (["Later"], ["Soon"])
    assert soon.state == "draft"


def test_an_item_of_a_festival_stands_in_the_malls_list_in_the_place_of_the_usual_one(
    shop: Shop, engine: Engine
) -> None:
    """The mug is in S001 and S002, the festival's in S001, two of it: for who is at home there they are one thing."""
    other = shop.open_store("S002")
    mug = item(Place(store_id=shop.store.id, stock=None), Place(store_id=other.id, stock=5))
    ann, bob, eve = (shop.member(name) for name in ("Ann", "Bob", "Eve"))
    for phone, store in ((ann, shop.store.id), (bob, other.id)):
        with engine.begin() as connection:
            connection.execute(
                text(f"UPDATE members SET home_store_id = {store} WHERE id = {phone.member_id}")
            )
    for phone in (ann, bob, eve):
        shop.earn(phone, 500)

    def listed(phone: Phone) -> list[int]:
        bands = phone.get("/rewards/bands").json["bands"]
        found = [one["points"] for one in phone.get("/rewards").json["items"]]
        assert len(bands) == (2 if len(found) == 2 else 0)
        return found

    stores, values = frozenset({shop.store.id}), {"items": [mug.item_id], "percent": 40, "stock": 2}
    draft = made("exchange_festival", values=values, stores=stores)
    [festive] = draft.items
    assert listed(ann) == [100]
    publish(draft.activity)
    assert (listed(ann), listed(bob), listed(eve)) == ([40], [40, 100], [40, 100])
    assert ann.get(f"/rewards/{mug.item_id}").json["points"] == 100
    assert asked(ann, mug).status_code == 201
    for phone in (ann, bob):
        assert asked(phone, festive).status_code == 201
    assert listed(ann) == [40, 100]
    change.stop(activity_id=draft.activity.id, version=2, actor=OPERATOR, now=clock.now())
    assert listed(ann) == [100]


def test_who_may_have_no_more_of_a_festivals_item_sees_the_usual_one_again(
    shop: Shop, engine: Engine
) -> None:
    """Once each. Where it is offered in every store, home or not, there is one thing to see."""
    mug, gold = mugs(shop, per_member=1), mugs(shop, per_member_a_day=1, price={"points": 200})
    shop.tier("gold")
    ann, bob = shop.member("Ann"), shop.member("Bob")
    for phone in (ann, bob):
        shop.earn(phone, 500)
    first = made("exchange_festival", values={"items": [mug.item_id, gold.item_id], "percent": 50})
    second = made("exchange_festival", values={"items": [first.items[0].item_id]}, tiers=frozenset({"gold"}))
    for draft in (first, second):
        publish(draft.activity)
    assert second.items[0].reward.instead_of == mug.item_id
    for festive in first.items:
        assert asked(ann, festive).status_code == 201
    shown = [[one["points"] for one in phone.get("/rewards").json["items"]] for phone in (ann, bob)]
    assert shown == [[50, 100, 100, 200], [50, 100]]
