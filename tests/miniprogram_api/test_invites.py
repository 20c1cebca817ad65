"""Inviting friends: a code, its picture, joining by it, and what becomes of the friends."""

import re
import uuid
from collections import Counter
from typing import Any

from sqlalchemy import Engine

from app import clock
from app.providers.wechat.errors import PAGE_PICTURE
from tests.app.engagement.inviting import brought, referral
from tests.app.engagement.offering import work
from tests.app.engagement.test_gifts import sell
from tests.chat_apps import VERSION, Sandbox, Visitor
from tests.conftest import rows
from tests.coupons import live_template
from tests.phones import bound
from tests.shop import Phone, Shop


def enter(visitor: Visitor, code: str, key: str | None = None, **more: Any) -> Any:
    body = {"provider": "wechat_mini", "code": code, "consent": {"policy_version": VERSION}, **more}
    headers = {"Idempotency-Key": key or uuid.uuid4().hex}
    return visitor.client.post("/api/v1/login", json=body, headers=headers)


def test_an_invite_says_what_both_get_and_keeps_its_code(shop: Shop) -> None:
    phone = shop.member()
    assert phone.get("/me/invite").status_code == 404
    template = live_template(clock.now())
    referral(newcomer={"points": 20, "coupon_template": template, "coupons": 2}, most=5)
    told = phone.get("/me/invite").json
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{10}", told["code"])
    assert (told["scene"], told["path"]) == (told["code"], f"/pages/invite/index?invite={told['code']}")
    assert (told["inviter"]["text"], told["newcomer"]["text"]) == ("30 积分", "20 积分、2 张「十元券」")
    assert "满 ¥10，双方" in told["rule"]
    english = phone.get("/me/invite", headers={"Accept-Language": "en"}).json
    assert english["newcomer"]["text"] == "20 points, 2 × ¥10 off"
    assert english["rule"].endswith("spends ¥10 or more in one purchase within 30 days, you both get:")
    assert (english["code"], english["places_left"]) == (told["code"], 5)
    assert shop.member().get("/me/invite").json["code"] != told["code"]


def test_friends_are_listed_masked_a_page_at_a_time(shop: Shop) -> None:
    referral()
    inviter = shop.member()
    first, second = brought(shop, inviter), brought(shop, inviter)
    assert first.patch("/me", json={"name": "张小满"}).status_code == 200
    sell(shop, first, 1_000)
    work(shop.app)
    page = inviter.get("/me/invite/friends?limit=1").json
    [newest] = page["items"]
    assert (newest["name"], newest["state"], newest["state_text"]) == ("", "pending", "待消费")
    [oldest] = inviter.get(f"/me/invite/friends?limit=1&cursor={page['next_cursor']}").json["items"]
    assert (oldest["name"], oldest["state"], oldest["points"]) == ("张**", "rewarded", 30)
    told = inviter.get("/me/invite").json
    counted = {name: told[name] for name in ("invited", "pending", "qualified", "points_earned")}
    assert counted == {"invited": 2, "pending": 1, "qualified": 1, "points_earned": 30}
    assert second.get("/me/invite/friends").json["items"] == []


def test_a_phone_number_that_is_needed_is_asked_for(shop: Shop) -> None:
    referral(phone_needed=True, newcomer={}, at_least_fen=1_050)
    inviter = shop.member()
    friend, _ = brought(shop, inviter), brought(shop, inviter)
    told = inviter.get("/me/invite").json["rule"]
    assert told.endswith("满 ¥10.50（好友需绑定手机号），您即可获得以下奖励。")
    english = inviter.get("/me/invite", headers={"Accept-Language": "en"}).json["rule"]
    assert english.endswith("within 30 days (your friend must add a phone number), you get:")
    sell(shop, friend, 1_049)
    work(shop.app)

    def standing() -> list[str]:
        return [one["state_text"] for one in inviter.get("/me/invite/friends").json["items"]]

    assert standing() == ["待消费", "待消费"]
    sell(shop, friend, 1_050, 1)
    work(shop.app)
    assert standing() == ["待消费", "待绑定手机号"]
    bound(shop, friend)
    work(shop.app)
    assert standing() == ["待消费", "奖励已发放"]


def test_a_new_member_joins_by_an_invite_once(
    shop: Shop, visitor: Visitor, sandbox: Sandbox, engine: Engine
) -> None:
    referral()
    inviter = shop.member()
    invite = inviter.get("/me/invite").json["code"]
    code = sandbox.login_code("bob")
    joined = enter(visitor, code, "one", invite=f" {invite.lower()} ", device="phone-1").json
    assert (joined["created"], joined["invite"]) == (True, "noted")
    # The answer was lost: the same again; and nobody is brought twice.
    assert enter(visitor, code, "one", invite=invite).json["invite"] == "noted"
    later = enter(visitor, sandbox.login_code("bob"), invite=shop.member().get("/me/invite").json["code"])
    assert later.json["invite"] == "member"
    assert rows(engine, "SELECT inviter_id, state FROM referrals") == [(inviter.member_id, "pending")]
    assert rows(engine, "SELECT octet_length(device) FROM member_devices") == [(16,)]
    # The same phone under another name.
    again = enter(visitor, sandbox.login_code("carol"), invite=invite, device="phone-1").json
    assert (again["created"], again["invite"]) == (True, "not_counted")


def test_a_code_that_leads_nowhere_keeps_nobody_from_joining(
    shop: Shop, visitor: Visitor, sandbox: Sandbox, engine: Engine
) -> None:
    inviter = shop.member()
    activity = referral()
    invite = inviter.get("/me/invite").json["code"]
    for user, code, word in (("bob", "0" * 10, "unknown"), ("carol", "💥", "unknown")):
        told = enter(visitor, sandbox.login_code(user), invite=code).json
        assert (told["created"], told["invite"]) == (True, word)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE activities SET state = 'stopped' WHERE id = %s", (activity.id,))
    code = sandbox.login_code("dave")
    assert enter(visitor, code, "k", invite=invite).json["invite"] == "closed"
    assert enter(visitor, code, "k", invite=invite).json["invite"] == "closed"
    assert enter(visitor, sandbox.login_code("dave")).json["invite"] is None
    assert rows(engine, "SELECT count(*) FROM referrals") == [(0,)]


def test_the_picture_is_drawn_by_wechat(alice: Phone, sandbox: Sandbox) -> None:
    referral()
    drawn = alice.get("/me/invite/picture")
    assert (drawn.status_code, drawn.content_type) == (200, "image/png")
    assert drawn.data.startswith(b"\x89PNG")
    sandbox.fault(PAGE_PICTURE, "errcode", errcode=41030)
    assert alice.get("/me/invite/picture").json["code"] == "platform_misconfigured"
    sandbox.heal()
    answers = Counter(alice.get("/me/invite/picture").status_code for _ in range(9))
    assert answers == {200: 8, 429: 1}


def test_without_wechat_there_is_no_picture(shop: Shop) -> None:
    refused = shop.member().get("/me/invite/picture")
    assert (refused.status_code, refused.json["code"]) == (503, "page_picture_not_offered")
