"""What a campaign cost and brought back: clicks, coupons used, costs, and the return on them."""

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.campaigns.opened import opened, page_from
from app.campaigns.report import report
from app.campaigns.returns import Arm, _gain
from app.errors import NotFound
from app.messages.send import fill_inboxes
from tests.app.campaigns.test_campaign_outcome import given_back
from tests.app.campaigns.test_campaign_planning import crowd
from tests.campaigns import begun, by_wechat, coupons, held_out, work
from tests.marketing import NOON, policy, template
from tests.quoting import quoted, taken
from tests.shop import Phone, Shop

TEN_TEA = {"sku": "T", "name": "茶", "quantity": 10, "unit_price_fen": 1_000}


def bought(shop: Shop, phone: Phone, *, with_coupon: bool) -> None:
    """For a hundred yuan, less what a coupon takes off."""
    taken(shop, quoted(shop, phone, TEN_TEA, best=with_coupon))


def test_what_coupons_and_points_cost_is_set_against_what_was_bought(shop: Shop, engine: Engine) -> None:
    people = crowd(shop, 6)
    now = clock.now()
    gift = {**coupons(), "points": 100}
    campaign = begun(shop, people, now, gift=gift, budget_fen=100_000)
    held_out(campaign, people[4:], now)
    work(now)
    for phone in people[:2]:
        bought(shop, phone, with_coupon=True)
    bought(shop, people[2], with_coupon=False)
    bought(shop, people[4], with_coupon=False)

    found = report(campaign_id=campaign, now=clock.now()).returns
    assert (found.given, found.redeemed.coupons, found.redeemed.members) == (4, 2, 2)
    assert found.redeemed.revenue_fen == 2 * 9_000
    assert (found.messages_fen, found.points_fen, found.coupons_fen, found.cost_fen) == (0, 400, 2_000, 2_400)
    assert (found.budget_fen, found.spent_fen) == (100_000, 4 * 1_100)
    # 280 yuan and 20 of coupons, less twice the 100 of two who were held out.
    assert found.gain_fen == 30_000 - 20_000
    assert found.roi_bp == (10_000 - 2_400) * 10_000 // 2_400

    given_back(shop, engine, people[0], None)
    undone = report(campaign_id=campaign, now=clock.now()).returns
    assert (undone.redeemed.coupons, undone.redeemed.revenue_fen) == (1, 9_000)
    assert (undone.coupons_fen, undone.gain_fen) == (1_000, 20_000 - 20_000)
    assert undone.roi_bp == -10_000


def test_what_costs_nothing_has_no_return(shop: Shop) -> None:
    campaign = begun(shop, crowd(shop, 2), gift=coupons())
    work()
    found = report(campaign_id=campaign, now=NOON).returns
    assert (found.given, found.cost_fen, found.roi_bp) == (2, 0, None)


def test_messages_cost_when_they_went_out_at_the_price_they_were_planned_at(
    shop: Shop, engine: Engine
) -> None:
    policy(fen_per_1000_wechat=1_500)
    template()
    people = [by_wechat(one, 1) for one in crowd(shop, 3)]
    campaign = begun(shop, people, channel="wechat_subscribe")
    work()
    policy(fen_per_1000_wechat=9_000)
    assert report(campaign_id=campaign, now=NOON).returns.messages_fen == 0
    with engine.begin() as connection:
        sent = "UPDATE messages SET state = 'unknown' WHERE member_id <> :m"
        connection.execute(text(sent), {"m": people[0].member_id})
    found = report(campaign_id=campaign, now=NOON).returns
    assert (found.messages_fen, found.spent_fen) == (3, 5)


def test_with_nobody_held_out_all_that_was_bought_is_the_gain() -> None:
    told = Arm(members=3, revenue_fen=900)
    assert _gain(told, Arm(), 50) == 950
    assert _gain(told, Arm(members=2, revenue_fen=100), 50) == 950 - 150


def test_a_tap_counts_once_and_only_of_who_was_told(shop: Shop) -> None:
    one, held, stranger = crowd(shop, 3)
    campaign = begun(shop, [one, held])
    held_out(campaign, [held])
    with pytest.raises(NotFound):
        opened(campaign_id=campaign, member_id=one.member_id, now=NOON)  # nobody has told them yet
    work()
    fill_inboxes(clock=lambda: NOON)
    path = f"/me/campaigns/{campaign}/opened"
    assert [one.post(path).status_code for _ in range(2)] == [204, 204]
    assert [phone.post(path).status_code for phone in (held, stranger)] == [404, 404]
    for nothing in ("none", "%00", "9" * 400):
        assert one.post(f"/me/campaigns/{nothing}/opened").status_code == 404
    found = report(campaign_id=campaign, now=NOON)
    assert (found.clicked, found.read) == (1, 0)


def test_a_page_names_the_campaign_and_nobody() -> None:
    assert page_from(None, ("campaign", "C")) is None
    assert page_from("pages/code/index", ("campaign", "C")) == "pages/code/index?campaign=C"
    reward = "pages/reward/index?id=1"
    assert page_from(reward, ("campaign", "C")) == f"{reward}&campaign=C"
    assert page_from(reward, ("automation", "7")) == f"{reward}&automation=7"
