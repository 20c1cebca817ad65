"""What a referral brought is taken back with its purchase, and what was used of it is not given again."""

from sqlalchemy import Engine, text

from app import clock
from tests.app.engagement.inviting import brought, referral, states
from tests.app.engagement.offering import THANKS, draws, lottery, round_of, work
from tests.app.engagement.test_events import GIFT
from tests.app.engagement.test_gifts import points, refund, sell
from tests.conftest import rows
from tests.coupons import live_template
from tests.events import booked, given_up, session
from tests.shop import Phone, Shop


def test_chances_that_were_drawn_are_not_given_again_for_the_next_purchase(
    shop: Shop, engine: Engine
) -> None:
    """Buy, draw, send back, buy again: no budget counts chances."""
    prizes = lottery(cost_points=None, prizes=[THANKS], fallback=1)
    round_of(shop, prizes)
    referral(inviter={"lottery": prizes.id, "chances": 1}, newcomer={"points": 1}, most=1)
    inviter = shop.member()
    friend = brought(shop, inviter)
    drawn = 0
    for step in (-1, 0, 1):
        sale = sell(shop, friend, 1_000, step)
        work(shop.app)
        drawn += draws(shop, prizes, inviter, f"k{step}")
        refund(shop, sale)
        work(shop.app)
    assert drawn == 1
    kept = "SELECT chances_kept FROM activity_grants WHERE chances > 0"
    assert (states(engine), rows(engine, kept)) == ([("taken_back", None)], [(1,)])


def test_a_used_up_budget_does_not_keep_a_reward_from_being_taken_back(shop: Shop, engine: Engine) -> None:
    referral(points_most=50)
    inviter = shop.member()
    friend = brought(shop, inviter)
    first = sell(shop, friend, 1_000, -1)
    work(shop.app)
    sell(shop, friend, 1_000, 0)
    work(shop.app)
    refund(shop, first)
    work(shop.app)
    assert (states(engine), points(inviter)) == ([("taken_back", None)], 0)
    assert rows(engine, "SELECT state FROM activities") == [("stopped",)]


def test_a_purchase_whose_reward_was_taken_back_counts_no_more_though_less_is_asked_for(
    shop: Shop, engine: Engine
) -> None:
    """Its grants are there already: it would be called rewarded, and bring nothing."""
    referral()
    inviter = shop.member()
    friend = brought(shop, inviter)
    first = sell(shop, friend, 2_000, -1)
    work(shop.app)
    refund(shop, first, amount_fen=1_100)
    work(shop.app)
    second = sell(shop, friend, 1_000)
    work(shop.app)
    assert (states(engine), points(inviter)) == ([("rewarded", None)], 30)
    with engine.begin() as connection:
        lowered = "UPDATE activities SET definition = definition || '{\"at_least_fen\": 500}'"
        connection.execute(text(lowered))
    refund(shop, second)
    work(shop.app)
    assert (states(engine), points(inviter)) == ([("taken_back", None)], 0)
    sell(shop, friend, 500, 1)
    work(shop.app)
    assert (states(engine), points(inviter)) == ([("rewarded", None)], 30)


def seat_for_a_coupon(shop: Shop) -> tuple[Phone, str, str]:
    """A newcomer who pays for a seat with the coupon of their reward; the purchase that brought it, and the booking."""
    template = live_template(clock.now(), effect=GIFT, without_sale=True)
    referral(newcomer={"coupon_template": template, "coupons": 1})
    friend = brought(shop, shop.member())
    sale = sell(shop, friend, 1_000)
    work(shop.app)
    wish = {"points": 0, "template_id": template}
    return friend, sale, str(booked(friend, session(shop, **wish), **wish)["id"])


def test_a_coupon_of_a_reward_that_was_taken_back_does_not_come_back(shop: Shop, engine: Engine) -> None:
    """It pays for a seat while the purchase is sent back; then the seat is given up in time."""
    friend, sale, seat = seat_for_a_coupon(shop)
    refund(shop, sale)
    work(shop.app)
    assert states(engine) == [("taken_back", None)]
    assert given_up(friend, seat).status_code == 200
    assert rows(engine, "SELECT state, restored FROM coupons") == [("used", 0)]


def test_a_coupon_that_came_back_before_goes_with_the_reward(shop: Shop, engine: Engine) -> None:
    friend, sale, seat = seat_for_a_coupon(shop)
    assert given_up(friend, seat).status_code == 200
    assert rows(engine, "SELECT state FROM coupons") == [("held",)]
    refund(shop, sale)
    work(shop.app)
    assert rows(engine, "SELECT state FROM coupons") == [("void",)]
