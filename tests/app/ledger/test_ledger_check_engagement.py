"""Each question about activities finds the violation it is there for."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from app import clock
from app.audit import OPERATOR
from app.engagement import change
from app.engagement import check_in as story
from app.engagement.lottery_rounds import reveal
from app.ledger.check_engagement import ENGAGEMENT_QUESTIONS
from app.staff.roles import Grant
from tests.app.engagement.offering import CUP, MINUTE, THANKS, asked, live, lottery, play, round_of, work
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.coupons import live_template
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "what an activity gave is in the books, once": [
        "UPDATE activity_grants SET points = points + 1 WHERE source = 'joined'",
        "DELETE FROM activity_grants WHERE source = 'joined'",
        "UPDATE activity_grants SET coupons = 2 WHERE coupons = 1",
        "DELETE FROM coupons WHERE source = 'activity'",
        "UPDATE activity_grants SET chances = chances + 1 WHERE chances > 0",
        "DELETE FROM chance_changes WHERE kind = 'granted'",
    ],
    "what was taken back is in the books": [
        "UPDATE activity_grants SET taken_back_at = NULL, coupons_kept = NULL, chances_kept = NULL",
        "UPDATE activity_grants SET chances_kept = chances_kept + 1 WHERE taken_back_at IS NOT NULL",
        "UPDATE coupons SET state = 'held' WHERE state = 'void'",
        "DELETE FROM ledger_transactions WHERE kind = 'activity_back'",
    ],
    "an activity never gave more than its budget": [
        "UPDATE activity_budgets SET given = given - 1 WHERE given > 0",
        "ALTER TABLE activity_budgets DROP CONSTRAINT ck_activity_budgets_never_over;"
        " UPDATE activity_budgets SET most = 1",
    ],
    "chances are those that were given, and each draw used one or points": [
        "UPDATE activity_members SET chances_given = chances_given + 1",
        "DELETE FROM chance_changes WHERE kind = 'used'",
        "UPDATE lottery_draws SET cost_points = 1 WHERE cost_points = 10",
        "DELETE FROM lottery_draws WHERE cost_points = 10",
    ],
    "no prize was won more often than there were": [
        "UPDATE lottery_stock SET won = 0",
        "DELETE FROM lottery_draws WHERE win_no = 1",
        "ALTER TABLE lottery_stock DROP CONSTRAINT ck_lottery_stock_never_over; UPDATE lottery_stock SET stock = 0",
    ],
    "members' draws are numbered without a gap, within their round and its limits": [
        "DELETE FROM lottery_draws WHERE draw_no = 1",
        "UPDATE lottery_draws SET drawn_at = drawn_at + interval '2 hours'",
        "UPDATE lottery_draws SET nth_of_day = nth_of_day + 5",
    ],
    "a prize is what its number fell on, or the fallback for a reason": [
        "UPDATE lottery_draws SET number = 1000001 WHERE draw_no = 1",
        "UPDATE lottery_draws SET given = 1 WHERE instead = 'used_up'",
        "UPDATE lottery_stock SET stock = 5",
    ],
    "a promotion has its rule while it is on, and none afterwards": [
        "DELETE FROM activity_rules WHERE book = 'earn_rule'",
        "DELETE FROM activity_rules WHERE book = 'discount_rule'",
        "UPDATE activities SET state = 'stopped' WHERE definition -> 'discount' IS NOT NULL",
        "UPDATE activity_rules SET rule_no = rule_no + 100 WHERE book = 'discount_rule'",
        "UPDATE activities SET state = 'stopped' WHERE definition ->> 'points' IS NOT NULL",
        "UPDATE activity_rules SET rule_no = rule_no + 100",
    ],
    "a seed was published before and told after its round": [
        "DELETE FROM lottery_seeds",
        "ALTER TABLE lottery_rounds DROP CONSTRAINT ck_lottery_rounds_seed_is_the_one;"
        " UPDATE lottery_rounds SET seed = decode(repeat('00', 32), 'hex')",
        "ALTER TABLE lottery_rounds DROP CONSTRAINT ck_lottery_rounds_committed_before_it_starts;"
        " UPDATE lottery_rounds SET committed_at = starts_at",
        "INSERT INTO lottery_rounds SELECT 'x', activity_id, activity_version, 2, 2, terms, commitment, committed_at,"
        " starts_at, ends_at, NULL, NULL FROM lottery_rounds",
    ],
    "a day was checked in on the day, or made up within the limits": [
        "ALTER TABLE check_ins DROP CONSTRAINT ck_check_ins_on_its_day;"
        " UPDATE check_ins SET day = day + 1 WHERE make_up_nth IS NULL",
        "DELETE FROM check_ins WHERE grant_id IS NOT NULL",
    ],
    "days that were made up were paid for": [
        "UPDATE check_ins SET cost_points = 0",
        "DELETE FROM check_ins WHERE cost_points > 0",
    ],
    "the guards of activities are in place": [
        "ALTER TABLE activity_grants DISABLE TRIGGER activity_grants_kept",
        "DROP TRIGGER lottery_draws_append_only ON lottery_draws",
        "ALTER TABLE lottery_rounds DROP CONSTRAINT ck_lottery_rounds_seed_is_the_one",
        "ALTER TABLE activity_budgets DROP CONSTRAINT ck_activity_budgets_never_over",
        "ALTER TABLE check_ins DROP CONSTRAINT pk_check_ins",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """Somebody was welcomed, checked in, made up a day, drew, and had a first purchase refunded."""
    template = live_template(clock.now())
    game = lottery(prizes=[CUP | {"weight": 1_000_000}, THANKS])
    round_of(shop, game)
    reward = {"points": 40, "coupon_template": template, "coupons": 1}
    live("welcome", reward=reward | {"lottery": game.id, "chances": 2}, points_most=1_000)
    live("first_order", reward=reward)
    live("promotion", points=2)
    live("promotion", discount={"effect": {"kind": "amount", "off_fen": 1}})
    over = live("promotion", factor_bp=20_000)
    change.stop(activity_id=over.id, version=2, actor=OPERATOR, now=clock.now())
    phone = shop.member()
    sale = shop.till.sell(shop.till.ticket(shop.code(phone)), 5_000).json["id"]
    work(shop.app)
    clerk = shop.person("clerk", Grant("clerk", shop.store.id))
    back = {"refund_no": "R1", "reason": "returned", "staff_no": clerk.staff_no}
    assert shop.till.post(f"/sales/{sale}/refunds", back).status_code == 201
    work(shop.app)
    for n, payment in enumerate(("chance", "points")):
        play(shop, game, phone.member_id, f"k{n}", payment=payment)  # type: ignore[arg-type]
    reveal(vault=shop.parts.seeds, now=clock.now() + 62 * MINUTE)
    _check_in(shop, phone.member_id)
    assert promises_broken(engine) == set()
    return engine


def _check_in(shop: Shop, member_id: int) -> None:
    """In a later month, so that there is a day before in it."""
    now = clock.now()
    later = (now + timedelta(days=40)).replace(day=20)
    daily = live("check_in", days=[{"points": 3}], make_ups_a_month=2, make_up_points=4)
    story.check_in(member_id=member_id, activity_id=daily.id, request=asked(member_id, "in"), now=later)
    story.make_up(
        member_id=member_id,
        activity_id=daily.id,
        day=(later - timedelta(days=1)).date(),
        request=asked(member_id, "up"),
        now=later,
    )


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(ENGAGEMENT_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
