"""What a process knows of templates that have just run out: a crowd that comes too late is not worth a look for each.

Only that there is nothing left is known, and for a second at most; that there is something, the database says.
"""

import time
from collections.abc import Callable

#: For so long after a look found nothing left; a stock that is raised meanwhile is there for everybody afterwards.
LASTS_S = 1.0
_MOST = 1_000


class UsedUp:
    """By what a claim names: a template's id or claim key. Safe in several threads."""

    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._noted_s: dict[str, float] = {}

    def note(self, which: str) -> None:
        """A look has just found nothing left."""
        if len(self._noted_s) >= _MOST:
            self._noted_s.clear()
        self._noted_s[which] = self._now_s()

    def is_known(self, which: str, *, before_s: float) -> bool:
        """Whether it was noted lately, but before that moment: whoever found no answer under a key then was not among
        those who got something before it ran out."""
        noted_s = self._noted_s.get(which)
        return noted_s is not None and noted_s <= before_s < noted_s + LASTS_S


USED_UP = UsedUp()
