"""All versions of rules, to be asked which hold at an instant; for rules of every kind."""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import datetime
from typing import Generic, Protocol, TypeVar


class Version(Protocol):
    """It holds within `[effective_from, effective_until)` unless a newer version of its rule has begun."""

    @property
    def rule_no(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def effective_from(self) -> datetime: ...
    @property
    def effective_until(self) -> datetime | None: ...


V = TypeVar("V", bound=Version)


class VersionSet(Generic[V]):
    def __init__(self, versions: Iterable[V]) -> None:
        self.versions = tuple(sorted(versions, key=lambda rule: (rule.rule_no, -rule.version)))
        moments = {rule.effective_from for rule in self.versions}
        moments |= {rule.effective_until for rule in self.versions if rule.effective_until is not None}
        self._changes = sorted(moments)
        self._held: dict[int, tuple[V, ...]] = {}

    def in_force(self, at: datetime) -> tuple[V, ...]:
        """The version of each rule that holds at that instant."""
        # Between two changes nothing changes: worked out once for each such stretch that somebody asks about.
        place = bisect_right(self._changes, at)
        held = self._held.get(place)
        if held is None:
            held = self._held[place] = tuple(self._find(at))
        return held

    def _find(self, at: datetime) -> Iterable[V]:
        newest: dict[int, V] = {}
        for rule in self.versions:  # the highest version of each rule comes first
            if rule.effective_from <= at:
                newest.setdefault(rule.rule_no, rule)
        return (r for r in newest.values() if r.effective_until is None or at < r.effective_until)
