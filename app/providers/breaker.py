"""Whether a provider is worth asking: after some failures in a row it is left alone for a while.

closed      ask
open        do not ask until the wait is over; waits grow from seconds to a minute
half open   ask once: an answer closes, another failure opens again

One for each provider in each process: processes need not agree, each finds out with a handful of calls.
"""

import random
from datetime import datetime, timedelta

from app.providers import ProviderRefused, ProviderUnavailable

FAILURES = 5
FIRST_WAIT_S, LONGEST_WAIT_S = 5.0, 60.0


class Breaker:
    """Told of every answer by `note`; `room` says how much may be asked. Times are the caller's."""

    def __init__(self) -> None:
        self._failures = 0
        self._opened = 0
        self._until: datetime | None = None

    def room(self, wanted: int, *, now: datetime) -> int:
        """How many of `wanted` calls may be made now: all, none, or one to see whether it is back."""
        if self._until is None:
            return wanted
        return min(wanted, 1) if self._over(now) else 0

    def note(self, error: Exception | None, *, now: datetime) -> None:
        """What came of a call; a refusal is an answer too, and so is trouble with one recipient."""
        if isinstance(error, ProviderUnavailable) and not error.of_recipient:
            self._failed(error, now)
        elif error is None or isinstance(error, ProviderRefused | ProviderUnavailable):
            self._failures = self._opened = 0
            self._until = None

    def _failed(self, error: ProviderUnavailable, now: datetime) -> None:
        self._failures += 1
        if self._until is None and self._failures < FAILURES:
            return
        if self._until is not None and not self._over(now):
            return  # was on its way when it opened
        # Jitter: workers that met the same outage must not all come back at once.
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**self._opened) * random.uniform(0.5, 1)  # noqa: S311
        asked_s = min(LONGEST_WAIT_S, error.retry_after_s or 0)
        self._opened = min(self._opened + 1, 10)
        self._until = now + timedelta(seconds=max(wait_s, asked_s))

    def _over(self, now: datetime) -> bool:
        """Or so far ahead that the clock must have been set back."""
        assert self._until is not None
        return not timedelta(0) < self._until - now <= timedelta(seconds=LONGEST_WAIT_S)
