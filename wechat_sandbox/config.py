"""What one sandbox is told at its start: the app, its templates, where its pushes go, its limits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

ONE_TIME: Final = 2
LONG_TERM: Final = 3
PUSH_FORMATS: Final = ("json", "xml")
JSON_SHAPES: Final = ("bare", "wrapped", "flat")
SIGNERS: Final = ("public_key", "certificate")
REFUNDS: Final = ("automatic", "manual")
PUSH_EVENTS: Final = ("popup", "change", "sent")
#: What people do in customer service of the mini-program.
CHAT_EVENTS: Final = ("enter", "text")
#: Of the official account.
FOLLOW_EVENTS: Final = ("subscribe", "unsubscribe", "finished")


class ConfigError(Exception):
    """The configuration cannot be used; the text says which part and why."""


@dataclass(frozen=True)
class Field:
    """One keyword of a subscribe-message template, e.g. key ``thing1`` of type ``thing``."""

    key: str
    type: str
    label: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Template:
    """A subscribe-message template. ``kind`` 2 is one-time (an accept is one send), 3 is long-term."""

    id: str
    title: str
    kind: int
    fields: tuple[Field, ...]
    banned: bool = False


@dataclass(frozen=True)
class Callback:
    """Where events are pushed, in safe mode. ``aes_key`` is the 43-character EncodingAESKey."""

    url: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    format: str = "json"
    json_shape: str = "bare"
    events: tuple[str, ...] = PUSH_EVENTS
    timeout_s: float = 5.0
    tries: int = 3
    retry_delay_s: float = 0.0


@dataclass(frozen=True)
class Official:
    """The official account of the same brand, bound to the same Open Platform: a person's unionid is one for both."""

    app_id: str
    secret: str = field(repr=False)
    templates: tuple[Template, ...] = ()
    callback: Callback | None = None


@dataclass(frozen=True)
class Sms:
    """An account of Tencent Cloud's SMS; ``templates`` are the approved texts by number, with places ``{1}``."""

    secret_id: str
    secret_key: str = field(repr=False)
    templates: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """The platform's quotas, as documented (``classic_tokens_per_day`` is second-hand)."""

    classic_tokens_per_day: int = 2_000
    stable_tokens_per_minute: int = 10_000
    stable_tokens_per_day: int = 500_000
    forced_tokens_per_day: int = 20
    forced_token_spacing_s: int = 30
    logins_per_user_per_minute: int = 100
    phone_numbers_per_minute: int = 100_000
    page_pictures_per_minute: int = 5_000
    sends_per_day: int = 10_000_000
    template_sends_per_day: int = 100_000


@dataclass(frozen=True)
class Latency:
    """How long an answer takes. Half of the answers take at most ``p50_ms``, 99 % at most ``p99_ms``."""

    p50_ms: float = 0.0
    p99_ms: float = 0.0


@dataclass(frozen=True)
class Pay:
    """A merchant of WeChat Pay. ``public_key`` is the PEM of the key whose private half signs the merchant's requests.

    ``sign_with`` says which of the platform's two keys signs when the merchant asks for none; ``retry_scale`` turns the
    documented pauses between tries of a notification into shorter ones.
    """

    mchid: str
    serial: str
    public_key: str = field(repr=False)
    apiv3_key: str = field(repr=False)
    sign_with: str = "public_key"
    refunds: str = "automatic"
    retry_scale: float = 1.0
    notify_timeout_s: float = 5.0


@dataclass(frozen=True)
class Config:
    """One sandbox. Without a ``seed``, people stay the same between runs but codes and tokens do not."""

    app_id: str
    secret: str = field(repr=False)
    brand: str = "示例小程序"
    seed: str | None = None
    users: tuple[str, ...] = ()
    templates: tuple[Template, ...] = ()
    pages: tuple[str, ...] = ()
    ip_whitelist: tuple[str, ...] = ()
    sensitive_words: tuple[str, ...] = ("违禁词",)
    unionid_bound: bool = False
    token_lifetime_s: int = 7_200
    session_content_type: str = "application/json; charset=utf-8"
    callback: Callback | None = None
    limits: Limits = Limits()
    latency: Latency = Latency()
    pay: Pay | None = None
    official: Official | None = None
    sms: Sms | None = None
    mail: bool = False
