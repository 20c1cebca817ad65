"""Workers that look at the same purchase, and newcomers of one inviter who buy at once."""

from collections import Counter

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from app import clock, db
from app.engagement import referral as rules
from tests.app.engagement.inviting import brought, referral, states
from tests.app.engagement.test_gifts import points, sell
from tests.conftest import rows
from tests.racing import race
from tests.shop import Phone, Shop

CROWD = 16


def settled(referral_id: str) -> str:
    """What a worker does about one purchase; another worker may be at it."""
    try:
        with db.transaction() as session:
            rules.settle(referral_id, session, clock.now())
        return "done"
    except IntegrityError:
        return "schema"


def one_referral(shop: Shop, engine: Engine) -> tuple[Phone, Phone, str]:
    """An inviter, whom they brought and who has bought, and the referral."""
    referral()
    inviter = shop.member()
    friend = brought(shop, inviter)
    sell(shop, friend, 1_000)
    [(referral_id,)] = rows(engine, "SELECT id FROM referrals")
    return inviter, friend, str(referral_id)


def crowd(shop: Shop, engine: Engine) -> list[str]:
    """Of one inviter who is rewarded three times at most; all have bought."""
    referral(most=3, most_a_day=3)
    inviter = shop.member()
    for friend in [brought(shop, inviter) for _ in range(CROWD)]:
        sell(shop, friend, 1_000)
    return [str(row[0]) for row in rows(engine, "SELECT id FROM referrals")]


def test_many_workers_at_one_purchase_give_each_reward_once(shop: Shop, engine: Engine) -> None:
    inviter, friend, referral_id = one_referral(shop, engine)
    assert race(CROWD, lambda _: settled(referral_id)) == ["done"] * CROWD
    assert (points(inviter), points(friend)) == (30, 10 + 20)


def test_newcomers_who_buy_at_once_never_bring_more_than_the_cap(shop: Shop, engine: Engine) -> None:
    ids = crowd(shop, engine)
    assert race(CROWD, lambda n: settled(ids[n])) == ["done"] * CROWD
    assert Counter(states(engine)) == {("rewarded", None): 3, ("blocked", "cap"): CROWD - 3}
    assert rows(engine, "SELECT count(*) FROM activity_grants") == [(6,)]
