"""How often is too often. Counters live in Redis so that all processes share them.

When Redis is away each process counts for itself and allows half as much: a limit never opens because a server is
down, and never locks a shop out either.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Literal

from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from app.errors import TooMany

log = logging.getLogger(__name__)

_REDIS_REST_S = 5
_REDIS_TIMEOUT_S = 0.25
#: How long one waits for others to turn out right, how often one looks, and how many threads of a process may wait. As
#: soon as the failures alone use up the limit nobody waits any more.
_PATIENCE_S = 3
_LOOK_AGAIN_S = 0.03
_MOST_WAITING = 8


@dataclass(frozen=True)
class Limit:
    """`amount` times within `per_s` seconds; half of it, at least 1, while Redis is away."""

    name: str
    amount: int
    per_s: int


class Throttle:
    def __init__(self, redis_url: str | None) -> None:
        self._local = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._shared: SlidingWindowCounterRateLimiter | None = None
        self._rest_until = 0.0
        self._lock = threading.Lock()
        self._waiting = threading.BoundedSemaphore(_MOST_WAITING)
        if redis_url is not None:
            storage = RedisStorage(
                redis_url,
                key_prefix="throttle",
                socket_timeout=_REDIS_TIMEOUT_S,
                socket_connect_timeout=_REDIS_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # its own retries would hold a till for seconds
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    def hit(self, limit: Limit, *who: object, cost: int = 1) -> None:
        """Count one try, or so many. Raises `TooMany` when it is one too many; then none of them has counted."""
        if not self._ask("hit", limit, who, cost):
            raise TooMany(retry_after_s=limit.per_s)

    @contextmanager
    def failing(self, limit: Limit, *who: object, failure: type[Exception]) -> Iterator[None]:
        """For limits that only failures use up: counts before the block runs, gives back unless it raised `failure`.

        Counting afterwards would let a burst through: all of it would be looked at before the first one counted.
        While others hold what may turn out to be no failures, it waits for them a moment. Raises `TooMany` when it is
        one too many; then the block does not run.
        """
        self._reserve(limit, who)
        try:
            yield
        except failure:
            self._ask("hit", _failed(limit), who)
            raise
        except BaseException:
            self.give_back(limit, *who)
            raise
        self.give_back(limit, *who)

    def _reserve(self, limit: Limit, who: tuple[object, ...]) -> None:
        """Count one try of `failing`. Raises `TooMany`."""
        if self._ask("hit", limit, who):
            return
        if self.used_up(_failed(limit), *who):
            raise TooMany(retry_after_s=limit.per_s)
        if not self._waiting.acquire(blocking=False):
            raise TooMany(retry_after_s=_PATIENCE_S)
        try:
            self._wait_for_others(limit, who)
        finally:
            self._waiting.release()

    def _wait_for_others(self, limit: Limit, who: tuple[object, ...]) -> None:
        give_up_at = time.monotonic() + _PATIENCE_S
        while time.monotonic() < give_up_at:
            time.sleep(_LOOK_AGAIN_S)
            if self._ask("hit", limit, who):
                return
            if self.used_up(_failed(limit), *who):
                raise TooMany(retry_after_s=limit.per_s)
        raise TooMany(retry_after_s=_PATIENCE_S)

    def used_up(self, limit: Limit, *who: object) -> bool:
        """Whether one more would be too many; counts nothing."""
        return not self._ask("test", limit, who)

    def first(self, limit: Limit, *who: object) -> bool:
        """Whether this is the first of its kind within the limit's time."""
        return self._ask("hit", Limit(f"{limit.name}_first", 1, limit.per_s), who)

    def give_back(self, limit: Limit, *who: object) -> None:
        """Take back one counted try that turned out to be none."""
        # Should Redis have gone or come back in between, the other counter allows one try more: only somebody who
        # has just proven who they are can bring that about.
        self._ask("hit", limit, who, cost=-1)

    def _ask(
        self, verb: Literal["hit", "test"], limit: Limit, who: tuple[object, ...], cost: int = 1
    ) -> bool:
        key = [limit.name, *map(str, who)]
        if self._shared is not None and time.monotonic() >= self._rest_until:
            try:
                return bool(getattr(self._shared, verb)(_item(limit.amount, limit.per_s), *key, cost=cost))
            except RedisError:
                # Asking a dead server again for each request would make every till wait for the time-out.
                self._rest_until = time.monotonic() + _REDIS_REST_S
                log.warning("redis is away: counting in this process, at half the limits")
        with self._lock:
            return bool(
                getattr(self._local, verb)(_item(max(1, limit.amount // 2), limit.per_s), *key, cost=cost)
            )


def _failed(limit: Limit) -> Limit:
    """What has failed for certain, of what `limit` counts."""
    return Limit(f"{limit.name}_failed", limit.amount, limit.per_s)


def _item(amount: int, per_s: int) -> RateLimitItem:
    return RateLimitItemPerSecond(amount, per_s)


def network_of(address: str | None) -> str:
    """What counts as one caller: the address, or of IPv6 the /64, all of which one household or server may use."""
    try:
        caller = ip_address(address or "")
    except ValueError:
        return address or ""
    if not isinstance(caller, IPv6Address):
        return str(caller)
    if caller.ipv4_mapped is not None:
        return str(caller.ipv4_mapped)
    return str(IPv6Address(int(caller) >> 64 << 64))
