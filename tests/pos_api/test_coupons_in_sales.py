"""Coupons in the quote, the sale and the refund: told with reasons, used once, back with the whole of the sale."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.checkout.decide import decide
from app.coupons import transfer
from app.staff.roles import Grant
from tests.app.checkout.test_scan import outcome
from tests.conftest import rows
from tests.coupons import give, live_template, pass_on, recall
from tests.phones import bound
from tests.quoting import CUP, TEA, ask, quoted, take, taken
from tests.shop import Phone, Shop

TEN = {"kind": "amount", "off_fen": 1_000}
MUG = {"kind": "gift", "item_zh": "马克杯", "item_en": "Mug", "sku": "MUG"}


@pytest.fixture
def phone(shop: Shop) -> Phone:
    return shop.member("陈一")


def held(phone: Phone, count: int = 1, **face: Any) -> list[str]:
    """Coupons of a template of their own; by key."""
    now = clock.now()
    return [f"coupon:{one}" for one in give(live_template(now, **face), phone.member_id, now, count)]


def told(quote: dict[str, Any], key: str) -> Any:
    [found] = [one for one in quote["benefits"] if one["key"] == key]
    return found


def states(engine: Engine) -> list[tuple[object, ...]]:
    return rows(engine, "SELECT state, used, restored FROM coupons ORDER BY nth, id")


def back(shop: Shop, sale: dict[str, Any], **body: Any) -> Any:
    """A refund, of all that is left unless told otherwise."""
    staff_no = (
        body.pop("staff_no", None) or shop.person(f"r{clock.now():%H%M%S%f}", Grant("admin", None)).staff_no
    )
    return shop.till.post(
        f"/sales/{sale['id']}/refunds",
        {"refund_no": f"{clock.now():%H%M%S%f}", "staff_no": staff_no, "reason": "returned", **body},
    )


def test_a_coupon_lowers_the_bill_and_is_used_with_the_sale(shop: Shop, phone: Phone, engine: Engine) -> None:
    [key] = held(phone, effect=TEN)
    quote = quoted(shop, phone)
    one = told(quote, key)
    assert (quote["payable_fen"], one["applied"], one["discount_fen"]) == (2_999, True, 1_000)
    assert (one["name"], one["coupon"]["uses_left"], one["coupon"]["gift"]) == ("十元券", 1, None)
    assert states(engine) == [("held", 0, 0)]
    sale = taken(shop, quote)
    [used] = sale["coupons"]
    assert (f"coupon:{used['id']}", used["discount_fen"], used["gift"]) == (key, 1_000, None)
    assert states(engine) == [("used", 1, 0)]
    [shown] = shop.till.get(f"/sales/{sale['id']}").json["coupons"]
    assert shown == used | {"undone": False}
    assert rows(engine, "SELECT use_no, sale_id, discount_fen FROM coupon_redemptions") == [
        (1, sale["id"], 1_000)
    ]
    assert rows(engine, "SELECT kind FROM coupon_events ORDER BY id") == [("issued",), ("redeemed",)]


def test_a_repeated_sale_gets_the_same_answer(shop: Shop, phone: Phone, engine: Engine) -> None:
    held(phone, effect=TEN)
    body = {"quote_id": quoted(shop, phone)["id"], "receipt_no": "R-1"}
    first, second = (shop.till.post("/sales", body, "key") for _ in range(2))
    assert (first.status_code, first.data) == (201, second.data)
    assert states(engine) == [("used", 1, 0)]


@pytest.mark.parametrize(
    ("face", "reason"),
    [
        ({"validity": {"kind": "days", "days": 3, "after_days": 2}}, "not_yet"),
        ({"conditions": {"stores": [999]}}, "not_here"),
        ({"conditions": {"tiers": ["gold"]}}, "not_your_tier"),
        ({"conditions": {"birthday": "day"}}, "not_birthday"),
        ({"conditions": {"dates": ["2001-01-01"]}}, "not_now"),
        ({"conditions": {"categories": ["drinks"]}}, "no_matching_goods"),
        ({"at_least_fen": 5_000}, "below_threshold"),
    ],
)
def test_why_a_coupon_does_not_count(shop: Shop, phone: Phone, face: dict[str, Any], reason: str) -> None:
    [key] = held(phone, **face)
    one = told(quoted(shop, phone), key)
    assert (one["applied"], one["reason"], one["missing_fen"]) == (
        False,
        reason,
        1_001 if reason == "below_threshold" else 0,
    )
    assert "十元券" in one["text"]
    refused = ask(shop, shop.member(), benefits=[key])
    assert (outcome(refused), refused.json["reason"]) == ((409, "benefit_not_applicable"), "unknown")


def test_of_coupons_alike_the_first_to_end_counts_unless_another_was_chosen(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    first, second, third = held(phone, 3, effect=TEN)
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE coupons SET valid_until = valid_until - interval '1 hour' WHERE id = :id"),
            {"id": second.removeprefix("coupon:")},
        )
    quote = quoted(shop, phone)
    assert quote["discount_fen"] == 1_000
    assert [told(quote, key)["reason"] for key in (first, second, third)] == [
        "another_alike",
        "applied",
        "another_alike",
    ]
    assert "每单限用一张" in told(quote, first)["text"]
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    again = {"ticket": ticket, "lines": [TEA, CUP]}
    chosen = shop.till.post("/quotes", again | {"benefits": [third]}).json
    assert [told(chosen, key)["applied"] for key in (first, second, third)] == [False, False, True]
    without = shop.till.post("/quotes", again | {"without": [second]}).json
    assert (told(without, second)["reason"], without["discount_fen"]) == ("refused", 0)
    instead = shop.till.post("/quotes", again | {"without": [second], "benefits": [first]}).json
    assert (told(instead, first)["applied"], told(instead, second)["reason"]) == (True, "another_alike")
    none = shop.till.post("/quotes", again | {"best": False}).json
    assert none["discount_fen"] == 0
    both = shop.till.post("/quotes", again | {"benefits": [first, third]})
    assert (outcome(both), both.json["reason"]) == ((409, "benefit_not_applicable"), "another_alike")


def test_a_chosen_coupon_that_is_gone_has_its_reason(shop: Shop, phone: Phone, engine: Engine) -> None:
    keys = [key for _ in range(3) for key in held(phone, effect=TEN)]
    used, void, ended = (key.removeprefix("coupon:") for key in keys)
    taken(shop, quoted(shop, phone, benefits=[keys[0]], best=False))
    assert recall(void) == 1
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE coupons SET valid_until = :now WHERE id = :id"), {"id": ended, "now": clock.now()}
        )
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    for coupon, reason in ((used, "used"), (void, "recalled"), (ended, "ended"), ("0" * 26, "unknown")):
        answer = shop.till.post(
            "/quotes", {"ticket": ticket, "lines": [TEA], "benefits": [f"coupon:{coupon}"]}
        )
        assert (outcome(answer), answer.json["reason"]) == ((409, "benefit_not_applicable"), reason)


def test_a_gift_is_handed_over_when_its_goods_cost_enough(shop: Shop, phone: Phone, engine: Engine) -> None:
    [gift] = held(phone, effect=MUG, at_least_fen=3_500, name_zh="赠品券")
    quote = quoted(shop, phone)
    one = told(quote, gift)
    assert (one["applied"], one["discount_fen"], quote["discount_fen"]) == (True, 0, 0)
    assert one["coupon"]["gift"] == {"item": "马克杯", "sku": "MUG"}
    assert one["text"] == "已用“赠品券”，请交付：马克杯"
    # Ten off leaves too little for it; who chooses it does without the ten.
    [ten] = held(phone, effect=TEN)
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    best = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA, CUP]}).json
    assert (told(best, ten)["applied"], told(best, gift)["reason"]) == (True, "below_threshold")
    assert told(best, gift)["missing_fen"] == 501
    chosen = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA, CUP], "benefits": [gift]}).json
    assert (told(chosen, ten)["applied"], told(chosen, gift)["applied"], chosen["best"]) == (
        False,
        True,
        False,
    )
    both = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA, CUP], "benefits": [gift, ten]})
    assert (outcome(both), both.json["reason"]) == ((409, "benefit_not_applicable"), "below_threshold")
    sale = taken(shop, chosen)
    assert sale["coupons"][0]["gift"] == {"item": "马克杯", "sku": "MUG"}
    assert rows(engine, "SELECT discount_fen FROM coupon_redemptions") == [(0,)]


def test_a_gift_honours_groups_and_what_stands_alone(shop: Shop, phone: Phone) -> None:
    [grouped] = held(phone, effect=MUG, group="g")
    [ten] = held(phone, effect=TEN, group="g")
    [alone] = held(phone, effect=MUG, alone=True)
    quote = quoted(shop, phone)
    assert told(quote, ten)["applied"]
    assert (told(quote, grouped)["reason"], told(quote, grouped)["other"]) == ("not_combinable", ten)
    assert told(quote, alone)["reason"] == "not_combinable"
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    chosen = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA], "benefits": [alone]}).json
    assert [one["key"] for one in chosen["benefits"] if one["applied"]] == [alone]


def test_a_card_of_several_uses_serves_one_for_each_bill(shop: Shop, phone: Phone, engine: Engine) -> None:
    [key] = held(phone, effect={"kind": "free"}, uses=2, conditions={"products": ["T"]})
    for used in (1, 2):
        quote = quoted(shop, phone) if used == 1 else None
        if quote is None:
            ticket = shop.till.ticket(shop.code(phone, steps=1))
            quote = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA]}).json
        assert told(quote, key)["discount_fen"] == 1_000
        assert told(quote, key)["coupon"]["uses_left"] == 3 - used
        taken(shop, quote)
    assert states(engine) == [("used", 2, 0)]
    assert rows(engine, "SELECT use_no FROM coupon_redemptions ORDER BY use_no") == [(1,), (2,)]


def test_a_coupon_used_elsewhere_meanwhile_is_told(shop: Shop, phone: Phone, engine: Engine) -> None:
    [key] = held(phone, effect=TEN)
    first = quoted(shop, phone)
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    other = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA]}).json
    taken(shop, other)
    refused = take(shop.till, first)
    assert (outcome(refused), refused.json["what"]) == ((409, "quote_outdated"), "coupon")
    assert (f"coupon:{refused.json['coupon']}", refused.json["reason"]) == (key, "used")
    assert rows(engine, "SELECT count(*) FROM sales") == [(1,)]


@pytest.mark.parametrize("reason", ["recalled", "ended", "unknown"])
def test_whatever_happens_to_a_coupon_after_the_quote_the_sale_looks(
    shop: Shop, phone: Phone, engine: Engine, reason: str
) -> None:
    [key] = held(phone, effect=TEN, transferable=True)
    coupon, quote = key.removeprefix("coupon:"), quoted(shop, phone)
    if reason == "recalled":
        recall(coupon)
    elif reason == "unknown":
        pass_on(shop, coupon, phone.member_id, shop.member().member_id)
    else:
        with engine.begin() as connection:
            connection.execute(text("UPDATE coupons SET valid_until = :now"), {"now": clock.now()})
    refused = take(shop.till, quote)
    assert (outcome(refused), refused.json["reason"]) == ((409, "quote_outdated"), reason)
    assert rows(engine, "SELECT (SELECT count(*) FROM sales), (SELECT count(*) FROM coupon_redemptions)") == [
        (0, 0)
    ]


def test_who_was_found_by_phone_has_no_coupons(shop: Shop, phone: Phone) -> None:
    bound(shop, phone)
    [key] = held(phone, effect=TEN)
    named = {"staff_no": shop.person("anna", Grant("clerk", shop.store.id)).staff_no}
    found = shop.till.post("/scans/by-phone", {"phone": "13800138000", **named}).json
    bill = {"ticket": found["ticket"], "lines": [TEA], **named}
    assert shop.till.post("/quotes", bill).json["benefits"] == []
    assert outcome(shop.till.post("/quotes", bill | {"benefits": [key]})) == (409, "ticket_earns_only")
    assert outcome(
        shop.till.post("/coupon-redemptions", {"ticket": found["ticket"], "coupon_id": key[7:], **named})
    ) == (409, "ticket_earns_only")


def test_a_face_that_came_in_late_is_found(shop: Shop, phone: Phone, engine: Engine) -> None:
    """Of two made at once the one with the larger id was there, and read, first."""
    keys = [key for _ in range(2) for key in held(phone, effect=TEN)]
    assert {told(quoted(shop, phone), keys[1])["applied"]} == {True}
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(
            text("UPDATE coupons SET face_id = 0 WHERE face_id = (SELECT min(id) FROM coupon_faces)")
        )
        connection.execute(
            text("UPDATE coupon_faces SET id = 0 WHERE id = (SELECT min(id) FROM coupon_faces)")
        )
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    again = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA, CUP]}).json
    assert {told(again, key)["applied"] for key in keys} == {True}


def test_what_was_offered_to_somebody_is_not_on_offer_once_used(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    [key] = held(phone, effect=TEN, transferable=True)
    transfer.offer(
        member_id=phone.member_id, coupon_id=key[7:], throttle=shop.parts.throttle, now=clock.now()
    )
    assert rows(engine, "SELECT count(offer_hash) FROM coupons") == [(1,)]
    taken(shop, quoted(shop, phone))
    assert rows(engine, "SELECT offer_hash, offer_until FROM coupons") == [(None, None)]


def test_the_coupon_comes_back_with_the_last_of_the_sale(shop: Shop, phone: Phone, engine: Engine) -> None:
    [key] = held(phone, effect=TEN)
    sale = taken(shop, quoted(shop, phone))
    part = back(shop, sale, lines=[{"line_no": 1, "quantity": 2}]).json
    assert (part["state"], part["coupons"]) == ("done", [])
    assert states(engine) == [("used", 1, 0)]
    rest = back(shop, sale).json
    assert rest["amount_fen"] + part["amount_fen"] == 2_999
    [coupon] = rest["coupons"]
    assert (f"coupon:{coupon['id']}", coupon["outcome"]) == (key, "restored")
    assert states(engine) == [("held", 1, 1)]
    assert rows(engine, "SELECT refund_id, undone_at IS NULL FROM coupon_redemptions") == [
        (rest["id"], False)
    ]
    assert shop.till.get(f"/sales/{sale['id']}").json["coupons"][0]["undone"]
    assert rows(engine, "SELECT kind FROM coupon_events ORDER BY id")[-1] == ("restored",)
    ticket = shop.till.ticket(shop.code(phone, steps=1))
    again = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA, CUP]}).json
    taken(shop, again)
    assert states(engine) == [("used", 2, 1)]


def test_what_ended_meanwhile_is_good_for_some_days_more_once(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    held(phone, effect=TEN, restore_days=3)
    for extended in (1, 1):
        step = 0 if not rows(engine, "SELECT 1 FROM coupon_events WHERE kind = 'extended'") else 1
        ticket = shop.till.ticket(shop.code(phone, steps=step))
        quote = shop.till.post("/quotes", {"ticket": ticket, "lines": [TEA, CUP]}).json
        sale = taken(shop, quote)
        with engine.begin() as connection:
            connection.execute(text("UPDATE coupons SET valid_until = :now"), {"now": clock.now()})
        [coupon] = back(shop, sale).json["coupons"]
        assert coupon["outcome"] == ("extended" if step == 0 else "restored")
        assert rows(engine, "SELECT count(*) FROM coupon_events WHERE kind = 'extended'") == [(extended,)]
        if step == 0:
            [(until,)] = rows(engine, "SELECT valid_until FROM coupons")
            assert timedelta(days=3) < until - clock.now() <= timedelta(days=4)  # type: ignore[operator]
            assert f"{until.astimezone(clock.zone('Asia/Shanghai')):%H:%M:%S}" == "00:00:00"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("forfeited", "void", "outcome_"), [(True, False, "forfeited"), (False, True, "recalled")]
)
def test_a_forfeited_or_recalled_coupon_stays_gone(
    shop: Shop, phone: Phone, engine: Engine, forfeited: bool, void: bool, outcome_: str
) -> None:
    # One use is left, or there would be nothing to recall.
    [key] = held(phone, effect=TEN, forfeited=forfeited, uses=2)
    sale = taken(shop, quoted(shop, phone))
    if void:
        assert recall(key.removeprefix("coupon:")) == 1
    [coupon] = back(shop, sale, reason="void").json["coupons"]
    assert coupon["outcome"] == outcome_
    assert rows(engine, "SELECT used, restored FROM coupons") == [(1, 0)]


def test_a_refund_that_a_second_person_agrees_to_gives_it_back(
    shop: Shop, phone: Phone, engine: Engine
) -> None:
    held(phone, effect=TEN)
    dear = {"sku": "D", "name": "贵", "quantity": 1, "unit_price_fen": 90_000}
    sale = taken(shop, quoted(shop, phone, dear))
    asked = back(shop, sale, **shop.proof(shop.person("carl", Grant("admin", None)))).json
    assert (asked["state"], asked["coupons"]) == ("pending", [])
    boss = shop.person("boss", Grant("admin", None))
    decide(approval_id=asked["approval_id"], agree=True, stores=None, staff_id=boss.id, now=clock.now())
    assert states(engine) == [("held", 1, 1)]
