"""Somebody's conversation with customer service, as far as answers depend on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

WINDOW_S: Final = 48 * 3_600
MOST_ANSWERS: Final = 5


@dataclass
class Chat:
    """When somebody last wrote, and how many answers they may still get."""

    said_at: float
    left: int = MOST_ANSWERS
