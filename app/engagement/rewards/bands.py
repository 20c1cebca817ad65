"""Bands of prices by which a member narrows the mall: about a third of what there is in each, cut at round numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.engagement.rewards.reward import MOST_POINTS

_BANDS = 3


@dataclass(frozen=True, kw_only=True)
class Band:
    """Prices in points, both ends included; `points_to` None: it has no end."""

    points_from: int
    points_to: int | None

    @property
    def most(self) -> int:
        return MOST_POINTS if self.points_to is None else self.points_to


EVERY_PRICE = Band(points_from=0, points_to=None)


def bands(prices: Sequence[int]) -> list[Band]:
    """Two or three that hold at least one price each, the last without an end; none if all lie in one.

    `prices` ascend, one for each item.
    """
    places = [(len(prices) * part - 1) // _BANDS for part in range(1, _BANDS)] if prices else []
    cuts = [cut for cut in sorted({_round(prices[place]) for place in places}) if cut < prices[-1]]
    if not cuts:
        return []
    begins, ends = [0, *(cut + 1 for cut in cuts)], [*cuts, None]
    return [Band(points_from=first, points_to=last) for first, last in zip(begins, ends, strict=True)]


def _round(points: int) -> int:
    """The next of 1, 2, 5, 10, 20, 50, 100 …, itself included."""
    ten: int = 10 ** (len(str(points)) - 1)
    return next(step * ten for step in (1, 2, 5, 10) if step * ten >= points)
