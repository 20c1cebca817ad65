"""The brand's official account: who follows it, and its own tokens, templates and pushes."""

from __future__ import annotations

import base64

from wechat_sandbox.clock import Clock
from wechat_sandbox.config import FOLLOW_EVENTS, Limits, Official
from wechat_sandbox.draw import Draw
from wechat_sandbox.push import Pushes
from wechat_sandbox.tokens import Tokens
from wechat_sandbox.users import User


class OfficialAccount:
    """Knows people by openids of its own; what it has in common with the mini-program is their unionid."""

    def __init__(
        self, config: Official, *, clock: Clock, draw: Draw, limits: Limits, lifetime_s: int
    ) -> None:
        self.config = config
        self.tokens = Tokens(draw, limits, lifetime_s)
        self.templates = {one.id: one for one in config.templates}
        self.pushes = Pushes(
            config.callback, app_id=config.app_id, clock=clock, draw=draw, kinds=FOLLOW_EVENTS
        )
        self.sent_once: dict[tuple[str, str], int] = {}
        self._draw = draw
        self._users: dict[str, User] = {}
        self._followers: set[str] = set()

    def openid(self, user: User) -> str:
        """How the account knows that person, whether they follow it or not."""
        raw = self._draw.lasting("official_openid", user.name, 21)
        openid = "o" + base64.urlsafe_b64encode(raw).decode()[:27]
        self._users[openid] = user
        return openid

    def known(self, openid: str) -> User | None:
        """Whoever has ever followed, or was asked about; None for a made-up openid."""
        return self._users.get(openid)

    def follows(self, user: User) -> bool:
        """Whether they do now."""
        return self.openid(user) in self._followers

    def follow(self, user: User, *, follows: bool) -> None:
        """The person follows the account, or no more; the event is pushed each time."""
        openid = self.openid(user)
        if follows:
            self._followers.add(openid)
        else:
            self._followers.discard(openid)
        self.pushes.post("subscribe" if follows else "unsubscribe", openid, [{"EventKey": ""}])
