"""Members are told what went without their doing: coupons that the office took back, a refunded purchase's reward."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.withdrawal import withdraw
from tests.actors import Actors
from tests.app.engagement.inviting import brought, referral
from tests.app.engagement.offering import THANKS, live, lottery, play, round_of, work
from tests.app.engagement.test_gifts import refund, sell
from tests.app.messages.test_told import relayed_again, told
from tests.conftest import rows
from tests.coupons import give, live_template, use
from tests.office_api.test_coupon_recall_routes import recalled
from tests.shop import Phone, Shop

RECALLED, TAKEN_BACK = "优惠券收回通知", "活动奖励收回通知"
ASK = "如有疑问，请咨询门店。"


def losses(shop: Shop, phone: Phone, language: str = "zh") -> list[str]:
    """The words of the messages about what went."""
    titles = (RECALLED, TAKEN_BACK, "Coupons taken back", "A reward was taken back")
    return [body for title, body in told(shop, phone, language=language) if title in titles]


def test_a_recall_is_told_once_to_each_member_and_its_reason_to_nobody(
    actors: Actors, engine: Engine
) -> None:
    now = clock.now()
    ten, free = live_template(now), live_template(now, name_zh="赠饮券", name_en="Free drink")
    mine = [*give(ten, actors.a.member_id, now, 2), *give(free, actors.a.member_id, now)]
    theirs = give(ten, actors.b.member_id, now)
    assert recalled(actors, coupon_ids=[*mine, *theirs]).json["recalled"] == 4
    assert losses(actors.shop, actors.a) == [f"您的2张“十元券”、1张“赠饮券”已被收回，无法继续使用。{ASK}"]
    assert losses(actors.shop, actors.b) == [f"您的1张“十元券”已被收回，无法继续使用。{ASK}"]
    assert losses(actors.shop, actors.a, "en") == [
        "Taken back, and no longer valid: 2 × ¥10 off, 1 × Free drink."
        " If you have questions, please ask at any store."
    ]
    assert "given by mistake" not in str(rows(engine, "SELECT params FROM messages"))
    relayed_again(actors.shop)
    assert len(losses(actors.shop, actors.a)) == 1


def test_of_many_kinds_the_first_are_named(actors: Actors, engine: Engine) -> None:
    now = clock.now()
    kinds = [live_template(now, name_zh=f"券{n}", name_en=f"Coupon {n}") for n in range(6)]
    mine = [coupon for kind in kinds for coupon in give(kind, actors.a.member_id, now, 2)]
    recalled(actors, coupon_ids=mine)
    named = "、".join(f"2张“券{n}”" for n in range(5))
    assert losses(actors.shop, actors.a) == [f"您的{named}等共12张优惠券已被收回，无法继续使用。{ASK}"]
    [body] = losses(actors.shop, actors.a, "en")
    assert "2 × Coupon 4 and others, 12 coupons in all." in body


def test_nobody_is_told_of_coupons_that_had_ended_or_were_used_up(actors: Actors, engine: Engine) -> None:
    long_ago = clock.now() - timedelta(days=60)
    used, ended = live_template(clock.now()), live_template(long_ago)
    [spent] = give(used, actors.a.member_id, clock.now())
    assert use(actors.shop, spent, actors.a.member_id)
    gone = give(ended, actors.b.member_id, long_ago)
    assert recalled(actors, coupon_ids=[spent, *gone]).json["recalled"] == 1
    assert losses(actors.shop, actors.a) == losses(actors.shop, actors.b) == []


@pytest.mark.parametrize("status", ["withdrawn", "closed"])
def test_who_has_left_is_not_told_of_a_recall(actors: Actors, engine: Engine, status: str) -> None:
    coupons = give(live_template(clock.now()), actors.a.member_id, clock.now())
    recalled(actors, coupon_ids=coupons)
    if status == "withdrawn":
        withdraw(member_id=actors.a.member_id, now=clock.now())
    else:
        with db.transaction() as session:
            session.execute(
                text("UPDATE members SET status = 'closed' WHERE id = :id"), {"id": actors.a.member_id}
            )
    work(actors.shop.app)
    assert rows(engine, "SELECT count(*) FROM facts WHERE kind = 'coupons_recalled'") == [(1,)]
    assert rows(engine, "SELECT count(*) FROM messages WHERE kind = 'coupons_recalled'") == [(0,)]


def test_both_sides_are_told_of_a_referral_that_is_taken_back(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now())
    prizes = lottery(cost_points=None, prizes=[THANKS], fallback=1)
    more = {"coupon_template": template, "coupons": 2, "lottery": prizes.id, "chances": 1}
    referral(name_zh="邀请有礼", name_en="Bring a friend", inviter={"points": 30} | more)
    inviter = shop.member()
    friend = brought(shop, inviter)
    sale = sell(shop, friend, 1_000)
    assert losses(shop, inviter) == []
    refund(shop, sale)
    words = "因对应的消费已退款，“邀请有礼”送您的{}已收回。"
    assert losses(shop, inviter) == [words.format("30积分、2张“十元券”、1次抽奖机会")]
    assert losses(shop, friend) == [words.format("20积分")]
    assert losses(shop, inviter, "en") == [
        "A purchase that “Bring a friend” rewarded has been refunded, so this was taken back:"
        " 30 points, 2 × ¥10 off, 1 lottery draw."
    ]
    [payload] = rows(
        engine,
        f"SELECT payload FROM facts WHERE member_id = {inviter.member_id} AND kind = 'reward_taken_back'",
    )
    assert sale not in str(payload), "whose purchase it was stays with them"
    relayed_again(shop)
    assert len(losses(shop, inviter)) == 1


def test_points_of_a_reward_that_were_spent_are_told_as_owed(shop: Shop, engine: Engine) -> None:
    referral(name_zh="邀请有礼")
    inviter = shop.member()
    sale = sell(shop, brought(shop, inviter), 1_000)
    work(shop.app)
    prizes = lottery(cost_points=30, prizes=[THANKS], fallback=1)
    round_of(shop, prizes)
    play(shop, prizes, inviter.member_id, "k")
    refund(shop, sale)
    assert losses(shop, inviter) == [
        "因对应的消费已退款，“邀请有礼”送您的30积分已收回。其中30积分已使用，将从下次获得的积分中扣除。"
    ]
    [body] = losses(shop, inviter, "en")
    assert body.endswith(" Points of it already spent: 30; the next ones you get pay for them.")


def test_a_reward_of_which_nothing_is_left_goes_unsaid(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now())
    referral(inviter={"coupon_template": template, "coupons": 1})
    inviter = shop.member()
    sale = sell(shop, brought(shop, inviter), 1_000)
    work(shop.app)
    [(coupon,)] = rows(engine, "SELECT id FROM coupons")
    assert use(shop, coupon, inviter.member_id)
    refund(shop, sale)
    assert losses(shop, inviter) == []


def test_a_first_purchase_that_is_refunded_tells_what_went_with_it(shop: Shop, engine: Engine) -> None:
    live("first_order", name_zh="首单礼", reward={"points": 50})
    phone = shop.member()
    sale = sell(shop, phone, 2_000)
    assert losses(shop, phone) == []
    refund(shop, sale)
    assert losses(shop, phone) == ["因对应的消费已退款，“首单礼”送您的50积分已收回。"]
