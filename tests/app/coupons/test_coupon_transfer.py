"""Passing coupons on: one link, one taker, and nothing that was used meanwhile."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text

from app import clock, idempotency
from app.coupons import transfer
from app.coupons.transfer import (
    OFFER_LIFE,
    OFFERS,
    CouponNotTransferable,
    CouponOfferOver,
    CouponOfferOwn,
    Offered,
    Taken,
)
from app.errors import DomainError, NotFound, TooMany
from tests.conftest import rows
from tests.coupons import give, live_template, use
from tests.racing import race
from tests.shop import Shop


def offered(shop: Shop, member_id: int, coupon_id: str, **changes: Any) -> Offered:
    given: dict[str, Any] = {"throttle": shop.parts.throttle, "now": clock.now()} | changes
    return transfer.offer(member_id=member_id, coupon_id=coupon_id, **given)


def taken(shop: Shop, member_id: int, secret: str, key: str = "k", **changes: Any) -> Taken:
    request = idempotency.Request(scope=f"member:{member_id}", key=key, hash=b"h" * 32)
    given: dict[str, Any] = {"throttle": shop.parts.throttle, "now": clock.now()} | changes
    return transfer.take(member_id=member_id, secret=secret, request=request, **given)


def outcome(run: Any) -> str:
    try:
        run()
    except DomainError as error:
        return error.code
    return "taken"


def a_coupon(member_id: int, **face: Any) -> str:
    now = clock.now()
    [coupon_id] = give(live_template(now, transferable=True, **face), member_id, now)
    return coupon_id


def test_a_friend_takes_the_coupon_once_and_the_secret_is_not_kept(shop: Shop, engine: Engine) -> None:
    owner, friend, late = (shop.member().member_id for _ in range(3))
    coupon = a_coupon(owner)
    link = offered(shop, owner, coupon)
    assert rows(engine, f"SELECT 1 FROM coupons c WHERE c::text LIKE '%{link.secret}%'") == []
    first = taken(shop, friend, link.secret)
    assert taken(shop, friend, link.secret) == first
    with pytest.raises(CouponOfferOver):
        taken(shop, late, link.secret)
    with pytest.raises(NotFound):
        offered(shop, owner, coupon)
    assert rows(engine, "SELECT member_id, issued_to, offer_hash, state FROM coupons") == [
        (friend, owner, None, "held")
    ]
    assert rows(engine, "SELECT kind, member_id FROM coupon_events ORDER BY id") == [
        ("issued", owner),
        ("offered", owner),
        ("transferred", friend),
    ]


def test_who_may_offer_what(shop: Shop) -> None:
    now = clock.now()
    owner, other = shop.member().member_id, shop.member().member_id
    [kept] = give(live_template(now), owner, now)
    used, ended = a_coupon(owner), a_coupon(owner, validity={"kind": "days", "days": 1})
    assert use(shop, used, owner)
    with pytest.raises(CouponNotTransferable):
        offered(shop, owner, kept)
    with pytest.raises(CouponNotTransferable):
        offered(shop, owner, used)
    with pytest.raises(CouponNotTransferable):
        offered(shop, owner, ended, now=now + timedelta(days=2))
    with pytest.raises(NotFound):
        offered(shop, other, ended)
    with pytest.raises(NotFound):
        transfer.withdraw(member_id=other, coupon_id=ended)


def test_links_end_by_time_by_another_link_by_withdrawal_and_by_use(shop: Shop) -> None:
    owner, friend = shop.member().member_id, shop.member().member_id
    coupon, now = a_coupon(owner), clock.now()
    first = offered(shop, owner, coupon, now=now)
    with pytest.raises(CouponOfferOwn):
        taken(shop, owner, first.secret)
    with pytest.raises(CouponOfferOver):
        taken(shop, friend, first.secret, now=now + OFFER_LIFE)
    second = offered(shop, owner, coupon)
    with pytest.raises(CouponOfferOver):
        taken(shop, friend, first.secret)
    transfer.withdraw(member_id=owner, coupon_id=coupon)
    transfer.withdraw(member_id=owner, coupon_id=coupon)
    with pytest.raises(CouponOfferOver):
        taken(shop, friend, second.secret)
    third = offered(shop, owner, coupon)
    assert use(shop, coupon, owner)
    with pytest.raises(CouponOfferOver):
        taken(shop, friend, third.secret)


def test_nobody_offers_without_end(shop: Shop) -> None:
    owner = shop.member().member_id
    coupon = a_coupon(owner)
    for _ in range(OFFERS.amount):
        offered(shop, owner, coupon)
    with pytest.raises(TooMany):
        offered(shop, owner, coupon)


def test_of_many_friends_with_one_link_one_gets_the_coupon(shop: Shop, engine: Engine) -> None:
    owner, *friends = (shop.member().member_id for _ in range(17))
    link = offered(shop, owner, a_coupon(owner))
    found = race(16, lambda n: outcome(lambda: taken(shop, friends[n], link.secret)))
    assert sorted(found) == ["coupon_offer_over"] * 15 + ["taken"]
    assert rows(engine, "SELECT count(*) FROM coupon_events WHERE kind = 'transferred'") == [(1,)]


def test_a_coupon_is_taken_or_used_and_never_both(shop: Shop, engine: Engine) -> None:
    owner, *friends = (shop.member().member_id for _ in range(16))
    for _ in range(5):
        coupon = a_coupon(owner)
        link = offered(shop, owner, coupon)

        def run(number: int, coupon: str = coupon, secret: str = link.secret) -> bool:
            if number < 8:
                return use(shop, coupon, owner)
            return outcome(lambda: taken(shop, friends[number - 1], secret, secret)) == "taken"

        assert sum(race(16, run)) == 1
    assert rows(engine, "SELECT 1 FROM coupons WHERE state = 'used' AND member_id <> issued_to") == []


class TestWithoutTheGuard:
    """The control: looking first and taking afterwards gives one coupon to many."""

    @pytest.fixture
    def engine(self, unaudited_engine: Engine) -> Engine:
        return unaudited_engine

    def test_many_friends_are_told_that_it_is_theirs(
        self, shop: Shop, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            transfer,
            "_TAKE",
            text("""
                WITH seen AS (SELECT id FROM coupons WHERE offer_hash = :hash AND state = 'held'
                        AND valid_until > :now AND :now < offer_until AND pg_sleep(0.05)::text = ''),
                    moved AS (UPDATE coupons c SET member_id = :member_id FROM seen WHERE c.id = seen.id)
                SELECT c.id, c.face_id, c.valid_from, c.valid_until FROM coupons c JOIN seen ON seen.id = c.id"""),
        )
        owner, *friends = (shop.member().member_id for _ in range(17))
        link = offered(shop, owner, a_coupon(owner))
        found = race(16, lambda n: outcome(lambda: taken(shop, friends[n], link.secret)))
        assert found.count("taken") > 1
