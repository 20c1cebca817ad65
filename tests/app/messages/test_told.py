"""Members are told what came to them without their doing: a gift, joining, an exchange that was cancelled."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app import work as worker
from app.engagement import gift_rules
from app.engagement.rewards.cancel import by_staff, expire
from app.engagement.rewards.policy import RewardPolicy
from app.facts.tell import tell
from app.messages import gift
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.app.engagement.inviting import brought, referral
from tests.app.engagement.offering import THANKS, asked, live, lottery, work
from tests.app.engagement.test_check_in import check_in
from tests.app.engagement.test_gifts import sell
from tests.conftest import rows
from tests.coupons import live_template
from tests.quoting import fill, set_policy
from tests.rewards import exchanged, given_up, mugs
from tests.shop import Phone, Shop

HELLO = "很高兴您成为我们的会员！结账时出示会员码即可。"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@pytest.fixture
def phone(shop: Shop) -> Phone:
    """Of a member who has been welcomed, and has read it."""
    phone = shop.member()
    told(shop, phone)
    with db.transaction() as session:
        session.execute(text("DELETE FROM inbox_items"))
    return phone


def told(shop: Shop, phone: Phone, *, language: str = "zh", receipts: bool = False) -> list[tuple[str, str]]:
    """Titles and words, the oldest first, with days as `…`; receipts are others' business."""
    work(shop.app)  # what brings gifts
    work(shop.app)  # what tells of them
    worker.send_messages(shop.parts, clock.now)
    found = phone.get("/me/messages", headers={"Accept-Language": language}).json["items"]
    shown = [one for one in reversed(found) if receipts or one["kind"] != "receipt"]
    return [(one["title"], _DAY.sub("…", one["body"])) for one in shown]


def relayed_again(shop: Shop) -> None:
    """As if the worker had died before it marked any fact."""
    with db.transaction() as session:
        session.execute(text("UPDATE facts SET handled_at = NULL"))
    work(shop.app)


def test_who_joins_is_welcomed(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    assert told(shop, phone) == [("欢迎加入", HELLO)]
    english = [("Welcome", "Good to have you as a member. Just show your member code when you pay.")]
    assert told(shop, phone, language="en") == english


def test_the_welcome_names_all_that_joining_brought(shop: Shop, engine: Engine) -> None:
    both = {"points": 20, "lifetime_days": 30, "coupon_template": live_template(clock.now()), "coupons": 2}
    live("welcome", name_zh="新人礼", name_en="Welcome gift", reward=both)
    live("welcome", name_zh="开业礼", name_en="Opening gift", reward={"points": 1})
    phone = shop.member()
    body = f"{HELLO}“新人礼”送您20积分（可用至…）、2张“十元券”（可用至…）。“开业礼”送您1积分。"
    assert told(shop, phone) == [("欢迎加入", body)]
    [(_, body)] = told(shop, phone, language="en")
    assert body.endswith(
        " “Welcome gift” brought you 20 points (valid through …), 2 × ¥10 off (valid through …)."
        " “Opening gift” brought you 1 point."
    )


def test_the_last_days_are_those_of_what_was_given(shop: Shop, engine: Engine) -> None:
    reward = {"points": 20, "lifetime_days": 30, "coupon_template": live_template(clock.now()), "coupons": 1}
    live("welcome", reward=reward)
    phone = shop.member()
    told(shop, phone)
    [entry] = phone.get("/me/points/entries").json["items"]
    [coupon] = phone.get("/coupons").json["items"]
    [message] = phone.get("/me/messages").json["items"]
    assert _DAY.findall(message["body"]) == [entry["valid_through"], coupon["valid_through"]]


def test_a_gift_that_is_not_to_be_had_is_not_promised(shop: Shop, engine: Engine) -> None:
    live("welcome", reward={"points": 20}, points_most=10)
    assert told(shop, shop.member()) == [("欢迎加入", HELLO)]


def test_the_welcome_waits_for_a_gift_that_fails(
    shop: Shop, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    live("welcome", reward={"points": 20})
    phone = shop.member()

    def fails(*_: Any) -> Any:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(gift_rules, "participant", fails)
        assert told(shop, phone) == []
    with db.transaction() as session:  # it has rested
        session.execute(text("UPDATE gifts_due SET next_at = at"))
    assert told(shop, phone) == [("欢迎加入", f"{HELLO}“活动”送您20积分。")]


def test_what_a_first_purchase_brought_is_told_in_one_message(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    prizes = lottery(cost_points=None, prizes=[THANKS], fallback=1)
    reward = {
        "points": 50,
        "coupon_template": live_template(clock.now()),
        "coupons": 1,
        "lottery": prizes.id,
        "chances": 3,
    }
    live("first_order", name_zh="首单礼", name_en="First order", reward=reward)
    sell(shop, phone, 2_000)
    body = "“首单礼”送您50积分、1张“十元券”（可用至…）、3次抽奖机会。"
    assert told(shop, phone) == [("活动奖励到账", body)]
    body = "“First order” brought you 50 points, 1 × ¥10 off (valid through …), 3 lottery draws."
    assert told(shop, phone, language="en") == [("A reward for you", body)]


def test_coupons_alone_are_told_with_their_activity(shop: Shop, engine: Engine, phone: Phone) -> None:
    live("first_order", reward={"coupon_template": live_template(clock.now()), "coupons": 1})
    sell(shop, phone, 2_000)
    assert told(shop, phone) == [("活动奖励到账", "“活动”送您1张“十元券”（可用至…）。")]


def test_a_reward_of_coupons_that_are_all_gone_is_no_message(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    live("first_order", reward={"coupon_template": live_template(clock.now(), stock=0), "coupons": 1})
    sell(shop, phone, 2_000)
    assert told(shop, phone) == []


def test_a_whole_profile_is_rewarded_aloud(shop: Shop, engine: Engine, phone: Phone) -> None:
    live("profile", reward={"points": 30}, fields=["name"])
    assert phone.patch("/me", json={"name": "陈一"}).status_code == 200
    assert told(shop, phone) == [("活动奖励到账", "“活动”送您30积分。")]
    assert phone.patch("/me", json={"name": "陈二"}).status_code == 200
    assert len(told(shop, phone)) == 1


def test_both_sides_of_a_referral_are_told(shop: Shop, engine: Engine, phone: Phone) -> None:
    referral(name_zh="邀请有礼")
    friend = brought(shop, phone)
    sell(shop, friend, 1_000)
    assert told(shop, phone) == [("活动奖励到账", "“邀请有礼”送您30积分。")]
    assert ("活动奖励到账", "“邀请有礼”送您20积分。") in told(shop, friend)


def test_coupons_for_checking_in_are_told_and_its_points_are_shown_there(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    days = [{"points": 3, "coupon_template": live_template(clock.now()), "coupons": 1}]
    check_in(live("check_in", days=days), phone, clock.now())
    assert told(shop, phone) == [("优惠券到账", "送您 1 张“十元券”，可用至…。")]


def everything(shop: Shop) -> Phone:
    """A member with one message of each kind."""
    live("welcome", reward={"points": 200})
    live("first_order", reward={"coupon_template": live_template(clock.now()), "coupons": 1})
    phone = shop.member()
    sell(shop, phone, 2_000)
    work(shop.app)
    cancelled_by_staff(shop, exchanged(phone, mugs(shop)))
    return phone


def test_a_fact_that_comes_again_tells_nothing_again(shop: Shop, engine: Engine) -> None:
    phone = everything(shop)
    once = told(shop, phone, receipts=True)
    assert sorted(title for title, _ in once) == ["兑换取消通知", "欢迎加入", "活动奖励到账", "消费通知"]
    relayed_again(shop)
    assert told(shop, phone, receipts=True) == once
    assert rows(engine, "SELECT count(*) FROM messages") == [(4,)]


@pytest.mark.parametrize("status", ["withdrawn", "closed"])
def test_who_has_left_is_told_nothing(shop: Shop, engine: Engine, status: str) -> None:
    phone = everything(shop)
    if status == "withdrawn":
        withdraw(member_id=phone.member_id, now=clock.now())
    else:
        with db.transaction() as session:
            session.execute(text("UPDATE members SET status = 'closed'"))
    work(shop.app)
    work(shop.app)
    kinds = "SELECT count(*) FROM messages WHERE kind <> 'receipt'"
    assert rows(engine, kinds) == [(0,)]
    assert rows(engine, "SELECT count(*) FROM facts WHERE handled_at IS NULL") == [(0,)]


def cancelled_by_staff(shop: Shop, order: dict[str, Any]) -> None:
    person = shop.person("manager", Grant("manager", shop.store.id))
    by_staff(
        order_id=order["id"],
        stores=None,
        staff_id=person.id,
        note="broken",
        request=asked(person.id, order["id"]),
        now=clock.now(),
    )


def test_an_exchange_that_staff_cancel_is_told_with_what_came_back(
    shop: Shop, engine: Engine, phone: Phone
) -> None:
    fill(phone, points=1_000, principal_fen=3_000, bonus_fen=1_000)
    order = exchanged(phone, mugs(shop, price={"points": 100, "cash_fen": 4_000}))
    cancelled_by_staff(shop, order)
    body = "您兑换的“马克杯”已由工作人员取消。已退回100积分。储值已退回¥40.00。"
    assert told(shop, phone) == [("兑换取消通知", body)]
    body = (
        "Your exchange for Mug was cancelled by our staff. Points given back: 100."
        " Given back to stored value: ¥40.00."
    )
    assert told(shop, phone, language="en") == [("Your exchange was cancelled", body)]


def test_an_exchange_that_nobody_picked_up_is_told(shop: Shop, engine: Engine, phone: Phone) -> None:
    fill(phone, points=1_000)
    set_policy(RewardPolicy, pick_up_days=3)
    exchanged(phone, mugs(shop))
    assert expire(now=clock.now() + timedelta(days=5)) == 1
    with db.transaction() as session:  # it is today
        session.execute(text("UPDATE facts SET created_at = :now"), {"now": clock.now()})
    assert told(shop, phone) == [("兑换取消通知", "您兑换的“马克杯”逾期未领取，已取消。已退回100积分。")]
    [(_, body)] = told(shop, phone, language="en")
    assert body.startswith("Your exchange for Mug was cancelled because it was not picked up in time. ")


def test_what_the_member_gives_up_themselves_they_know(shop: Shop, engine: Engine, phone: Phone) -> None:
    fill(phone, points=1_000)
    order = exchanged(phone, mugs(shop))
    assert given_up(phone, order["id"]).status_code == 200
    assert told(shop, phone) == []


@pytest.mark.parametrize("reason", ["staff", "expired", "failed", "member", "unpaid"])
def test_money_that_goes_back_by_wechat_pay_is_told(
    shop: Shop, unaudited_engine: Engine, reason: str
) -> None:
    phone, payload = shop.member(), {"item_id": "i", "name_zh": "马克杯", "name_en": "Mug", "points": 5}
    amounts = {"stored_fen": 0, "wechat_fen": 990, "reason": reason}
    with db.transaction() as session:
        about = {"subject": "order", "member_id": phone.member_id, "now": clock.now()}
        tell(session, "reward_cancelled", payload=payload | amounts, **about)
    bodies = [body for title, body in told(shop, phone) if title == "兑换取消通知"]
    assert [body.endswith("已退回5积分。微信支付的¥9.90将原路退回。") for body in bodies] == (
        [True] if reason in gift._CANCELLED_FOR else []
    )


def test_an_exchange_that_an_earlier_version_cancelled_is_not_told(
    shop: Shop, unaudited_engine: Engine
) -> None:
    phone, payload = shop.member(), {"item_id": "i", "points": 5, "reason": "staff"}
    with db.transaction() as session:
        about = {"subject": "order", "member_id": phone.member_id, "now": clock.now()}
        tell(session, "reward_cancelled", payload=payload, **about)
    assert told(shop, phone) == [("欢迎加入", HELLO)]
    assert rows(unaudited_engine, "SELECT count(*) FROM facts WHERE handled_at IS NULL") == [(0,)]
