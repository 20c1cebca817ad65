"""Draws: paid for once, drawn by the seed, never more prizes than there are."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app import clock, db
from app.engagement import lottery_draw
from app.engagement.activity import Activity, ActivityNotOpen
from app.engagement.chances import NoChances
from app.engagement.grant import grant
from app.engagement.lottery_draw import DrawLimitReached, Drawn, NotForPoints
from app.engagement.lottery_rounds import reveal
from app.engagement.reward import Reward
from app.errors import DomainError
from app.idempotency import KeyReused, Request
from app.ledger.post import NotEnough
from tests.app.engagement.offering import CUP, MINUTE, THANKS, live, lottery, play, round_of
from tests.conftest import rows
from tests.coupons import live_template
from tests.racing import race
from tests.shop import Shop

SURE = CUP | {"weight": 1_000_000}


def give_chances(activity: Activity, member_id: int, count: int, source: str = "test") -> None:
    giver = live("welcome", reward={"lottery": activity.id, "chances": count})
    with db.transaction() as session:
        reward = Reward(lottery=activity.id, chances=count)
        grant(session, giver, reward, member_id=member_id, source=source, now=clock.now())


def outcome(run: Callable[[], Drawn]) -> str:
    try:
        drawn = run()
    except DomainError as error:
        return error.code
    return drawn.instead or f"prize {drawn.given}"


def test_a_draw_costs_points_and_gives_its_prize_once_for_a_key(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    shop.earn(phone, 100)
    activity = lottery(prizes=[SURE | {"stock": 5}, THANKS], draws_a_day=3)
    held = round_of(shop, activity)
    first = play(shop, activity, phone.member_id, "a")
    assert (first.given, first.points, first.cost_points, first.draw_no) == (1, 500, 10, 1)
    assert (first.draws_left_today, first.round_id) == (2, held.id)
    assert play(shop, activity, phone.member_id, "a") == first
    assert phone.get("/me/points").json["points"] == 590
    with pytest.raises(KeyReused):
        lottery_draw.draw(
            wish=lottery_draw.Wish(
                member_id=phone.member_id, lottery_id=activity.id, payment="points", client_seed="x"
            ),
            vault=shop.parts.seeds,
            request=Request(scope=f"member:{phone.member_id}", key="a", hash=b"other"),
            now=clock.now(),
        )
    texts = [entry["text"] for entry in phone.get("/me/points/entries").json["items"]]
    assert texts[:2] == ["活动赠送：活动", "抽奖"]


def test_what_is_refused_costs_nothing(shop: Shop, engine: Engine) -> None:
    now, phone = clock.now(), shop.member()
    activity = lottery(draws_a_day=1)
    with pytest.raises(ActivityNotOpen):  # no round is announced
        play(shop, activity, phone.member_id, "a")
    round_of(shop, activity)
    with pytest.raises(NotEnough):
        play(shop, activity, phone.member_id, "b")
    with pytest.raises(NoChances):
        play(shop, activity, phone.member_id, "c", payment="chance")
    assert rows(engine, "SELECT count(*) FROM lottery_draws") == [(0,)]
    shop.earn(phone, 50)
    play(shop, activity, phone.member_id, "d")
    with pytest.raises(DrawLimitReached):
        play(shop, activity, phone.member_id, "e")
    with pytest.raises(ActivityNotOpen):  # the round is over
        play(shop, activity, phone.member_id, "f", now=now + timedelta(hours=2))
    free = lottery(cost_points=None)
    round_of(shop, free)
    with pytest.raises(NotForPoints):
        play(shop, free, phone.member_id, "g")


def test_a_prize_whose_coupon_is_not_to_be_had_becomes_the_fallback(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    template = live_template(clock.now(), stock=1)
    prize = SURE | {"stock": 5, "reward": {"coupon_template": template, "coupons": 1}}
    activity = lottery(prizes=[prize, THANKS])
    round_of(shop, activity)
    give_chances(activity, phone.member_id, 2)
    results = [play(shop, activity, phone.member_id, key, payment="chance") for key in ("a", "b")]
    assert [(one.drawn, one.given, one.instead, one.coupons) for one in results] == [
        (1, 1, None, 1),
        (1, 2, "not_issued", 0),
    ]
    assert rows(engine, "SELECT won FROM lottery_stock") == [(1,)]


def test_after_the_seed_is_told_nobody_draws(shop: Shop, engine: Engine) -> None:
    now, phone = clock.now(), shop.member()
    shop.earn(phone, 50)
    activity = lottery()
    round_of(shop, activity)
    assert reveal(vault=shop.parts.seeds, now=now + timedelta(hours=3)) == 1
    with pytest.raises(ActivityNotOpen):
        play(shop, activity, phone.member_id, "late", now=now)


def test_of_sixteen_at_once_one_wins_the_last_prize(shop: Shop, engine: Engine) -> None:
    activity = lottery(prizes=[SURE, THANKS])
    round_of(shop, activity)
    members = [shop.member().member_id for _ in range(16)]
    for member in members:
        give_chances(activity, member, 1)

    def run(n: int) -> str:
        return outcome(lambda: play(shop, activity, members[n], f"k{n}", payment="chance"))

    assert sorted(race(16, run)) == ["prize 1"] + ["used_up"] * 15
    assert rows(engine, "SELECT won FROM lottery_stock") == [(1,)]


def test_sixteen_times_one_key_is_one_draw(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    shop.earn(phone, 100)
    activity = lottery()
    round_of(shop, activity)
    drawn = race(16, lambda _: play(shop, activity, phone.member_id, "same"))
    assert len(set(drawn)) == 1
    assert rows(engine, "SELECT count(*) FROM lottery_draws") == [(1,)]


def test_the_last_chance_is_used_once(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    activity = lottery()
    round_of(shop, activity)
    give_chances(activity, phone.member_id, 1)

    def run(n: int) -> str:
        return outcome(lambda: play(shop, activity, phone.member_id, f"k{n}", payment="chance"))

    assert sorted(race(16, run))[:15] == ["no_chances"] * 15
    assert rows(
        engine, "SELECT chances_given, chances_used FROM activity_members WHERE chances_given > 0"
    ) == [(1, 1)]


def test_many_draws_of_one_member_at_once_are_numbered_without_a_gap(shop: Shop, engine: Engine) -> None:
    phone = shop.member()
    activity = lottery(draws_a_day=10)
    round_of(shop, activity, minutes=30)
    give_chances(activity, phone.member_id, 16)

    def run(n: int) -> str:
        return outcome(lambda: play(shop, activity, phone.member_id, f"k{n}", payment="chance"))

    results = race(16, run)
    assert results.count("draw_limit_reached") == 6
    assert rows(engine, "SELECT draw_no FROM lottery_draws ORDER BY 1") == [(n,) for n in range(1, 11)]
    assert MINUTE.total_seconds() == 60
