"""What can be set from outside: read once from the environment, typed, all faults reported together.

docs/config.md lists every setting; a test compares. Secrets have no default: the product does not start with a
guessable one. No setting switches a guard off, and none names an environment.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from app.settings_pay import apiv3_key, https_url, private_key, public_keys, serial_no
from app.settings_words import (
    database_url,
    digits,
    email_address,
    host,
    http_url,
    is_loopback,
    key_ring,
    one_of,
    printable,
    redis_url,
    secret_key,
    whole,
)

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
    official_app_id: str | None
    official_app_secret: str | None = field(repr=False)
    official_callback_token: str | None = field(repr=False)
    official_callback_aes_key: str | None = field(repr=False)
    telegram_bot_token: str | None = field(repr=False)
    # messages
    sends_per_second: Mapping[str, int]
    public_url: str | None
    smtp_host: str | None
    smtp_port: int
    smtp_tls: str
    smtp_user: str | None = field(repr=False)
    smtp_password: str | None = field(repr=False)
    smtp_from: str | None
    sms_secret_id: str | None = field(repr=False)
    sms_secret_key: str | None = field(repr=False)
    sms_app_id: str | None
    sms_signature: str | None
    sms_region: str
    sms_api_base: str
    sms_callback_token: str | None = field(repr=False)
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
        database_url=read.required("DATABASE_URL", database_url),
        redis_url=read.optional("REDIS_URL", redis_url, None),
        db_pool_size=read.optional("DB_POOL_SIZE", whole(1, 100), 4),
        log_level=read.optional("LOG_LEVEL", one_of("debug", "info", "warning", "error"), "info"),
        trusted_proxies=read.optional("TRUSTED_PROXIES", whole(0, 5), 0),
        metrics_token=read.optional("METRICS_TOKEN", printable(200, 16), None),
        session_key=read.required("SESSION_KEY", secret_key),
        code_keys=read.required("CODE_KEYS", printable(2000)),
        code_prefix=read.optional("CODE_PREFIX", printable(2, 2), "90"),
        phone_keys=read.required("PHONE_KEYS", key_ring),
        phone_index_key=read.required("PHONE_INDEX_KEY", secret_key),
        brand_name=read.optional("BRAND_NAME", printable(60), "Member Center"),
        policy_version=read.required("POLICY_VERSION", printable(32)),
        policy_url=read.optional("POLICY_URL", http_url, None),
        member_session_days=read.optional("MEMBER_SESSION_DAYS", whole(1, 365), 30),
        wechat_app_id=read.optional("WECHAT_APP_ID", printable(500), None),
        wechat_app_secret=read.optional("WECHAT_APP_SECRET", printable(500), None),
        wechat_api_base=read.optional("WECHAT_API_BASE", http_url, "https://api.weixin.qq.com"),
        wechat_callback_token=read.optional("WECHAT_CALLBACK_TOKEN", printable(500), None),
        wechat_callback_aes_key=read.optional("WECHAT_CALLBACK_AES_KEY", printable(500), None),
        wechat_receipt_template=read.optional("WECHAT_RECEIPT_TEMPLATE", printable(500), None),
        wechat_receipt_fields=read.optional("WECHAT_RECEIPT_FIELDS", _fields, _RECEIPT_FIELDS),
        wechat_page_state=read.optional("WECHAT_PAGE_STATE", _page_state, "formal"),
        official_app_id=read.optional("OFFICIAL_APP_ID", printable(64), None),
        official_app_secret=read.optional("OFFICIAL_APP_SECRET", printable(500), None),
        official_callback_token=read.optional("OFFICIAL_CALLBACK_TOKEN", printable(500), None),
        official_callback_aes_key=read.optional("OFFICIAL_CALLBACK_AES_KEY", printable(500), None),
        telegram_bot_token=read.optional("TELEGRAM_BOT_TOKEN", printable(500), None),
        sends_per_second=read.optional("SENDS_PER_SECOND", _rates, _RATES),
        public_url=read.optional("PUBLIC_URL", https_url, None),
        smtp_host=read.optional("SMTP_HOST", host, None),
        smtp_port=read.optional("SMTP_PORT", whole(1, 65_535), 587),
        smtp_tls=read.optional("SMTP_TLS", one_of("starttls", "tls", "none"), "starttls"),
        smtp_user=read.optional("SMTP_USER", printable(200), None),
        smtp_password=read.optional("SMTP_PASSWORD", printable(200), None),
        smtp_from=read.optional("SMTP_FROM", email_address, None),
        sms_secret_id=read.optional("SMS_SECRET_ID", printable(200), None),
        sms_secret_key=read.optional("SMS_SECRET_KEY", printable(200), None),
        sms_app_id=read.optional("SMS_APP_ID", digits(20), None),
        sms_signature=read.optional("SMS_SIGNATURE", printable(60), None),
        sms_region=read.optional("SMS_REGION", printable(40), "ap-guangzhou"),
        sms_api_base=read.optional("SMS_API_BASE", https_url, "https://sms.tencentcloudapi.com"),
        sms_callback_token=read.optional("SMS_CALLBACK_TOKEN", printable(200, 24), None),
        wechat_pay_mchid=read.optional("WECHAT_PAY_MCHID", digits(32), None),
        wechat_pay_serial=read.optional("WECHAT_PAY_SERIAL", serial_no, None),
        wechat_pay_private_key=read.optional("WECHAT_PAY_PRIVATE_KEY", private_key, None),
        wechat_pay_apiv3_key=read.optional("WECHAT_PAY_APIV3_KEY", apiv3_key, None),
        wechat_pay_public_keys=read.optional("WECHAT_PAY_PUBLIC_KEYS", public_keys, None),
        wechat_pay_notify_url=read.optional("WECHAT_PAY_NOTIFY_URL", https_url, None),
        wechat_pay_api_base=read.optional("WECHAT_PAY_API_BASE", https_url, _PAY_API_BASE),
        preview_sandbox_url=read.optional("PREVIEW_SANDBOX_URL", http_url, None),
    )
    read.together("WECHAT_APP_ID", "WECHAT_APP_SECRET")
    read.together("WECHAT_CALLBACK_TOKEN", "WECHAT_CALLBACK_AES_KEY")
    read.together(*_OFFICIAL)
    if settings.official_app_id is not None and settings.official_app_id == settings.wechat_app_id:
        read.fault("OFFICIAL_APP_ID: this is the mini-program's")
    read.together(*_SMS)
    read.together("SMTP_HOST", "SMTP_FROM")
    read.together("SMTP_USER", "SMTP_PASSWORD")
    read.needs("SMTP_HOST", "PUBLIC_URL")
    if settings.smtp_host and settings.smtp_tls == "none" and not is_loopback(settings.smtp_host):
        read.fault("SMTP_TLS: none is for a mail server on this machine only")
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
#: The official account needs all of these: only its events say who follows.
_OFFICIAL = (
    "OFFICIAL_APP_ID",
    "OFFICIAL_APP_SECRET",
    "OFFICIAL_CALLBACK_TOKEN",
    "OFFICIAL_CALLBACK_AES_KEY",
)
#: SMS need all of these.
_SMS = ("SMS_SECRET_ID", "SMS_SECRET_KEY", "SMS_APP_ID", "SMS_SIGNATURE")
_PAY_API_BASE = "https://api.mch.weixin.qq.com"
_RECEIPT_FIELDS = {"thing1": "store", "amount2": "amount", "number3": "earned", "time4": "time"}


#: How many messages a second go to each provider at most.
_RATES = {"wechat_subscribe": 500, "official_account": 100, "wechat_service": 100, "sms": 50, "email": 20}


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

    def fault(self, words: str) -> None:
        self._faults.append(words)

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


def _page_state(text: str) -> Literal["formal", "trial", "developer"]:
    states: dict[str, Literal["formal", "trial", "developer"]] = {
        "formal": "formal",
        "trial": "trial",
        "developer": "developer",
    }
    if text not in states:
        raise ValueError(f"one of {', '.join(states)} is needed")
    return states[text]


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
    given = {name: whole(1, 10_000)(number) for name, _, number in pairs}
    if len(given) != len(pairs) or not given.keys() <= _RATES.keys():
        raise ValueError(f"pairs such as sms=20 are needed; channels are {', '.join(sorted(_RATES))}")
    return {**_RATES, **given}
