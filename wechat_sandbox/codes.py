"""Codes a phone hands to the app: from wx.login, or from the phone-number button. Five minutes, one use."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from wechat_sandbox.draw import Draw
from wechat_sandbox.users import User

CODE_LIFETIME_S: Final = 300


@dataclass
class Code:
    """One code and what became of it. ``calls`` counts every request that presented it.

    ``app_id``: the mini-program it was given in, when that is another one than this sandbox's.
    """

    text: str = field(repr=False)
    user: User
    expires_at: float
    app_id: str | None = None
    used: bool = False
    calls: int = 0


class Codes:
    """All codes of one kind (``login`` or ``phone``)."""

    def __init__(self, kind: str, draw: Draw) -> None:
        self._kind = kind
        self._draw = draw
        self._by_text: dict[str, Code] = {}
        self.presented_twice = 0

    def issue(self, user: User, now: float, app_id: str | None = None) -> str:
        """A new code for this person."""
        code = Code(self._draw.fresh_text(self._kind, 32), user, now + CODE_LIFETIME_S, app_id)
        self._by_text[code.text] = code
        return code.text

    def present(self, text: str, now: float) -> Code | None:
        """What a request presented: None when unknown or expired. A second call with one code is counted."""
        code = self._by_text.get(text)
        if code is None:
            return None
        code.calls += 1
        self.presented_twice += code.calls == 2
        return code if now < code.expires_at else None

    def owner(self, text: str) -> User | None:
        """Whose code this is, without touching it."""
        code = self._by_text.get(text)
        return code.user if code else None

    def forget_counts(self) -> None:
        """Start the count of codes presented twice again."""
        self.presented_twice = 0
