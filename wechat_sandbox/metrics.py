"""Counts what the app under test asked for, so that a test can state what must not happen twice."""

from __future__ import annotations

from collections import Counter, deque
from typing import Final

FREE_PHONE_NUMBERS: Final = 1_000
PHONE_NUMBER_PRICE_FEN: Final = 3
_TOKEN_CALLS: Final = 1_000


class Metrics:
    """Calls and answers per endpoint, sends, and what phone numbers would cost."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._answers: dict[str, Counter[str]] = {}
        self.sends = 0
        self.phone_numbers = 0
        self._token_calls: deque[dict[str, object]] = deque(maxlen=_TOKEN_CALLS)

    def call(self, path: str) -> None:
        """A request arrived."""
        self._calls[path] += 1

    def token_call(self, app_id: str, at: float, *, forced: bool) -> None:
        """Somebody asked for a stable token."""
        self._token_calls.append({"app_id": app_id, "at": at, "forced": forced})

    def answer(self, path: str, outcome: str) -> None:
        """It was answered: with an errcode (``0`` is success) or by a fault (its name)."""
        self._answers.setdefault(path, Counter())[outcome] += 1

    def as_json(self) -> dict[str, object]:
        """Everything counted here, ready for JSON."""
        billed = max(0, self.phone_numbers - FREE_PHONE_NUMBERS)
        return {
            "calls": dict(self._calls),
            "answers": {path: dict(counts) for path, counts in self._answers.items()},
            "sends": self.sends,
            "token_calls": list(self._token_calls),
            "phone_numbers": {
                "answered": self.phone_numbers,
                "billed": billed,
                "cost_fen": billed * PHONE_NUMBER_PRICE_FEN,
            },
        }
