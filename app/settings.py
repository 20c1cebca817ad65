"""What can be set from outside: read once from the environment, typed, all faults reported together.

docs/config.md lists every setting; a test compares. Secrets have no default: the product does not start with a
guessable one. No setting switches a guard off, and none names an environment.
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from app.settings_pay import apiv3_key, https_url, private_key, public_keys, serial_no

T = TypeVar("T")


class SettingsError(Exception):
    """One or more settings are missing or wrong; the text names each, never its value."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    # ground
    database_url: str = field(repr=False)
    redis_url: str | None = field(repr=False)
    db_pool_size: int
    log_level: str
    trusted_proxies: int
    metrics_token: str | None = field(repr=False)
    # keys
    session_key: bytes = field(repr=False)
    code_keys: str = field(repr=False)
    code_prefix: str
    phone_keys: Mapping[str, bytes] = field(repr=False)
    phone_index_key: bytes = field(repr=False)
    # the brand
    brand_name: str
    policy_version: str
    policy_url: str | None
    member_session_days: int
    # chat apps
    wechat_app_id: str | None
    wechat_app_secret: str | None = field(repr=False)
    wechat_api_base: str
    wechat_callback_token: str | None = field(repr=False)
    wechat_callback_aes_key: str | None = field(repr=False)
    wechat_receipt_template: str | None
    wechat_receipt_fields: Mapping[str, str]
    wechat_page_state: Literal["formal", "trial", "developer"]
    telegram_bot_token: str | None = field(repr=False)
    # messages
    sends_per_second: Mapping[str, int]
    # payments
    wechat_pay_mchid: str | None
    wechat_pay_serial: str | None
    wechat_pay_private_key: bytes | None = field(repr=False)
    wechat_pay_apiv3_key: str | None = field(repr=False)
    wechat_pay_public_keys: Mapping[str, bytes] | None = field(repr=False)
    wechat_pay_notify_url: str | None
    wechat_pay_api_base: str
    # trying it out
    preview_sandbox_url: str | None


def load(environ: Mapping[str, str]) -> Settings:
    """Read and check every setting; empty text counts as not set. Raises `SettingsError` that lists all faults."""
    read = _Reader({name: value.strip() for name, value in environ.items() if value.strip()})
    settings = Settings(
        database_url=read.required("DATABASE_URL", _database_url),
        redis_url=read.optional("REDIS_URL", _redis_url, None),
        db_pool_size=read.optional("DB_POOL_SIZE", _whole(1, 100), 4),
        log_level=read.optional("LOG_LEVEL", _one_of("debug", "info", "warning", "error"), "info"),
        trusted_proxies=read.optional("TRUSTED_PROXIES", _whole(0, 5), 0),
        metrics_token=read.optional("METRICS_TOKEN", _text(200, 16), None),
        session_key=read.required("SESSION_KEY", _key),
        code_keys=read.required("CODE_KEYS", _text(2000)),
        code_prefix=read.optional("CODE_PREFIX", _text(2, 2), "90"),
        phone_keys=read.required("PHONE_KEYS", _key_ring),
        phone_index_key=read.required("PHONE_INDEX_KEY", _key),
        brand_name=read.optional("BRAND_NAME", _text(60), "Member Center"),
        policy_version=read.required("POLICY_VERSION", _text(32)),
        policy_url=read.optional("POLICY_URL", _http_url, None),
        member_session_days=read.optional("MEMBER_SESSION_DAYS", _whole(1, 365), 30),
        wechat_app_id=read.optional("WECHAT_APP_ID", _text(500), None),
        wechat_app_secret=read.optional("WECHAT_APP_SECRET", _text(500), None),
        wechat_api_base=read.optional("WECHAT_API_BASE", _http_url, "https://api.weixin.qq.com"),
        wechat_callback_token=read.optional("WECHAT_CALLBACK_TOKEN", _text(500), None),
        wechat_callback_aes_key=read.optional("WECHAT_CALLBACK_AES_KEY", _text(500), None),
        wechat_receipt_template=read.optional("WECHAT_RECEIPT_TEMPLATE", _text(500), None),
        wechat_receipt_fields=read.optional("WECHAT_RECEIPT_FIELDS", _fields, _RECEIPT_FIELDS),
        wechat_page_state=read.optional("WECHAT_PAGE_STATE", _page_state, "formal"),
        telegram_bot_token=read.optional("TELEGRAM_BOT_TOKEN", _text(500), None),
        sends_per_second=read.optional("SENDS_PER_SECOND", _rates, _RATES),
        wechat_pay_mchid=read.optional("WECHAT_PAY_MCHID", _digits(32), None),
        wechat_pay_serial=read.optional("WECHAT_PAY_SERIAL", serial_no, None),
        wechat_pay_private_key=read.optional("WECHAT_PAY_PRIVATE_KEY", private_key, None),
        wechat_pay_apiv3_key=read.optional("WECHAT_PAY_APIV3_KEY", apiv3_key, None),
        wechat_pay_public_keys=read.optional("WECHAT_PAY_PUBLIC_KEYS", public_keys, None),
        wechat_pay_notify_url=read.optional("WECHAT_PAY_NOTIFY_URL", https_url, None),
        wechat_pay_api_base=read.optional("WECHAT_PAY_API_BASE", https_url, _PAY_API_BASE),
        preview_sandbox_url=read.optional("PREVIEW_SANDBOX_URL", _http_url, None),
    )
    read.together("WECHAT_APP_ID", "WECHAT_APP_SECRET")
    read.together("WECHAT_CALLBACK_TOKEN", "WECHAT_CALLBACK_AES_KEY")
    read.together(*_PAY)
    read.needs("WECHAT_PAY_MCHID", "WECHAT_APP_ID")
    read.distinct(settings)
    read.seal()
    return settings


#: What a receipt can say, and the keys WeChat gave these words in a common template.
RECEIPT_WORDS = frozenset({"store", "amount", "earned", "points", "discount", "spent", "time"})
#: Payments need all of these, and the mini-program that the payer holds.
_PAY = (
    "WECHAT_PAY_MCHID",
    "WECHAT_PAY_SERIAL",
    "WECHAT_PAY_PRIVATE_KEY",
    "WECHAT_PAY_APIV3_KEY",
    "WECHAT_PAY_PUBLIC_KEYS",
    "WECHAT_PAY_NOTIFY_URL",
)
_PAY_API_BASE = "https://api.mch.weixin.qq.com"
_RECEIPT_FIELDS = {"thing1": "store", "amount2": "amount", "number3": "earned", "time4": "time"}


#: How many messages a second go to each provider at most.
_RATES = {"wechat_subscribe": 500, "official_account": 100, "sms": 50, "email": 20}


class _Reader:
    """Collects faults instead of stopping at the first."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self._faults: list[str] = []

    def required(self, name: str, parse: Callable[[str], T]) -> T:
        if name not in self._values:
            self._faults.append(f"{name}: missing")
        return self.optional(name, parse, None)  # type: ignore[return-value]  # a fault is raised by `seal`

    def optional(self, name: str, parse: Callable[[str], T], default: T) -> T:
        if name not in self._values:
            return default
        try:
            return parse(self._values[name])
        except ValueError as fault:
            self._faults.append(f"{name}: {fault}")
            return default

    def together(self, *names: str) -> None:
        given = [name for name in names if name in self._values]
        if given and len(given) < len(names):
            self._faults.append(f"{' and '.join(names)}: set all of them or none")

    def needs(self, name: str, other: str) -> None:
        if name in self._values and other not in self._values:
            self._faults.append(f"{name}: needs {other}")

    def distinct(self, settings: Settings) -> None:
        """One key for one purpose: whoever learns one must not have learned another."""
        if self._faults:
            return
        keys = [settings.session_key, settings.phone_index_key, *settings.phone_keys.values()]
        if len(set(keys)) < len(keys):
            self._faults.append("SESSION_KEY, PHONE_KEYS and PHONE_INDEX_KEY: each needs a key of its own")

    def seal(self) -> None:
        if self._faults:
            raise SettingsError("; ".join(self._faults))


def _whole(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"a whole number from {low} to {high} is needed")
        return int(text)

    return parse


def _digits(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not text.isascii() or not text.isdigit() or len(text) > longest:
            raise ValueError(f"1 to {longest} digits are needed")
        return text

    return parse


def _one_of(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in words:
            raise ValueError(f"one of {', '.join(words)} is needed")
        return text

    return parse


def _page_state(text: str) -> Literal["formal", "trial", "developer"]:
    states: dict[str, Literal["formal", "trial", "developer"]] = {
        "formal": "formal",
        "trial": "trial",
        "developer": "developer",
    }
    if text not in states:
        raise ValueError(f"one of {', '.join(states)} is needed")
    return states[text]


def _text(longest: int, shortest: int = 1) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if not shortest <= len(text) <= longest or not text.isprintable():
            raise ValueError(f"{shortest} to {longest} printable characters are needed")
        return text

    return parse


def _database_url(text: str) -> str:
    try:
        scheme = make_url(text).drivername
    except (ArgumentError, ValueError):
        scheme = ""  # what the parser says would quote the address, and so its password
    if scheme != "postgresql+psycopg":
        raise ValueError("an address that begins with postgresql+psycopg:// is needed")
    return text


def _redis_url(text: str) -> str:
    if not text.startswith(("redis://", "rediss://", "unix://")) or len(text) > 500:
        raise ValueError("an address that begins with redis://, rediss:// or unix:// is needed")
    return text


def _http_url(text: str) -> str:
    plain = text.isascii() and text.isprintable() and " " not in text and len(text) <= 2000
    if not plain or not re.fullmatch(r"https?://[^/?#@]+([/?#].*)?", text):
        raise ValueError("an http or https address is needed")
    return text.rstrip("/")


def _key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("base64 of 32 random bytes is needed") from None
    # 32 random bytes hold some thirty different ones; a pattern or a typed word holds few.
    if len(key) != 32 or len(set(key)) < 16:
        raise ValueError("base64 of 32 random bytes is needed")
    return key


def _key_ring(text: str) -> dict[str, bytes]:
    """`id:base64,id:base64`: the first one encrypts, the others still decrypt."""
    pairs = [part.strip().partition(":") for part in text.split(",")]
    ring = {name: _key(key) for name, _, key in pairs}
    if len(ring) != len(pairs) or not all(
        name.isascii() and name.isalnum() and len(name) <= 8 for name in ring
    ):
        raise ValueError("distinct ids of up to 8 letters or digits are needed, as in a1:KEY,a0:KEY")
    return ring


def _fields(text: str) -> dict[str, str]:
    """`thing1=store,amount2=amount`: the keys of the brand's own message template, and what goes there."""
    pairs = [part.strip().partition("=") for part in text.split(",")]
    fields = {key: word for key, _, word in pairs}
    if len(fields) != len(pairs) or not all(key and word in RECEIPT_WORDS for key, word in fields.items()):
        raise ValueError(
            f"pairs such as thing1=store are needed; words are {', '.join(sorted(RECEIPT_WORDS))}"
        )
    return fields


def _rates(text: str) -> dict[str, int]:
    """`sms=20,email=5`: those that are not named keep theirs."""
    pairs = [part.strip().partition("=") for part in text.split(",")]
    given = {name: _whole(1, 10_000)(number) for name, _, number in pairs}
    if len(given) != len(pairs) or not given.keys() <= _RATES.keys():
        raise ValueError(f"pairs such as sms=20 are needed; channels are {', '.join(sorted(_RATES))}")
    return {**_RATES, **given}
