"""WeChat's `stable_token`: asking for one, how long it is good, and how it is kept."""

import json
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from app.providers import OutcomeUnknown
from app.providers.wechat.errors import STABLE_TOKEN, TokenUnavailable
from app.providers.wechat.transport import Transport


@dataclass(frozen=True)
class AccessToken:
    value: str = field(repr=False)
    expires_at: datetime
    refresh_at: datetime

    def fresh(self, now: datetime, failed: str | None = None) -> bool:
        """Good, and no need to look for a newer one."""
        return self.value != failed and now < self.refresh_at

    def usable(self, now: datetime, failed: str | None = None) -> bool:
        return self.value != failed and now < self.expires_at


class StableToken:
    """Calling it returns `(token, lifetime_s)`. Raises `ProviderRefused` or `ProviderUnavailable`.

    Asking never forces a new token: that is limited to 20 times a day and would take the present one away
    from everybody else.
    """

    def __init__(self, transport: Transport, *, appid: str, secret: str) -> None:
        self._transport, self._appid, self._secret = transport, appid, secret

    def __call__(self) -> tuple[str, int]:
        found = _token_in(self._answer())
        if found is None:
            # Whoever wanted to send something has sent nothing yet: "no token", never "outcome unknown".
            raise TokenUnavailable(retry_after_s=1)
        return found

    def _answer(self) -> dict[str, Any]:
        body = {
            "grant_type": "client_credential",
            "appid": self._appid,
            "secret": self._secret,
            "force_refresh": False,
        }
        try:
            return self._transport.call("POST", STABLE_TOKEN, body=body)
        except OutcomeUnknown:
            return {}


def _token_in(answer: Mapping[str, Any]) -> tuple[str, int] | None:
    token, lifetime_s = answer.get("access_token"), answer.get("expires_in")
    if isinstance(token, str) and token and type(lifetime_s) is int and lifetime_s > 0:
        return token, lifetime_s
    return None


def dated(value: str, now: datetime, lifetime_s: int) -> AccessToken:
    """To be refreshed early, and at a random moment of the five minutes when old and new are both good.

    Any earlier WeChat would only hand out the same token again.
    """
    early_s = min(random.uniform(60, 290), lifetime_s / 2)  # noqa: S311 - spreads load, guards nothing
    expires_at = now + timedelta(seconds=lifetime_s)
    return AccessToken(value, expires_at, expires_at - timedelta(seconds=early_s))


def dump(token: AccessToken) -> str:
    return json.dumps(
        {
            "token": token.value,
            "expires_at": token.expires_at.isoformat(),
            "refresh_at": token.refresh_at.isoformat(),
        }
    )


def load(stored: object) -> AccessToken | None:
    """None for anything that is not a token of ours: then a new one is fetched."""
    if not isinstance(stored, str | bytes):
        return None
    try:
        kept = json.loads(stored)
        token = AccessToken(
            str(kept["token"]),
            datetime.fromisoformat(kept["expires_at"]),
            datetime.fromisoformat(kept["refresh_at"]),
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return token if token.expires_at.tzinfo and token.refresh_at.tzinfo else None
