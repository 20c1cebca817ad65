"""How often is too often. Counters live in Redis so that all processes share them.

When Redis is away each process counts for itself and allows half as much: a limit never opens because a server is
down, and never locks a shop out either.
"""

import logging
import threading
import time
from dataclasses import dataclass

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
        if redis_url is not None:
            storage = RedisStorage(
                redis_url,
                key_prefix="throttle",
                socket_timeout=_REDIS_TIMEOUT_S,
                socket_connect_timeout=_REDIS_TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]  # its own retries would hold a till for seconds
            )
            self._shared = SlidingWindowCounterRateLimiter(storage)

    def hit(self, limit: Limit, *who: object) -> None:
        """Count one try. Raises `TooMany` when it is one too many."""
        if not self._ask("hit", limit, who):
            raise TooMany(retry_after_s=limit.per_s)

    def check(self, limit: Limit, *who: object) -> None:
        """Raise `TooMany` if the limit is used up, without counting: for limits that count failures only."""
        if not self._ask("test", limit, who):
            raise TooMany(retry_after_s=limit.per_s)

    def count(self, limit: Limit, *who: object) -> None:
        """Count one failure; the refusal comes with the next `check`."""
        self._ask("hit", limit, who)

    def _ask(self, verb: str, limit: Limit, who: tuple[object, ...]) -> bool:
        key = [limit.name, *map(str, who)]
        if self._shared is not None and time.monotonic() >= self._rest_until:
            try:
                return bool(getattr(self._shared, verb)(_item(limit.amount, limit.per_s), *key))
            except RedisError:
                # Asking a dead server again for each request would make every till wait for the time-out.
                self._rest_until = time.monotonic() + _REDIS_REST_S
                log.warning("redis is away: counting in this process, at half the limits")
        with self._lock:
            return bool(getattr(self._local, verb)(_item(max(1, limit.amount // 2), limit.per_s), *key))


def _item(amount: int, per_s: int) -> RateLimitItem:
    return RateLimitItemPerSecond(amount, per_s)
