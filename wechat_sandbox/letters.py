"""SMS and letters that would have left the machine: kept to be looked at."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

_KEPT: Final = 200


@dataclass(frozen=True)
class Letter:
    """``kind`` is sms or email; an SMS has no ``subject``; ``unsubscribe``: where the button of mail programs leads."""

    kind: str
    to: str
    subject: str
    text: str
    at: float
    unsubscribe: str = ""


class Letters:
    """The last two hundred."""

    def __init__(self) -> None:
        self._kept: deque[Letter] = deque(maxlen=_KEPT)

    def take(self, letter: Letter) -> None:
        """Keep one more."""
        self._kept.append(letter)

    def newest_first(self) -> list[Letter]:
        """All that are kept."""
        return list(reversed(self._kept))

    def as_json(self) -> list[dict[str, Any]]:
        """For the control plane, oldest first."""
        return [asdict(one) for one in self._kept]
