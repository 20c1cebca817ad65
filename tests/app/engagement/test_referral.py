"""Members bring members: both are rewarded for the first purchase that is large enough, once, and not for tricks."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, text

from app import clock, db
from app.audit import OPERATOR
from app.engagement import referral_staff
from app.engagement.change import stop
from app.engagement.definitions import ActivityMalformed, definition_of
from app.engagement.referral_join import arrived, prune_devices
from app.members.profile import PhoneInUse
from app.staff.roles import Grant
from app.withdrawal import withdraw
from tests.adjusting import member_no
from tests.app.engagement.inviting import brought, referral, states
from tests.app.engagement.offering import THANKS, lottery, play, round_of, work
from tests.app.engagement.test_gifts import points, refund, sell
from tests.conftest import rows
from tests.coupons import live_template
from tests.phones import bound
from tests.shop import BOSS, Shop


def test_the_first_purchase_that_is_large_enough_brings_both_a_reward_once(
    shop: Shop, engine: Engine
) -> None:
    template = live_template(clock.now())
    referral(inviter={"points": 30, "coupon_template": template, "coupons": 1})
    inviter = shop.member()
    friend = brought(shop, inviter)
    sell(shop, friend, 900)
    work(shop.app)
    assert states(engine) == [("pending", None)]
    assert points(inviter) == 0
    second = sell(shop, friend, 1_000, 1)
    sell(shop, friend, 5_000, -1)
    work(shop.app)
    work(shop.app)
    assert (points(inviter), points(friend)) == (30, 9 + 10 + 50 + 20)
    assert rows(engine, "SELECT issued_to FROM coupons") == [(inviter.member_id,)]
    assert rows(engine, "SELECT state, sale_id, nth, nth_of_day FROM referrals") == [
        ("rewarded", second, 1, 1)
    ]


def test_who_was_brought_by_nobody_or_bought_too_late_brings_nothing(shop: Shop, engine: Engine) -> None:
    then = clock.now() - timedelta(days=1, seconds=1)
    referral(window_days=1, starts_at=then)
    inviter = shop.member()
    with engine.begin() as connection:
        connection.execute(text("UPDATE members SET joined_at = :then"), {"then": then})
    friend = brought(shop, inviter, now=then)
    for phone in (friend, shop.member()):
        sell(shop, phone, 5_000)
    work(shop.app)
    assert states(engine) == [("pending", None)]
    assert (points(inviter), points(friend)) == (0, 50)


def test_only_purchases_that_its_conditions_name_count(shop: Shop, engine: Engine) -> None:
    other = shop.open_store("S002")
    referral(conditions={"stores": [other.id]})
    friend = brought(shop, shop.member())
    sell(shop, friend, 5_000)
    work(shop.app)
    assert states(engine) == [("pending", None)]
    till = shop.add_till("S002", "T1")
    assert till.sell(till.ticket(shop.code(friend, steps=1)), 5_000).status_code == 201
    work(shop.app)
    assert states(engine) == [("rewarded", None)]


def test_a_refund_that_leaves_too_little_takes_both_back_once(shop: Shop, engine: Engine) -> None:
    template = live_template(clock.now())
    referral(newcomer={"points": 20, "coupon_template": template, "coupons": 1})
    inviter = shop.member()
    friend = brought(shop, inviter)
    sale = sell(shop, friend, 2_000)
    work(shop.app)
    refund(shop, sale, amount_fen=1_000)
    work(shop.app)
    assert states(engine) == [("rewarded", None)]
    refund(shop, sale, refund_no="R-more", amount_fen=100)
    work(shop.app)
    work(shop.app)
    assert states(engine) == [("taken_back", None)]
    assert (points(inviter), points(friend)) == (0, 9)
    assert rows(engine, "SELECT state FROM coupons") == [("void",)]
    assert rows(engine, "SELECT count(*) FROM ledger_transactions WHERE kind = 'activity_back'") == [(2,)]


def test_what_was_spent_of_a_reward_that_is_taken_back_is_owed(shop: Shop, engine: Engine) -> None:
    referral()
    inviter = shop.member()
    friend = brought(shop, inviter)
    sale = sell(shop, friend, 1_000)
    work(shop.app)
    prizes = lottery(cost_points=30, prizes=[THANKS], fallback=1)
    round_of(shop, prizes)
    play(shop, prizes, inviter.member_id, "k")
    refund(shop, sale)
    work(shop.app)
    assert inviter.get("/me/points").json["owed"] == 30


def test_a_purchase_after_a_refund_counts_but_not_against_the_caps_again(shop: Shop, engine: Engine) -> None:
    referral(most=1)
    inviter = shop.member()
    friend = brought(shop, inviter)
    refund(shop, sell(shop, friend, 2_000), "void")
    work(shop.app)
    sale = sell(shop, friend, 3_000, 1)
    work(shop.app)
    assert states(engine) == [("rewarded", None)]
    refund(shop, sale)
    work(shop.app)
    assert states(engine) == [("taken_back", None)]
    sell(shop, friend, 4_000, -1)
    work(shop.app)
    assert states(engine) == [("rewarded", None)]
    assert (points(inviter), rows(engine, "SELECT nth FROM referrals")) == (30, [(1,)])


def test_what_gives_too_much_in_a_day_or_in_all_is_blocked(shop: Shop, engine: Engine) -> None:
    referral(most_a_day=1, most=2)
    inviter = shop.member()
    friends = [brought(shop, inviter) for _ in range(3)]
    for friend in friends[:2]:
        sell(shop, friend, 1_000)
        work(shop.app)
    tomorrow = clock.now() + timedelta(days=1)
    sell(shop, friends[2], 1_000)
    work(shop.app, now=tomorrow)
    assert states(engine) == [("rewarded", None), ("blocked", "day_cap"), ("rewarded", None)]
    assert rows(engine, "SELECT count(*) FROM activity_grants WHERE member_id = 1") == [(2,)]
    brought(shop, inviter)  # known to bring nothing when they join
    assert states(engine)[-1] == ("blocked", "cap")


def test_staff_are_given_nothing_for_whom_they_bring(shop: Shop, engine: Engine) -> None:
    referral()
    inviter, clerk = shop.member(), shop.person("mei", Grant("clerk", shop.store.id))
    early = brought(shop, inviter)
    referral_staff.add(staff_id=clerk.id, member_no=member_no(inviter), boss=BOSS, now=clock.now())
    brought(shop, inviter)
    sell(shop, early, 1_000)
    work(shop.app)
    assert states(engine) == [("blocked", "staff"), ("blocked", "staff")]
    assert points(inviter) == 0
    other = shop.person("lin", Grant("clerk", shop.store.id))
    with pytest.raises(referral_staff.MembershipTaken):
        referral_staff.add(staff_id=other.id, member_no=member_no(inviter), boss=BOSS, now=clock.now())


def test_the_same_person_or_device_does_not_count(shop: Shop, engine: Engine) -> None:
    referral()
    inviter = shop.member()
    known = brought(shop, inviter, device=b"d" * 16, union="one")
    brought(shop, inviter, device=b"d" * 16)
    brought(shop, inviter, device=b"e" * 16, union="one")
    brought(shop, known, union="one")
    assert [reason for _, reason in states(engine)] == [None, "same_device", "same_person", "self"]


def test_a_number_of_another_member_blocks_whoever_wanted_to_bind_it(shop: Shop, engine: Engine) -> None:
    referral(phone_needed=True)
    inviter = shop.member()
    former = bound(shop, shop.member())
    withdraw(member_id=former.member_id, now=clock.now())
    again, honest = brought(shop, inviter), brought(shop, inviter)
    for friend in (again, honest):
        sell(shop, friend, 1_000)
    with pytest.raises(PhoneInUse):
        bound(shop, again)
    work(shop.app)
    assert states(engine) == [("blocked", "same_phone"), ("pending", None)]
    bound(shop, honest, "+8613900139000")
    work(shop.app)
    assert states(engine)[1] == ("rewarded", None)


def test_an_inviter_who_left_and_an_activity_that_was_stopped_give_nothing(
    shop: Shop, engine: Engine
) -> None:
    activity = referral()
    inviter, gone = shop.member(), shop.member()
    lost, waiting = brought(shop, gone), brought(shop, inviter)
    withdraw(member_id=gone.member_id, now=clock.now())
    sell(shop, lost, 1_000)
    work(shop.app)
    stop(activity_id=activity.id, version=activity.version, actor=OPERATOR, now=clock.now())
    sell(shop, waiting, 1_000)
    work(shop.app)
    assert states(engine) == [("blocked", "inviter_inactive"), ("pending", None)]


def test_a_budget_that_does_not_suffice_for_both_gives_neither(shop: Shop, engine: Engine) -> None:
    referral(points_most=49)
    inviter = shop.member()
    sell(shop, brought(shop, inviter), 1_000)
    work(shop.app)
    assert states(engine) == [("pending", None)]
    assert rows(engine, "SELECT count(*) FROM activity_grants") == [(0,)]
    assert rows(engine, "SELECT state FROM activities") == [("stopped",)]


def test_who_invited_is_written_once_and_never_changed(shop: Shop, engine: Engine) -> None:
    referral()
    inviter, friend = shop.member(), brought(shop, shop.member())
    with db.transaction() as session:
        code = session.execute(text("SELECT code FROM invite_codes")).scalar_one()
        again = arrived(session, inviter.member_id, "member", invite=code, device=None, now=clock.now())
        assert again == "member"
        assert (
            arrived(session, friend.member_id, "joined", invite=code, device=None, now=clock.now()) == "noted"
        )
    assert len(states(engine)) == 1
    with pytest.raises(Exception, match="referrals"), engine.begin() as connection:
        connection.execute(text("UPDATE referrals SET inviter_id = :id"), {"id": inviter.member_id})


def test_few_devices_are_kept_and_not_for_ever(shop: Shop, engine: Engine) -> None:
    phone, now = shop.member(), clock.now()
    for day in range(8):
        with db.transaction() as session:
            at = now + timedelta(days=day)
            arrived(session, phone.member_id, "member", invite=None, device=bytes([day]) * 16, now=at)
    kept = "SELECT get_byte(device, 0) FROM member_devices ORDER BY seen_at"
    assert rows(engine, kept) == [(3,), (4,), (5,), (6,), (7,)]
    assert prune_devices(before=now + timedelta(days=6)) == 3


def test_a_referral_that_gives_nothing_or_asks_for_nothing_is_malformed() -> None:
    for what in ({"at_least_fen": 100}, {"at_least_fen": 0, "inviter": {"points": 1}}):
        with pytest.raises(ActivityMalformed):
            definition_of("referral", what)
