"""Guessing codes: twenty wrong guesses in five minutes lock a terminal, fewer while Redis is away."""

import itertools
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Literal

import pytest
import time_machine
from sqlalchemy import Engine

import scan_codes
from app import clock
from app.checkout.scan import FAILURES, CodeExpired, CodeForged, CodeNotYet, CodeReplayed, PaymentCode
from app.errors import DomainError, TooMany
from app.stores.tills import Till
from app.throttle import Limit, Throttle
from embedded import redis
from embedded.redis import RunningRedis
from scan_codes import KeyRing
from tests.app.checkout.till_side import scan_at, sell_at, till_of
from tests.conftest import key, rows
from tests.racing import PATIENCE_S, race
from tests.shop import Shop


@pytest.fixture
def counters() -> Iterator[RunningRedis]:
    """A Redis of this test's own, to be stopped at will."""
    with redis.start() as running:
        yield running


_members = itertools.count(1)


def forged(now: datetime) -> str:
    """Another one each time."""
    return scan_codes.issue(KeyRing.parse(f"1:{key('x')}"), next(_members), scan_codes.step_of(now))


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


def guess_together(shop: Shop, throttle: Throttle) -> list[str]:
    """What thirty-two forged codes of one moment are answered."""
    till, now = till_of(shop.till), clock.now()
    codes = [forged(now) for _ in range(32)]

    def one(number: int) -> str:
        with pytest.raises(DomainError) as refusal:
            scan_at(shop, till, codes[number], now, throttle=throttle)
        return refusal.value.code

    return race(32, one)


def test_of_guesses_at_once_no_more_than_twenty_are_judged(shop: Shop) -> None:
    answers = guess_together(shop, shop.parts.throttle)
    assert (answers.count("code_forged"), answers.count("too_many_requests")) == (20, 12)


def test_counting_after_a_look_would_judge_more_of_them(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: all have looked before the first one counts."""
    throttle, all_have_looked = shop.parts.throttle, threading.Barrier(32)

    def look_then_count(limit: Limit, *who: object) -> None:
        full = throttle.used_up(limit, *who)
        all_have_looked.wait(PATIENCE_S)
        if full:
            raise TooMany(retry_after_s=limit.per_s)
        throttle._ask("hit", limit, who)

    monkeypatch.setattr(throttle, "hit", look_then_count)
    assert guess_together(shop, throttle).count("code_forged") == 32


def test_old_screens_screenshots_and_used_codes_do_not_lock(shop: Shop) -> None:
    till, now, phone = till_of(shop.till), clock.now(), shop.member()
    used, old = shop.code(phone, at=now), shop.code(phone, at=now - timedelta(minutes=5))
    scan_at(shop, till, used, now)
    for _ in range(FAILURES.amount + 5):
        with pytest.raises(CodeReplayed):
            scan_at(shop, till, used, now)
        with pytest.raises(CodeExpired):
            scan_at(shop, till, old, now)
    assert shop.till.scan(shop.code(shop.member())).status_code == 201


def test_codes_from_the_future_lock_as_forged_ones_do(shop: Shop) -> None:
    till, now = till_of(shop.till), clock.now()
    early = [shop.code(shop.member(), at=now + timedelta(minutes=5)) for _ in range(FAILURES.amount + 1)]
    for code in early[:-1]:
        with pytest.raises(CodeNotYet):
            scan_at(shop, till, code, now)
    with pytest.raises(TooMany):
        scan_at(shop, till, early[-1], now)


def test_a_locked_terminal_still_repeats_the_answer_of_a_scan_that_succeeded(shop: Shop) -> None:
    code = shop.code(shop.member())
    first = shop.till.scan(code, idempotency_key="k")
    guess(shop, till_of(shop.till), shop.parts.throttle, 20)
    again = shop.till.scan(code, idempotency_key="k")
    assert (again.status_code, again.data) == (201, first.data)
    assert shop.till.scan(code, idempotency_key="another").status_code == 429


def test_a_good_scan_asks_redis_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    ask = shop.parts.throttle._ask

    def noted(verb: Literal["hit", "test"], *given: Any, **options: Any) -> bool:
        asked.append(verb)
        return ask(verb, *given, **options)

    monkeypatch.setattr(shop.parts.throttle, "_ask", noted)
    shop.till.scan(shop.code(shop.member()))
    assert asked == ["test"]
    shop.till.scan(forged(clock.now()))
    assert asked == ["test", "hit", "hit"]  # seen before? and if not: one guess more
    shop.till.scan("12345")
    assert asked == ["test", "hit", "hit"]


def test_one_old_picture_shown_again_and_again_locks_no_till(shop: Shop) -> None:
    till, now, picture = till_of(shop.till), clock.now(), forged(clock.now())
    for _ in range(FAILURES.amount + 5):
        with pytest.raises(CodeForged):
            scan_at(shop, till, picture, now, throttle=shop.parts.throttle)
    assert shop.till.scan(shop.code(shop.member())).status_code == 201


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
    with time_machine.travel(
        clock.now(), tick=False
    ):  # what a process counts itself begins anew by the clock
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
