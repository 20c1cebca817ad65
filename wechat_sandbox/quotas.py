"""Counts calls in the platform's windows: a minute, or a day of Beijing time."""

from __future__ import annotations

from collections import Counter
from typing import Final

MINUTE: Final = 60
DAY: Final = 86_400
_BEIJING_OFFSET_S: Final = 8 * 3_600


class Quotas:
    """Calls per name and window. Old windows are forgotten when a new one begins."""

    def __init__(self) -> None:
        self._window: dict[int, int] = {}
        self._counts: dict[int, Counter[str]] = {MINUTE: Counter(), DAY: Counter()}

    def take(self, name: str, limit: int, *, per: int, now: float) -> bool:
        """Count one call; False when the window already holds ``limit``."""
        window = int(now + _BEIJING_OFFSET_S) // per
        if self._window.get(per) != window:
            self._window[per] = window
            self._counts[per].clear()
        if self._counts[per][name] >= limit:
            return False
        self._counts[per][name] += 1
        return True
