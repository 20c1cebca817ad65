"""Guessing codes: twenty failures in five minutes lock a terminal, fewer while Redis is away."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from sqlalchemy import Engine

import scan_codes
from app import clock
from app.checkout.scan import FAILURES, CodeForged, CodeReplayed, PaymentCode
from app.errors import DomainError, TooMany
from app.stores.tills import Till
from app.throttle import Throttle
from embedded import redis
from embedded.redis import RunningRedis
from scan_codes import KeyRing
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.conftest import key, rows
from tests.racing import race
from tests.shop import Shop


@pytest.fixture
def counters() -> Iterator[RunningRedis]:
    """A Redis of this test's own, to be stopped at will."""
    with redis.start() as running:
        yield running


def forged(now: datetime) -> str:
    return scan_codes.issue(KeyRing.parse(f"1:{key('x')}"), 5, scan_codes.step_of(now))


def guess(shop: Shop, till: Till, throttle: Throttle, times: int) -> list[type[DomainError]]:
    """What so many forged codes are answered."""
    now, met = clock.now(), []
    for _ in range(times):
        with pytest.raises(DomainError) as refusal:
            scan_at(shop, till, forged(now), now, throttle=throttle)
        met.append(refusal.type)
    return met


def test_the_twenty_first_guess_is_not_judged_any_more(shop: Shop) -> None:
    met = guess(shop, till_of(shop.till), shop.parts.throttle, 23)
    assert met == [CodeForged] * 20 + [TooMany] * 3


def test_a_locked_terminal_refuses_good_codes_and_others_go_on(shop: Shop) -> None:
    guess(shop, till_of(shop.till), shop.parts.throttle, 20)
    code = shop.code(shop.member())
    locked = shop.till.scan(code)
    assert (locked.status_code, locked.json["code"], locked.headers["Retry-After"]) == (
        429,
        "too_many_requests",
        str(FAILURES.per_s),
    )
    assert shop.add_till("S001", "T2").scan(code).status_code == 201


def test_mistyped_codes_payment_codes_and_good_scans_do_not_lock(shop: Shop) -> None:
    till, now = till_of(shop.till), clock.now()
    for _ in range(FAILURES.amount + 5):
        with pytest.raises(PaymentCode):
            scan_at(shop, till, "134567890123456789", now)
        assert shop.till.scan("12345").json["code"] == "code_malformed"
    assert shop.till.scan(shop.code(shop.member())).status_code == 201


def test_a_retry_that_finds_its_ticket_is_no_failure(shop: Shop) -> None:
    code = shop.code(shop.member())
    answers = [shop.till.scan(code, idempotency_key="k").status_code for _ in range(FAILURES.amount + 5)]
    assert set(answers) == {201}


def test_with_redis_stopped_half_as_many_guesses_lock(shop: Shop, counters: RunningRedis) -> None:
    throttle, till = Throttle(counters.url), till_of(shop.till)
    counters.stop()
    assert guess(shop, till, throttle, 12) == [CodeForged] * 10 + [TooMany] * 2


def test_with_redis_stopped_scans_and_sales_go_on(shop: Shop, counters: RunningRedis) -> None:
    throttle, till, now = Throttle(counters.url), till_of(shop.till), clock.now()
    before = scan_at(shop, till, shop.code(shop.member(), at=now), now, throttle=throttle)
    counters.stop()
    after = scan_at(shop, till, shop.code(shop.member(), at=now), now, throttle=throttle)
    assert [sell_at(till, ticket, 700, now).points_earned for ticket in (before.ticket, after.ticket)] == [
        7,
        7,
    ]


def test_with_redis_stopped_a_code_is_still_taken_once(
    shop: Shop, counters: RunningRedis, engine: Engine
) -> None:
    tills = [till_of(shop.till), till_of(shop.add_till("S001", "T2")), till_of(shop.add_till("S001", "T3"))]
    throttle, now, phone = Throttle(counters.url), clock.now(), shop.member()
    code = shop.code(phone, at=now)
    counters.stop()

    def take(number: int) -> str:
        try:
            scan_at(shop, tills[number % 3], code, now, throttle=throttle)
        except (CodeReplayed, TooMany) as refusal:
            return refusal.code
        return "taken"

    answers = race(16, take)
    assert answers.count("taken") == 1
    assert answers.count("code_replayed") == 15
    assert rows(engine, "SELECT count(*) FROM code_uses") == [(1,)]


def test_uses_before_redis_stopped_are_remembered(shop: Shop, counters: RunningRedis) -> None:
    throttle, till, now, phone = Throttle(counters.url), till_of(shop.till), clock.now(), shop.member()
    code = shop.code(phone, at=now)
    scan_at(shop, till, code, now, throttle=throttle)
    counters.stop()
    with pytest.raises(CodeReplayed):
        scan_at(shop, till, code, now, throttle=throttle)
