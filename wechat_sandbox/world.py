"""The state of one sandbox: everything a reset throws away and makes again."""

from __future__ import annotations

from math import log
from typing import Final

from wechat_sandbox.clock import Clock
from wechat_sandbox.codes import Codes
from wechat_sandbox.config import CHAT_EVENTS, Config, Latency, Template
from wechat_sandbox.draw import Draw
from wechat_sandbox.faults import Faults
from wechat_sandbox.letters import Letters
from wechat_sandbox.metrics import Metrics
from wechat_sandbox.official_account import OfficialAccount
from wechat_sandbox.pay_crypto import platform_keys
from wechat_sandbox.pay_desk import PayDesk
from wechat_sandbox.push import Pushes
from wechat_sandbox.quotas import Quotas
from wechat_sandbox.service_chat import Chat
from wechat_sandbox.subscriptions import Subscriptions
from wechat_sandbox.tokens import Tokens
from wechat_sandbox.users import Users

_Z_99: Final = 2.326  # the 99th percentile of the normal distribution, in standard deviations


class UnknownTemplate(Exception):
    """No template has that id."""


class World:
    """People, codes, tokens, credits, messages, faults and counts of one app."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.clock = Clock()
        self.draw = Draw(seed=config.seed, app_id=config.app_id, secret=config.secret)
        self.users = Users(self.draw)
        self.login_codes = Codes("login_code", self.draw)
        self.phone_codes = Codes("phone_code", self.draw)
        self.tokens = Tokens(self.draw, config.limits, config.token_lifetime_s)
        self.quotas = Quotas()
        self.subscriptions = Subscriptions()
        self.templates = {one.id: one for one in config.templates}
        self.sending_to: set[str] = set()
        self.letters = Letters()
        self.faults = Faults(self.draw.random)
        self.metrics = Metrics()
        self.latency = config.latency
        self.pushes = Pushes(
            config.callback, app_id=config.app_id, clock=self.clock, draw=self.draw, kinds=CHAT_EVENTS
        )
        self.chats: dict[str, Chat] = {}
        self.official = self._official_account(config)
        self.pay = self._pay_desk(config)
        for name in config.users:
            self.users.named_or_new(name)

    async def close(self) -> None:
        """Give up the deliveries that are under way."""
        await self.pushes.close()
        if self.official is not None:
            await self.official.pushes.close()
        if self.pay is not None:
            await self.pay.notifier.close()

    def _official_account(self, config: Config) -> OfficialAccount | None:
        if config.official is None:
            return None
        return OfficialAccount(
            config.official,
            clock=self.clock,
            draw=self.draw,
            limits=config.limits,
            lifetime_s=config.token_lifetime_s,
        )

    def _pay_desk(self, config: Config) -> PayDesk | None:
        if config.pay is None:
            return None
        return PayDesk(config.pay, platform_keys(), app_id=config.app_id, clock=self.clock, draw=self.draw)

    def template(self, template_id: str) -> Template:
        """The template of that id. Raises UnknownTemplate."""
        try:
            return self.templates[template_id]
        except KeyError:
            raise UnknownTemplate from None

    def next_msgid(self) -> int:
        """A message id: 19 digits, as the platform's are."""
        return 10**18 + int.from_bytes(self.draw.fresh("msgid", 8)) % (8 * 10**18)

    def latency_s(self) -> float:
        """How long the next answer takes: log-normal through the two configured percentiles."""
        return latency_s(self.latency, self.draw.random.gauss())

    def counts(self) -> dict[str, object]:
        """The metrics of the control plane."""
        return {
            **self.metrics.as_json(),
            "tokens_minted": dict(self.tokens.minted),
            "credits": {"granted": self.subscriptions.granted, "used": self.subscriptions.used},
            "codes_presented_twice": {
                "login": self.login_codes.presented_twice,
                "phone": self.phone_codes.presented_twice,
            },
        }

    def forget_counts(self) -> None:
        """Start every count again and keep all the rest."""
        self.metrics = Metrics()
        for counted in (self.tokens, self.subscriptions, self.login_codes, self.phone_codes):
            counted.forget_counts()


def latency_s(latency: Latency, deviation: float) -> float:
    """Seconds at ``deviation`` standard deviations from the median."""
    if latency.p50_ms <= 0:
        return 0.0
    spread = log(max(latency.p99_ms / latency.p50_ms, 1.0)) / _Z_99
    return float(latency.p50_ms / 1_000 * 2.718281828459045 ** (spread * deviation))
