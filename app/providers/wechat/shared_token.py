"""Where processes share the access token, and agree on who refreshes it: two keys in Redis.

Redis may be missing, down or slow: then nothing is shared and nobody is held up. A Redis that failed is left
alone for a few seconds, since each try could cost a time-out.
"""

import logging
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import redis
from redis.exceptions import RedisError

from app.providers.wechat.stable_token import AccessToken, dump, load

log = logging.getLogger(__name__)

LOCK_LIFETIME_S = 10  # longer than the longest fetch: 2 s to connect and 5 s to read
AWAY_S = 5.0
_UNLOCK = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"


class SharedToken:
    """The token of `appid` as all processes see it. `server` None shares nothing."""

    def __init__(self, server: redis.Redis | None, appid: str) -> None:
        self._server = server
        self._away_until = 0.0
        # Braces keep both keys on one node of a cluster.
        self._token_key = f"wechat:{{{appid}}}:token"
        self._lock_key = f"wechat:{{{appid}}}:token_lock"

    def read(self) -> AccessToken | None:
        server = self._reachable()
        if server is None:
            return None
        try:
            return load(server.get(self._token_key))
        except RedisError as error:
            self._lost(error)
            return None

    def write(self, token: AccessToken, now: datetime) -> None:
        server = self._reachable()
        if server is None:
            return
        lifetime_s = max(1, int((token.expires_at - now).total_seconds()))
        try:
            server.set(self._token_key, dump(token), ex=lifetime_s)
        except RedisError as error:
            self._lost(error)

    @contextmanager
    def refreshing(self) -> Iterator[bool]:
        """True for the one process that may refresh, and for all when there is no Redis to agree through."""
        owner = uuid.uuid4().hex
        mine = self._lock(owner)
        try:
            yield mine
        finally:
            if mine:
                self._unlock(owner)

    def _lock(self, owner: str) -> bool:
        server = self._reachable()
        if server is None:
            return True
        try:
            return bool(server.set(self._lock_key, owner, nx=True, ex=LOCK_LIFETIME_S))
        except RedisError as error:
            self._lost(error)
            return True

    def _unlock(self, owner: str) -> None:
        """Only our own lock: after a slow fetch it may have expired and be somebody else's."""
        server = self._reachable()
        if server is None:
            return
        try:
            server.eval(_UNLOCK, 1, self._lock_key, owner)
        except RedisError as error:
            self._lost(error)

    def _reachable(self) -> redis.Redis | None:
        return self._server if time.monotonic() >= self._away_until else None

    def _lost(self, error: RedisError) -> None:
        self._away_until = time.monotonic() + AWAY_S
        log.warning("wechat access token: not shared for a while, redis failed (%s)", type(error).__name__)
