"""The access token every call needs: one for all processes, fetched once per rotation.

WeChat's `stable_token` gives everybody the same token until five minutes before it expires, and honours
old and new for those five minutes. So a token may be held in memory, and losing Redis costs a few extra
calls, never a failed one.

What the lock is for: without it every process fetches at each rotation, and a token that WeChat withdrew
makes all of them fetch over and over. Here one process refreshes, behind `SET NX EX`, and only if the
stored token is still the one that failed.
"""

import copy
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import redis

from app.providers import ProviderRefused, ProviderUnavailable
from app.providers.wechat.errors import Misconfigured, TokenUnavailable
from app.providers.wechat.shared_token import LOCK_LIFETIME_S, SharedToken
from app.providers.wechat.stable_token import AccessToken, dated

log = logging.getLogger(__name__)

MISCONFIGURED_PAUSE_S = 30.0


class TokenStore:
    """Hands out the shared token; safe to use from many threads.

    `fetch` returns `(token, lifetime_s)`. `shared` is a Redis client with short socket time-outs and no
    retries of its own, or None for a store of this process alone. A thread waits about `wait_s` for another
    process's refresh, then asks alone. For `pause_s` after a failed fetch the failure is repeated without
    asking WeChat; for half a minute when the fault is in our settings.
    """

    def __init__(
        self,
        fetch: Callable[[], tuple[str, int]],
        *,
        appid: str,
        shared: redis.Redis | None,
        clock: Callable[[], datetime],
        wait_s: float = 3.0,
        pause_s: float = 1.0,
    ) -> None:
        self._fetch = fetch
        self._shared = SharedToken(shared, appid)
        self._clock = clock
        self._wait_s = wait_s
        self._pause_s = pause_s
        self._held: AccessToken | None = None
        self._one_refresher = threading.Lock()
        self._paused_until = 0.0
        self._last_failure: ProviderRefused | ProviderUnavailable | None = None

    def peek(self) -> str | None:
        """The token in memory while it needs no refresh; never waits."""
        held = self._held
        return held.value if held and held.fresh(self._clock()) else None

    def get(self) -> str:
        """A token to call with. Raises `ProviderUnavailable`, or `Misconfigured` for a wrong app id or secret."""
        return self.peek() or self._renewed(failed=None)

    def replace(self, failed: str) -> str:
        """Another token than `failed`, which WeChat has just turned down.

        Raises `Misconfigured` when WeChat keeps handing out the very token it turns down, and as `get` does.
        """
        return self._renewed(failed)

    def _renewed(self, failed: str | None) -> str:
        """One thread of this process goes; the others take what it brings, or the old token while it is good."""
        held = self._held
        good_meanwhile = held is not None and held.usable(self._clock(), failed)
        if held and failed and good_meanwhile:
            return held.value
        if self._one_refresher.acquire(timeout=0 if good_meanwhile else self._wait_s + LOCK_LIFETIME_S):
            try:
                return self._refreshed(failed).value
            finally:
                self._one_refresher.release()
        if held and good_meanwhile:
            return held.value
        raise TokenUnavailable(retry_after_s=1)

    def _refreshed(self, failed: str | None) -> AccessToken:
        """A newer token: held by now, read from Redis, or fetched for all."""
        held = self._held
        if held and held.fresh(self._clock(), failed):
            return held
        give_up_at = time.monotonic() + self._wait_s
        nap_s = 0.005
        while True:
            stored = self._shared.read()
            if stored and stored.fresh(self._clock(), failed):
                return self._hold(stored)
            with self._shared.refreshing() as mine:
                if mine:
                    return self._fetched(failed)
            if stored and stored.usable(self._clock(), failed):
                return self._hold_meanwhile(stored)  # another process is refreshing early
            if time.monotonic() > give_up_at:
                log.warning("wechat access token: the refreshing process does not finish, asking alone")
                return self._fetched(failed)
            time.sleep(nap_s)
            nap_s = min(nap_s * 1.6, 0.1)

    def _fetched(self, failed: str | None) -> AccessToken:
        stored = self._shared.read()  # again: nobody else writes now
        if stored and stored.fresh(self._clock(), failed):
            return self._hold(stored)
        try:
            token = self._asked(failed)
        except ProviderUnavailable:
            old = stored or self._held
            if old and old.usable(self._clock(), failed):
                return self._hold_meanwhile(old)
            raise
        self._shared.write(token, self._clock())
        return self._hold(token)

    def _asked(self, failed: str | None) -> AccessToken:
        if self._last_failure and time.monotonic() < self._paused_until:
            raise copy.copy(self._last_failure)
        try:
            value, lifetime_s = self._fetch()
            if value == failed:
                log.error(
                    "wechat access token: a fresh token is turned down; check app id, secret and rights"
                )
                raise Misconfigured
        except (ProviderRefused, ProviderUnavailable) as failure:
            pause_s = self._pause_s if isinstance(failure, ProviderUnavailable) else MISCONFIGURED_PAUSE_S
            self._last_failure, self._paused_until = copy.copy(failure), time.monotonic() + pause_s
            raise
        self._last_failure = None
        return dated(value, self._clock(), lifetime_s)

    def _hold(self, token: AccessToken) -> AccessToken:
        self._held = token
        return token

    def _hold_meanwhile(self, token: AccessToken) -> AccessToken:
        """Good for minutes still, but not to be looked at again for each call."""
        return self._hold(replace(token, refresh_at=self._clock() + timedelta(seconds=self._pause_s)))
