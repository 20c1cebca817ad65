"""A provider that fails is left alone for a while, and asked again by one call at a time."""

from datetime import UTC, datetime, timedelta

import pytest

from app.providers import NoAnswer, ProviderRefused, ProviderUnavailable, QuotaExhausted, Unreachable
from app.providers.breaker import FAILURES, FIRST_WAIT_S, LONGEST_WAIT_S, Breaker
from app.providers.wechat.errors import ConcurrentSend

NOW = datetime(2026, 3, 1, 4, 0, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def failed(breaker: Breaker, times: int, now: datetime = NOW) -> Breaker:
    for _ in range(times):
        breaker.note(Unreachable(), now=now)
    return breaker


def test_some_failures_in_a_row_open_it_and_no_fewer() -> None:
    breaker = failed(Breaker(), FAILURES - 1)
    assert breaker.room(500, now=NOW) == 500
    failed(breaker, 1)
    assert breaker.room(500, now=NOW) == 0


@pytest.mark.parametrize("answer", [None, ProviderRefused(), ConcurrentSend()], ids=str)
def test_an_answer_in_between_starts_the_count_again(answer: Exception | None) -> None:
    breaker = failed(Breaker(), FAILURES - 1)
    breaker.note(answer, now=NOW)
    failed(breaker, FAILURES - 1)
    assert breaker.room(500, now=NOW) == 500


@pytest.mark.parametrize("error", [ProviderUnavailable(), NoAnswer(), QuotaExhausted()], ids=str)
def test_whatever_may_be_repeated_or_is_unknown_counts(error: Exception) -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.note(error, now=NOW)
    assert breaker.room(500, now=NOW) == 0


def test_a_defect_of_ours_says_nothing_about_the_provider() -> None:
    breaker = failed(Breaker(), FAILURES - 1)
    for _ in range(3):
        breaker.note(ValueError(), now=NOW)
    assert breaker.room(500, now=NOW) == 500
    assert failed(breaker, 1).room(500, now=NOW) == 0


def test_when_the_wait_is_over_one_call_finds_out_and_its_answer_closes_it() -> None:
    breaker = failed(Breaker(), FAILURES)
    assert breaker.room(500, now=after(FIRST_WAIT_S)) == 1
    breaker.note(None, now=after(FIRST_WAIT_S))
    assert breaker.room(500, now=after(FIRST_WAIT_S)) == 500
    assert failed(breaker, FAILURES - 1).room(500, now=NOW) == 500


def test_waits_grow_up_to_a_minute() -> None:
    breaker, at = failed(Breaker(), FAILURES), NOW
    for wait_s in (5, 10, 20, 40, 60, 60, 60):
        assert breaker.room(1, now=at + timedelta(seconds=wait_s / 2 - 0.01)) == 0
        at += timedelta(seconds=wait_s)
        assert breaker.room(500, now=at) == 1
        failed(breaker, 1, at)


def test_failures_that_were_on_their_way_do_not_make_the_wait_longer() -> None:
    breaker = failed(Breaker(), FAILURES + 60)
    assert breaker.room(1, now=after(FIRST_WAIT_S)) == 1


def test_a_quota_is_waited_for_but_for_no_more_than_a_minute() -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.note(QuotaExhausted(retry_after_s=20_000), now=NOW)
    assert breaker.room(1, now=after(LONGEST_WAIT_S - 0.01)) == 0
    assert breaker.room(1, now=after(LONGEST_WAIT_S)) == 1


def test_a_clock_that_was_set_back_does_not_keep_it_open() -> None:
    assert failed(Breaker(), FAILURES, after(86_400)).room(1, now=NOW) == 1
