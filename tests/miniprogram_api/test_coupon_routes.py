"""Coupons on the phone: what is held and why it cannot be used here, what can be claimed, links for friends."""

import base64
import uuid
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from app import clock, db, work
from app.coupons.issue import Source, issue
from tests.conftest import rows
from tests.coupons import give, live_template, recall, use
from tests.shop import Phone, Shop

EN = {"Accept-Language": "en"}
A_DAY_AGO = clock.now() - timedelta(days=1)


def claim(phone: Phone, key: str | None = None, **body: Any) -> Any:
    return phone.post("/coupons", json=body, headers={"Idempotency-Key": key or uuid.uuid4().hex})


def test_a_coupon_is_claimed_shown_and_told_in_both_languages(shop: Shop) -> None:
    phone = shop.member()
    template = live_template(
        clock.now(),
        stock=10,
        terms={"in_centre": True, "per_member": 1},
        at_least_fen=10_000,
        terms_zh="每单限用一张",
        transferable=True,
    )
    [offer] = phone.get("/coupon-centre").json["items"]
    assert (offer["template_id"], offer["left"], offer["claimable"]) == (template, 10, True)
    assert offer["validity"] == "领取后 30 天内有效"
    made = claim(phone, "k", template_id=template)
    assert made.status_code == 201
    assert claim(phone, "k", template_id=template).data == made.data
    refused = claim(phone, template_id=template)
    assert (refused.status_code, refused.json["code"]) == (409, "coupon_limit_reached")
    [offer] = phone.get("/coupon-centre").json["items"]
    assert (offer["left"], offer["had"], offer["reason"], offer["reason_text"]) == (
        9,
        1,
        "had",
        "已达领取上限",
    )

    [held] = phone.get("/coupons").json["items"]
    assert (held["id"], held["name"], held["effect"]) == (made.json["id"], "十元券", "满 ¥100.00，减 ¥10.00")
    assert (held["usable"], held["reason"], held["terms"], held["kind"]) == (
        True,
        None,
        "每单限用一张",
        "amount",
    )
    shown = phone.get(f"/coupons/{held['id']}", headers=EN).json
    assert (shown["name"], shown["effect"]) == ("¥10 off", "¥10.00 off when you spend ¥100.00")
    assert [event["text"] for event in shown["events"]] == ["Received"]
    assert shop.member().get(f"/coupons/{held['id']}").status_code == 404
    assert phone.get(f"/coupons/{held['id']}/events").json["items"][0]["kind"] == "issued"


def test_a_link_shows_and_gives_what_is_not_in_the_centre(shop: Shop) -> None:
    phone = shop.member()
    live_template(clock.now(), terms={"claim_key": "K" * 32})
    assert phone.get("/coupon-centre").json["items"] == []
    [offer] = phone.get(f"/coupon-centre?claim_key={'K' * 32}").json["items"]
    assert offer["claimable"]
    assert phone.get("/coupon-centre?claim_key=other").json["items"] == []
    assert claim(phone, claim_key="K" * 32).status_code == 201
    assert claim(phone, claim_key="other").status_code == 404


@pytest.mark.parametrize(
    ("terms", "stock", "reason", "zh", "code"),
    [
        ({"state": "stopped"}, None, "over", "领取已结束", "coupon_not_available"),
        ({"claim_until": A_DAY_AGO}, None, "over", "领取已结束", "coupon_not_available"),
        ({}, 0, "used_up", "已领完", "coupons_used_up"),
    ],
)
def test_a_link_with_nothing_to_give_any_more_says_so(
    shop: Shop, terms: dict[str, Any], stock: int | None, reason: str, zh: str, code: str
) -> None:
    phone = shop.member()
    live_template(clock.now(), stock=stock, terms={"claim_key": "K" * 32} | terms)
    [offer] = phone.get(f"/coupon-centre?claim_key={'K' * 32}").json["items"]
    assert (offer["claimable"], offer["reason"], offer["reason_text"]) == (False, reason, zh)
    refused = claim(phone, claim_key="K" * 32)
    assert (refused.status_code, refused.json["code"]) == (409, code)


@pytest.mark.parametrize(
    "body", [{}, {"template_id": "a", "claim_key": "b"}, {"template_id": 5}, {"template_id": "a", "x": 1}]
)
def test_a_claim_names_one_thing(shop: Shop, body: dict[str, Any]) -> None:
    assert claim(shop.member(), **body).json["code"] == "validation_failed"


def test_the_wallet_sorts_by_state_and_end_and_comes_in_pages(shop: Shop) -> None:
    now, phone = clock.now(), shop.member()
    lasting = give(live_template(now), phone.member_id, now, 3)
    short = give(live_template(now, validity={"kind": "days", "days": 2}), phone.member_id, now, 2)
    later = give(
        live_template(now, validity={"kind": "days", "days": 2, "after_days": 1}), phone.member_id, now
    )
    gone = give(
        live_template(now, validity={"kind": "days", "days": 1}), phone.member_id, now - timedelta(days=9)
    )
    used = give(live_template(now), phone.member_id, now)
    assert use(shop, used[0], phone.member_id)
    assert recall(lasting[2]) == 1

    def ids(query: str) -> list[str]:
        found, cursor = [], ""
        while cursor is not None:
            page = phone.get(f"/coupons?limit=2{query}{cursor and '&cursor=' + cursor}").json
            found += [one["id"] for one in page["items"]]
            cursor = page["next_cursor"]
        return found

    assert ids("") == sorted(short) + later + sorted(lasting[:2])
    assert ids("&state=used") == used
    assert ids("&state=ended") == [lasting[2], *gone]
    reasons = {one["id"]: one["reason"] for one in phone.get("/coupons").json["items"]}
    assert (reasons[short[0]], reasons[later[0]]) == (None, "not_yet")
    assert [one["reason"] for one in phone.get("/coupons?state=ended").json["items"]] == ["recalled", "ended"]
    assert phone.get("/coupons?state=used").json["items"][0]["reason_text"] == "已使用"
    assert [one["ends_soon"] for one in phone.get("/coupons").json["items"]] == [True] * 3 + [False] * 2
    cursor = base64.urlsafe_b64encode(short[0].encode()).decode()
    assert shop.member().get(f"/coupons?cursor={cursor}").json == {"items": [], "next_cursor": None}


def test_a_store_says_why_a_coupon_is_not_for_it(shop: Shop) -> None:
    now, phone = clock.now(), shop.member()
    there = shop.open_store("S002")
    elsewhere = {"stores": [there.id], "categories": ["茶饮"]}
    give(live_template(now, conditions=elsewhere, alone=True), phone.member_id, now)
    [held] = phone.get("/coupons?store=S001").json["items"]
    assert (held["usable"], held["reason"], held["reason_text"]) == (False, "not_here", "不适用于该门店")
    assert held["rules"] == ["限门店 S002使用", "限茶饮", "不与其他优惠同享"]
    assert phone.get(f"/coupons/{held['id']}?store=S002").json["usable"]
    assert phone.get("/coupons").json["items"][0]["usable"]
    assert phone.get("/coupons?store=S999").status_code == 404
    assert phone.get(f"/coupons/{held['id']}?store=S999").status_code == 404


@pytest.mark.parametrize(
    ("conditions", "reason", "zh", "en"),
    [
        ({"tiers": ["gold"]}, "not_your_tier", "限gold使用", "Only for gold"),
        ({"birthday": "month"}, "not_birthday", "限生日当月使用", "Only in the month of your birthday"),
        ({"dates": ["2020-01-01"]}, "not_now", "限2020-01-01使用", "Only on 2020-01-01"),
        ({"weekdays": [1, 7]}, None, "限周一、周日使用", "Only on Mondays, Sundays"),
        (
            {"monthdays": [1, -1]},
            None,
            "限每月1 日、月末使用",
            "Only on these days of the month: 1, the last",
        ),
        (
            {"time_of_day": {"from_minute": 540, "until_minute": 1_020}},
            None,
            "限 09:00–17:00 使用",
            "Only from 09:00 to 17:00",
        ),
    ],
)
def test_rules_are_told_in_words(
    shop: Shop, conditions: dict[str, Any], reason: str | None, zh: str, en: str
) -> None:
    now, phone = clock.now(), shop.member()
    give(live_template(now, conditions=conditions), phone.member_id, now)
    [held] = phone.get("/coupons?store=S001").json["items"]
    assert held["rules"] == [zh]
    assert phone.get("/coupons", headers=EN).json["items"][0]["rules"] == [en]
    assert reason is None or held["reason"] == reason


def test_a_gift_says_what_is_given(shop: Shop) -> None:
    now, phone = clock.now(), shop.member()
    gift = {"kind": "gift", "item_zh": "雨伞", "item_en": "umbrella"}
    give(live_template(now, effect=gift, at_least_fen=5_000, at_least_pieces=2), phone.member_id, now)
    told = [phone.get("/coupons", headers=headers).json["items"][0]["effect"] for headers in ({}, EN)]
    assert told == ["满 ¥50.00，满 2 件，赠雨伞", "umbrella free when you spend ¥50.00 and buy 2 or more"]


def test_a_friend_takes_over_by_link(shop: Shop) -> None:
    now, owner, friend = clock.now(), shop.member(), shop.member()
    [coupon] = give(live_template(now, transferable=True), owner.member_id, now)
    link = owner.post(f"/coupons/{coupon}/offer").json
    assert owner.get(f"/coupons/{coupon}").json["offered_until"] == link["expires_at"]
    taken = friend.post(
        "/coupon-offers/take", json={"secret": link["secret"]}, headers={"Idempotency-Key": "k"}
    )
    assert (taken.status_code, taken.json["id"]) == (201, coupon)
    assert owner.get(f"/coupons/{coupon}").status_code == 404
    assert owner.get(f"/coupons/{coupon}/events").json["items"] == []
    assert [one["kind"] for one in friend.get(f"/coupons/{coupon}").json["events"]] == ["transferred"]
    back = friend.client.delete(
        f"/api/v1/coupons/{coupon}/offer", headers={"Authorization": f"Bearer {friend.token}"}
    )
    assert back.status_code == 204


def test_who_gets_coupons_unasked_is_told_in_the_inbox(shop: Shop, engine: Engine) -> None:
    now, phone = clock.now(), shop.member()
    template = live_template(now, validity={"kind": "days", "days": 1})
    with db.transaction() as session:
        issue(
            session,
            template_id=template,
            member_id=phone.member_id,
            count=2,
            source=Source(kind="grant", id="g"),
            now=now,
        )
    claim(phone, template_id=live_template(now, terms={"in_centre": True}))
    work.tell_consumers(work.fact_relay(shop.parts), now)
    work.send_messages(shop.parts, lambda: now + timedelta(seconds=1))
    [message] = phone.get("/me/messages").json["items"]
    question = "SELECT payload ->> 'valid_through' FROM facts WHERE kind = 'coupons_issued'"
    [(through,)] = rows(engine, question)
    assert (message["title"], message["body"]) == ("优惠券到账", f"送您 2 张“十元券”，可用至{through}。")
    [message] = phone.get("/me/messages", headers=EN).json["items"]
    assert message["body"] == f"You received ¥10 off (quantity: 2). Valid through {through}."


def test_the_code_of_a_coupon_is_its_holders_and_opens_that_coupon_at_a_till(shop: Shop) -> None:
    phone, friend = shop.member(), shop.member()
    template = live_template(clock.now())
    coupon, other = give(template, phone.member_id, clock.now(), count=2)
    shown = phone.post(f"/coupons/{coupon}/code")
    assert shown.status_code == 200, shown.json
    code = shown.json["code"]
    assert (len(code), code[:2]) == (20, "91")
    assert friend.post(f"/coupons/{coupon}/code").status_code == 404
    scanned = shop.till.scan(code)
    assert scanned.status_code == 201, scanned.json
    assert scanned.json["coupon"]["id"] == coupon
    assert (scanned.json["member"]["points"], scanned.json["member"]["balance_fen"]) == (None, None)
    again = shop.till.scan(code)
    assert (again.status_code, again.json["code"]) == (409, "code_replayed")
    assert use(shop, other, phone.member_id)
    gone = phone.post(f"/coupons/{other}/code")
    assert (gone.status_code, gone.json["code"], gone.json["reason"]) == (
        409,
        "coupon_not_redeemable",
        "used",
    )
