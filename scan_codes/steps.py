"""Time in steps of 30 seconds, and how long the code of a step lives.

Step s is the half-open time [30·s, 30·(s + 1)) in seconds since 1970-01-01 UTC (as RFC 6238, 4.2).
While step c runs, codes of the steps c - past … c + future are accepted. Seen from the code of step s:
it is accepted in [30·(s - future), 30·(s + past + 1)), 120 s with the default window.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

STEP_S = 30
_STEP = timedelta(seconds=STEP_S)
_SECOND = timedelta(seconds=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REACH_MAX = 10


@dataclass(frozen=True, slots=True)
class Window:
    """How many steps before and after the current one are accepted. Raises ValueError out of range.

    `past` is at least 1: a code drawn in the last moment of its step must survive the walk from the
    screen to the server. Both are bounded: each step lengthens a screenshot's life and costs an HMAC.
    """

    past: int = 2
    future: int = 1

    def __post_init__(self) -> None:
        if not (1 <= self.past <= _REACH_MAX and 0 <= self.future <= _REACH_MAX):
            raise ValueError(f"a window takes 1 to {_REACH_MAX} past and 0 to {_REACH_MAX} future steps")

    def nearest_first(self, current_step: int) -> tuple[int, ...]:
        """The accepted steps in the order in which a code most likely belongs to them."""
        past = range(current_step, current_step - self.past - 1, -1)
        future = range(current_step + 1, current_step + self.future + 1)
        return (*past, *future)


DEFAULT_WINDOW = Window()


def step_of(now: datetime) -> int:
    """The step that runs at `now` (aware). Raises ValueError for a naive time."""
    if now.utcoffset() is None:
        raise ValueError("the time must be aware")
    return (now - _EPOCH) // _STEP


def step_starts_at(step: int) -> datetime:
    """The first instant of the step, UTC."""
    return _EPOCH + step * _STEP


def valid_from(step: int, window: Window = DEFAULT_WINDOW) -> datetime:
    """The first instant at which the code of this step is accepted."""
    return step_starts_at(step - window.future)


def valid_until(step: int, window: Window = DEFAULT_WINDOW) -> datetime:
    """The first instant at which the code of this step is no longer accepted (exclusive end)."""
    return step_starts_at(step + window.past + 1)


def refresh_in_s(step: int, now: datetime) -> int:
    """Whole seconds, at least 1, after which a phone showing this step's code should ask for the next.

    It points to the end of the code's own step, rounded up, so the code on the screen is still good
    for at least 30·past - 1 s (59 s by default) when it is replaced: room for a slow answer and for a
    scan under way. A duration, not a time of day: the phone's clock does not matter.

    Raises ValueError for a step that is over: such a code may still be accepted, but not handed out.
    """
    if step < step_of(now):
        raise ValueError("a step that is over is not handed out any more")
    return -((now - step_starts_at(step + 1)) // _SECOND)
