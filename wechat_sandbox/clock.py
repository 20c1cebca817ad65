"""The sandbox's own time: it can be moved forward or stopped, so that an expiry needs no waiting."""

from __future__ import annotations

import time


class Clock:
    """Seconds since 1970 (UTC). Runs with the machine's clock until it is moved or frozen."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self._frozen_at: float | None = None

    @property
    def frozen(self) -> bool:
        """Whether time stands still."""
        return self._frozen_at is not None

    def now(self) -> float:
        """The sandbox's present."""
        return time.time() + self._ahead_s if self._frozen_at is None else self._frozen_at

    def advance(self, seconds: float) -> None:
        """Move forward. Raises ValueError for a step back: the platform's time never goes back."""
        if seconds < 0:
            raise ValueError("time does not go back")
        self._ahead_s += seconds
        if self._frozen_at is not None:
            self._frozen_at += seconds

    def freeze(self, at: float | None = None) -> None:
        """Stop at the present, or at a later moment. Raises ValueError for an earlier one."""
        now = self.now()
        if at is not None and at < now:
            raise ValueError("time does not go back")
        self._frozen_at = now if at is None else at

    def run(self) -> None:
        """Let time pass again, from where it stands."""
        if self._frozen_at is not None:
            self._ahead_s = self._frozen_at - time.time()
            self._frozen_at = None
