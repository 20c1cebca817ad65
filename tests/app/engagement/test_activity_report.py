"""The report of an activity, on figures that were worked out by hand."""

from datetime import date
from typing import Any

from sqlalchemy import Engine, event, text

from app import clock, db
from app.audit import OPERATOR
from app.clock import HOME_ZONE, business_date
from app.engagement import change
from app.engagement.activity import Activity
from app.engagement.bought import Bought
from app.engagement.report import Budget, Cost, Report, report
from app.settlement.policy import SettlementPolicy
from tests.app.engagement.offering import MINUTE, THANKS, draft, live, lottery, play, round_of, work
from tests.app.engagement.test_gifts import refund, sell
from tests.conftest import rows
from tests.coupons import live_template, use
from tests.quoting import quoted, taken
from tests.rewards import exchanged, mugs
from tests.shop import Shop


def told(activity_id: str) -> Report:
    """A minute later: so that what was a moment before it is within as long before."""
    return report(activity_id=activity_id, now=clock.now() + MINUTE)


def today() -> date:
    return business_date(clock.now(), HOME_ZONE)


def made(what: dict[str, Any]) -> Activity:
    now = clock.now()
    return change.create(draft=draft("welcome", now=now, **what), actor=OPERATOR, now=now)


def write(statement: str) -> None:
    with db.transaction() as session:
        session.execute(text(statement))


def test_a_promotion_counts_the_lines_that_name_its_rule(shop: Shop, engine: Engine) -> None:
    """Ann buys for ¥20 before it, for ¥30 and ¥10 during it, and brings ¥10 back; Bob buys for ¥7; Eve is not gold."""
    shop.tier("gold")
    ann, bob, eve = (shop.member(name) for name in ("Ann", "Bob", "Eve"))
    write("UPDATE members SET tier_id = (SELECT id FROM tiers WHERE code = 'gold') WHERE name <> 'Eve'")
    sell(shop, ann, 2_000, -1)
    activity = live(
        "promotion", starts_at=clock.now(), factor_bp=30_000, points_most=200, conditions={"tiers": ["gold"]}
    )
    sell(shop, ann, 3_000)
    ten = sell(shop, ann, 1_000, 1)
    other = shop.open_store("S002")
    till = shop.add_till("S002", "T1")
    assert till.sell(till.ticket(shop.code(bob)), 700).status_code == 201
    sell(shop, eve, 4_000)
    refund(shop, ten)
    found = told(activity.id)
    assert (found.reached, found.members, found.times, found.points) == (2, 2, 3, 2 * (30 + 7))
    assert [(one.store_id, one.members, one.times) for one in found.stores] == [
        (shop.store.id, 1, 2),
        (other.id, 1, 1),
    ]
    assert [(one.day, one.members, one.times) for one in found.days] == [(today(), 2, 3)]
    assert found.during == Bought(buyers=2, purchases=2, amount_fen=3_700)
    assert found.before == Bought(buyers=1, purchases=1, amount_fen=2_000)
    assert (found.points_budget, found.points_budget.left) == (Budget(most=200, given=94), 106)
    assert found.cost == Cost(
        points_fen=74, coupons_given_fen=0, coupons_used_fen=0, goods_fen=0, discounts_fen=0
    )


def test_of_a_promotions_points_those_of_refunds_are_not_told(shop: Shop, engine: Engine) -> None:
    """¥29.67 brings 89, 59 of them by the rule; with ¥10 of it 29 go back, 19.2 of which are the rule's."""
    activity = live("promotion", starts_at=clock.now(), factor_bp=30_000)
    ann, bob = shop.member("Ann"), shop.member("Bob")
    sale = sell(shop, ann, 2_967)
    back = sell(shop, bob, 1_500)
    refund(shop, sale, amount_fen=1_000)
    assert rows(engine, "SELECT points FROM refunds") == [(29,)]
    assert told(activity.id).points == 40 + 30
    refund(shop, back, amount_fen=900)
    refund(shop, back, refund_no="R2")
    found = told(activity.id)
    assert (found.points, found.cost.points_fen) == (40, 40)
    assert found.points_budget == Budget(most=None, given=59 + 30)
    assert found.during == Bought(buyers=1, purchases=1, amount_fen=1_967)


def test_a_welcome_reaches_who_joined_while_it_was_on(shop: Shop, engine: Engine) -> None:
    """One was there before, one joins before it begins, two while it is on, one when it has been stopped."""
    shop.member()
    draft = made(welcome := {"reward": {"points": 5}})
    shop.member()
    assert told(draft.id).reached == 0
    change.publish(activity_id=draft.id, version=1, actor=OPERATOR, now=clock.now())
    shop.member()
    shop.member()
    assert told(draft.id).reached == 2
    later = live("welcome", starts_at=clock.now() + MINUTE, **welcome)
    change.stop(activity_id=draft.id, version=2, actor=OPERATOR, now=clock.now())
    shop.member()
    assert (told(draft.id).reached, told(later.id).reached) == (2, 0)


def test_what_a_promotion_took_off_is_a_cost_but_for_what_went_back(shop: Shop, engine: Engine) -> None:
    """A tenth of ¥39.99 for each of two, one of whom brings all of it back; a third buys before it is on."""
    taken(shop, quoted(shop, shop.member("Eve")))
    activity = live(
        "promotion",
        starts_at=clock.now(),
        discount={"effect": {"kind": "percent", "percent_bp": 1_000}},
    )
    sale, back = (taken(shop, quoted(shop, shop.member(name))) for name in ("Ann", "Bob"))
    refund(shop, back["id"])
    found = told(activity.id)
    assert (found.members, found.times, found.points) == (2, 2, 0)
    assert found.cost.discounts_fen == sale["discount_fen"] == 399
    assert found.cost.total_fen == 399
    assert found.during == Bought(buyers=1, purchases=1, amount_fen=3_600)


def test_a_bill_of_nothing_that_was_taken_back_cost_nothing(shop: Shop, engine: Engine) -> None:
    activity = live("promotion", discount={"effect": {"kind": "amount", "off_fen": 10_000}})
    sale = taken(shop, quoted(shop, shop.member("Ann")))
    assert (sale["amount_fen"], told(activity.id).cost.discounts_fen) == (0, 3_999)
    refund(shop, sale["id"], reason="void")
    assert told(activity.id).cost.discounts_fen == 0


def test_points_cost_what_the_policy_says_and_coupons_what_they_took_off(shop: Shop, engine: Engine) -> None:
    """Two join: 40 points and a gift worth ¥12 each, of which one is fetched."""
    bag = {"kind": "gift", "item_zh": "布袋", "item_en": "Bag"}
    template = live_template(
        clock.now(), name_zh="布袋", name_en="Bag", effect=bag, use_value_fen=1_200, without_sale=True
    )
    reward = {"points": 40, "coupon_template": template, "coupons": 1}
    activity = live("welcome", reward=reward, points_most=100, coupons_most=5)
    ann = shop.member("Ann")
    shop.member("Bob")
    work(shop.app)
    write(
        "INSERT INTO policies (name, version, value, created_at)"
        f" VALUES ('{SettlementPolicy.NAME}', 1, '{{\"fen_per_1000_points\": 2500}}', now())"
    )
    with db.reading() as connection:
        [coupon] = connection.execute(
            text("SELECT id FROM coupons WHERE member_id = :id"), {"id": ann.member_id}
        ).scalars()
    assert use(shop, coupon, ann.member_id)
    found = told(activity.id)
    assert (found.members, found.points, found.coupons, found.coupons_used) == (2, 80, 2, 1)
    assert found.cost == Cost(
        points_fen=200, coupons_given_fen=2_400, coupons_used_fen=1_200, goods_fen=0, discounts_fen=0
    )
    assert found.cost.total_fen == 1_400
    assert [(one.store_id, one.members) for one in found.stores] == [(None, 2)]
    assert (found.points_budget.left, found.coupons_budget.left) == (20, 3)
    assert (found.reached, found.during, found.before) == (2, Bought(), Bought())


def test_a_first_purchase_stands_where_it_was_made(shop: Shop, engine: Engine) -> None:
    activity = live("first_order", reward={"points": 5})
    sell(shop, shop.member("Ann"), 900)
    back = shop.member("Bob")
    sale = sell(shop, back, 800)
    work(shop.app)
    refund(shop, sale)
    work(shop.app)
    found = told(activity.id)
    assert [(one.store_id, one.times) for one in found.stores] == [(shop.store.id, 2)]
    assert (found.members, found.points, found.taken_back) == (2, 5, 1)
    assert found.during == Bought(buyers=1, purchases=1, amount_fen=900)


def test_a_lottery_and_a_festival_tell_what_members_paid(shop: Shop, engine: Engine) -> None:
    mug, ann, bob = mugs(shop, stock=9), shop.member("Ann"), shop.member("Bob")
    festival = live("promotion", items=[mug.item_id])
    game = lottery(prizes=[THANKS | {"reward": {"points": 3}}], fallback=1)
    round_of(shop, game)
    shop.earn(ann, 300)
    shop.earn(bob, 120)
    exchanged(ann, mug)
    exchanged(ann, mug)
    exchanged(bob, mug)
    play(shop, game, ann.member_id, "k1")
    drawn, mall = told(game.id), told(festival.id)
    assert (drawn.members, drawn.times, drawn.points, drawn.points_paid) == (1, 1, 3, 10)
    assert (mall.members, mall.times, mall.points, mall.points_paid) == (2, 3, 0, 300)
    assert [(one.store_id, one.members, one.times) for one in mall.stores] == [(shop.store.id, 2, 3)]


def test_those_it_is_for_are_counted_by_tier_birthday_points_and_home(shop: Shop, engine: Engine) -> None:
    day = today()
    ann, bob, eve = (shop.member(name) for name in ("Ann", "Bob", "Eve"))
    write(f"UPDATE members SET birthday = '1992-{day:%m-%d}' WHERE name = 'Ann'")
    write(f"UPDATE members SET birthday = '1990-{(day.month % 12) + 1:02}-15' WHERE name = 'Bob'")
    write(f"UPDATE members SET home_store_id = {shop.store.id} WHERE name <> 'Eve'")
    shop.earn(bob, 50)
    ends = clock.now() + MINUTE
    reached = {
        name: told(live("check_in", days=[{"points": 1}], ends_at=ends, **what).id).reached
        for name, what in {
            "all": {},
            "gold": {"conditions": {"tiers": ["gold"]}},
            "birthday": {"conditions": {"birthday": "day"}},
            "month": {"conditions": {"birthday": "month"}},
            "home": {"conditions": {"stores": [shop.store.id]}},
            "rich": {"points_at_least": 50},
        }.items()
    }
    assert reached == {"all": 3, "gold": 0, "birthday": 1, "month": 1, "home": 2, "rich": 1}
    assert ann.member_id != eve.member_id


def test_a_report_is_a_handful_of_statements(shop: Shop, engine: Engine) -> None:
    activity = live("promotion", factor_bp=20_000)
    for _ in range(3):
        shop.earn(shop.member(), 10)
    seen: list[str] = []

    def note(*given: Any) -> None:
        seen.append(given[2])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        told(activity.id)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    assert len(seen) <= 7
