from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scan_codes import (
    CodeExpired,
    CodeNotYet,
    KeyRing,
    Window,
    issue,
    refresh_in_s,
    step_of,
    step_starts_at,
    valid_from,
    valid_until,
    verify,
)
from tests.seeds import examples

MICROSECOND = timedelta(microseconds=1)
SECOND = timedelta(seconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

moments = st.integers(0, 250 * 365 * 86_400 * 10**6).map(lambda us: EPOCH + us * MICROSECOND)
windows = st.builds(Window, past=st.integers(1, 10), future=st.integers(0, 10))


def test_a_step_is_thirty_seconds_and_half_open() -> None:
    step = step_of(NOON)
    assert step_starts_at(step) == NOON
    assert step_of(NOON - MICROSECOND) == step - 1
    assert step_of(NOON + 30 * SECOND - MICROSECOND) == step
    assert step_of(NOON + 30 * SECOND) == step + 1


def test_steps_count_from_1970_in_utc_whatever_the_zone_of_now() -> None:
    shanghai = timezone(timedelta(hours=8))
    assert step_of(datetime(1970, 1, 1, tzinfo=UTC)) == 0
    assert step_of(datetime(1970, 1, 1, 8, 1, tzinfo=shanghai)) == 2
    assert step_of(NOON.astimezone(shanghai)) == step_of(NOON)


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        step_of(datetime(2026, 3, 1, 12, 0, 0))  # noqa: DTZ001


@pytest.mark.parametrize("offset", [-SECOND, -MICROSECOND])
def test_just_before_its_time_a_code_is_not_valid_yet(ring: KeyRing, offset: timedelta) -> None:
    step = step_of(NOON)
    with pytest.raises(CodeNotYet):
        verify(ring, issue(ring, 42, step), step_of(valid_from(step) + offset))


@pytest.mark.parametrize("offset", [timedelta(0), MICROSECOND, SECOND])
def test_from_its_first_instant_on_a_code_is_accepted(ring: KeyRing, offset: timedelta) -> None:
    step = step_of(NOON)
    assert verify(ring, issue(ring, 42, step), step_of(valid_from(step) + offset)).step == step


@pytest.mark.parametrize("offset", [-SECOND, -MICROSECOND])
def test_until_just_before_its_end_a_code_is_accepted(ring: KeyRing, offset: timedelta) -> None:
    step = step_of(NOON)
    assert verify(ring, issue(ring, 42, step), step_of(valid_until(step) + offset)).step == step


@pytest.mark.parametrize("offset", [timedelta(0), MICROSECOND, SECOND])
def test_at_its_end_a_code_has_expired(ring: KeyRing, offset: timedelta) -> None:
    step = step_of(NOON)
    with pytest.raises(CodeExpired):
        verify(ring, issue(ring, 42, step), step_of(valid_until(step) + offset))


def test_a_code_lives_two_minutes_and_sixty_to_ninety_seconds_from_its_own_step() -> None:
    step = step_of(NOON)
    assert valid_until(step) - valid_from(step) == 120 * SECOND
    assert valid_until(step) - step_starts_at(step) == 90 * SECOND
    assert valid_until(step) - step_starts_at(step + 1) == 60 * SECOND


@given(now=moments, window=windows)
@settings(deadline=None)
def test_the_stated_life_of_a_code_is_the_window_that_verify_uses(now: datetime, window: Window) -> None:
    current = step_of(now)
    for step in range(current - 12, current + 13):
        is_accepted = valid_from(step, window) <= now < valid_until(step, window)
        assert is_accepted == (step in window.nearest_first(current))


@given(now=moments, ahead=st.integers(0, 3), window=windows)
@settings(deadline=None)
def test_a_phone_that_refreshes_when_told_never_shows_a_dead_code(
    now: datetime, ahead: int, window: Window
) -> None:
    step = step_of(now) + ahead
    refresh_at = now + refresh_in_s(step, now) * SECOND
    assert step_starts_at(step + 1) <= refresh_at < step_starts_at(step + 1) + SECOND
    assert valid_until(step, window) - refresh_at > (30 * window.past - 1) * SECOND


@given(start=moments)
@settings(deadline=None, max_examples=examples(30))
def test_a_screen_that_follows_refresh_in_is_good_at_every_moment(ring: KeyRing, start: datetime) -> None:
    """Plays five refreshes, with an answer that takes a second, and looks right before each redraw."""
    now = start
    for _ in range(5):
        step = step_of(now)
        code = issue(ring, 42, step)
        redrawn_at = now + (refresh_in_s(step, now) + 1) * SECOND
        for moment in (now, redrawn_at - MICROSECOND, redrawn_at + 57 * SECOND):
            assert verify(ring, code, step_of(moment)).member_no == 42
        now = redrawn_at


def test_refresh_is_told_in_whole_seconds_rounded_up() -> None:
    step = step_of(NOON)
    assert refresh_in_s(step, NOON) == 30
    assert refresh_in_s(step, NOON + MICROSECOND) == 30
    assert refresh_in_s(step, NOON + 29 * SECOND) == 1
    assert refresh_in_s(step, NOON + 30 * SECOND - MICROSECOND) == 1
    assert refresh_in_s(step + 1, NOON) == 60


def test_a_step_that_is_over_is_not_handed_out() -> None:
    with pytest.raises(ValueError, match="not handed out"):
        refresh_in_s(step_of(NOON) - 1, NOON)


@pytest.mark.parametrize(("past", "future"), [(0, 1), (-1, 0), (11, 0), (2, -1), (2, 11)])
def test_a_window_out_of_range_is_refused(past: int, future: int) -> None:
    with pytest.raises(ValueError, match="a window takes"):
        Window(past=past, future=future)
