"""Access tokens: the classic kind, where each call makes a new one, and the stable kind, which all share.

Two families that know nothing of each other. In each, the newest token is good until it expires and the one
before it for five more minutes; an older one is refused at once. How long the third-newest classic token really
lives is not documented: refusing it is the strict reading.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from wechat_sandbox.config import Limits
from wechat_sandbox.draw import Draw
from wechat_sandbox.errors import (
    BAD_TOKEN,
    DAY_QUOTA,
    MINUTE_QUOTA,
    TOKEN_EXPIRED,
    TOKEN_MISSING,
    TOKEN_NOT_LATEST,
    PlatformError,
)
from wechat_sandbox.quotas import DAY, MINUTE, Quotas

OVERLAP_S: Final = 300
_LENGTH: Final = 157
_SHAPE: Final = re.compile(r"[A-Za-z0-9_-]{100,512}")


@dataclass
class Token:
    """One access token. ``retired`` means: something newer or a revocation ended it before its time."""

    text: str = field(repr=False)
    expires_at: float
    retired: bool = False


class _Family:
    def __init__(self) -> None:
        self.current: Token | None = None
        self.previous: Token | None = None

    def put(self, token: Token, now: float) -> None:
        _retire(self.previous, now)
        _retire(self.current, now + OVERLAP_S)
        self.previous, self.current = self.current, token

    def revoke(self, now: float) -> None:
        _retire(self.previous, now)
        _retire(self.current, now)
        self.previous = self.current = None


class Tokens:
    """Every token handed out, and the two families' rules for handing out another."""

    def __init__(self, draw: Draw, limits: Limits, lifetime_s: int) -> None:
        self._draw = draw
        self._limits = limits
        self._lifetime_s = lifetime_s
        self._quotas = Quotas()
        self._families = {"classic": _Family(), "stable": _Family()}
        self._issued: dict[str, Token] = {}
        self._forced_at: float | None = None
        self.minted = {"classic": 0, "stable": 0}

    def classic(self, now: float) -> tuple[str, int]:
        """GET /cgi-bin/token: a new token each time, with its lifetime in seconds. Raises PlatformError."""
        if not self._quotas.take("classic", self._limits.classic_tokens_per_day, per=DAY, now=now):
            raise PlatformError(DAY_QUOTA)
        return self._answer(self._mint("classic", now), now)

    def stable(self, now: float, *, force: bool) -> tuple[str, int]:
        """POST /cgi-bin/stable_token: the shared token, renewed five minutes before its end.

        A forced call renews it at once, unless the last forced one is under 30 s old: then it answers like
        any other. Raises PlatformError when a quota is used up.
        """
        if not self._quotas.take("stable", self._limits.stable_tokens_per_minute, per=MINUTE, now=now):
            raise PlatformError(MINUTE_QUOTA)
        if not self._quotas.take("stable", self._limits.stable_tokens_per_day, per=DAY, now=now):
            raise PlatformError(DAY_QUOTA)
        current = self._families["stable"].current
        if (force and self._may_force(now)) or current is None or current.expires_at - now <= OVERLAP_S:
            current = self._mint("stable", now)
        return self._answer(current, now)

    def check(self, text: str, now: float) -> None:
        """Raise PlatformError unless this access_token is good now."""
        token = self._issued.get(text)
        if not text:
            raise PlatformError(TOKEN_MISSING)
        if token is None:
            raise PlatformError(TOKEN_NOT_LATEST if _SHAPE.fullmatch(text) else BAD_TOKEN)
        if now >= token.expires_at:
            raise PlatformError(TOKEN_NOT_LATEST if token.retired else TOKEN_EXPIRED)

    def revoke(self, kind: str, now: float) -> None:
        """End the tokens of one family (``classic``, ``stable``) or of both (``all``). Raises KeyError."""
        for family in self._families.values() if kind == "all" else [self._families[kind]]:
            family.revoke(now)

    def forget_counts(self) -> None:
        """Start the counts of minted tokens again."""
        self.minted = dict.fromkeys(self.minted, 0)

    def _may_force(self, now: float) -> bool:
        if self._forced_at is not None and now - self._forced_at < self._limits.forced_token_spacing_s:
            return False
        if not self._quotas.take("forced", self._limits.forced_tokens_per_day, per=DAY, now=now):
            raise PlatformError(DAY_QUOTA)
        self._forced_at = now
        return True

    def _mint(self, kind: str, now: float) -> Token:
        token = Token(self._draw.fresh_text(f"{kind}_token", _LENGTH), now + self._lifetime_s)
        self._families[kind].put(token, now)
        self._issued[token.text] = token
        self.minted[kind] += 1
        return token

    def _answer(self, token: Token, now: float) -> tuple[str, int]:
        return token.text, int(token.expires_at - now)


def _retire(token: Token | None, at: float) -> None:
    if token is not None and at < token.expires_at:
        token.expires_at = at
        token.retired = True
