"""The environment, read once: all faults together, and never the value of a secret."""

import base64

import pytest

from app.settings import SettingsError, load
from tests.conftest import key

GOOD = {
    "DATABASE_URL": "postgresql+psycopg://app:secretpassword@db:5432/shop",
    "SESSION_KEY": key("s"),
    "CODE_KEYS": f"1:{key('c')}",
    "PHONE_KEYS": f"a:{key('p')},b:{key('q')}",
    "PHONE_INDEX_KEY": key("i"),
    "POLICY_VERSION": "2026-01",
}


def test_what_is_not_set_has_its_default() -> None:
    settings = load({**GOOD, "REDIS_URL": "  ", "SOMETHING_ELSE": "x"})
    assert settings.redis_url is None
    assert settings.db_pool_size == 4
    assert settings.trusted_proxies == 0
    assert settings.metrics_token is None
    assert settings.preview_sandbox_url is None
    assert settings.wechat_receipt_fields["thing1"] == "store"
    assert list(settings.phone_keys) == ["a", "b"]


def test_all_faults_are_told_at_once_by_name() -> None:
    with pytest.raises(SettingsError) as refused:
        load({"DB_POOL_SIZE": "many", "LOG_LEVEL": "loud", "WECHAT_APP_ID": "wx1", "PHONE_KEYS": "a:short"})
    told = str(refused.value)
    for name in (
        "DATABASE_URL", "SESSION_KEY", "CODE_KEYS", "PHONE_KEYS", "PHONE_INDEX_KEY", "POLICY_VERSION", "DB_POOL_SIZE",
        "LOG_LEVEL", "WECHAT_APP_ID and WECHAT_APP_SECRET",
    ):  # fmt: skip
        assert name in told
    assert "many" not in told
    assert "short" not in told


@pytest.mark.parametrize("name", sorted(GOOD))
def test_nothing_that_is_needed_has_a_default(name: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name}: missing$"):
        load({k: v for k, v in GOOD.items() if k != name})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "sqlite:///x"),
        ("DATABASE_URL", "postgresql://app:secretvalue@db/x"),
        ("DATABASE_URL", "postgresql+psycopg://app:secretvalue@db:port/x"),
        ("REDIS_URL", "http://secretvalue"),
        ("DB_POOL_SIZE", "0"),
        ("DB_POOL_SIZE", "٤"),
        ("DB_POOL_SIZE", "9" * 5_000),
        ("TRUSTED_PROXIES", "-1"),
        ("METRICS_TOKEN", "secretvalue"),
        ("SESSION_KEY", "secretvalue"),
        ("SESSION_KEY", base64.b64encode(bytes(32)).decode()),
        ("SESSION_KEY", base64.b64encode(b"changeme" * 4).decode()),
        ("SESSION_KEY", base64.b64encode(bytes(range(7, 38))).decode()),
        ("PHONE_INDEX_KEY", GOOD["SESSION_KEY"]),
        ("PHONE_KEYS", f"a:{key('p')},a:{key('q')}"),
        ("PHONE_KEYS", key("p")),
        ("PHONE_KEYS", f"a:{key('i')}"),
        ("POLICY_URL", "javascript:alert(1)"),
        ("POLICY_URL", "https://"),
        ("POLICY_URL", "https://a b"),
        ("POLICY_URL", "https://user:secretvalue@host/"),
        ("WECHAT_PAGE_STATE", "live"),
        ("WECHAT_RECEIPT_FIELDS", "thing1=password"),
        ("WECHAT_RECEIPT_FIELDS", "thing1=store,thing1=time"),
        ("MEMBER_SESSION_DAYS", "366"),
        ("BRAND_NAME", "a\x00b"),
        ("POLICY_VERSION", "x" * 33),
    ],
    ids=lambda text: text[:40],
)
def test_what_cannot_be_right_is_refused_without_quoting_it(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        load({**GOOD, name: value})
    assert "secretvalue" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_settings_show_no_secret() -> None:
    given = {**GOOD, "METRICS_TOKEN": "m" * 16, "WECHAT_APP_ID": "wx1", "WECHAT_APP_SECRET": "appsecret"}
    shown = repr(load({**given, "REDIS_URL": "redis://:redispassword@r", "TELEGRAM_BOT_TOKEN": "bot:token"}))
    for secret in (
        "secretpassword",
        "m" * 16,
        "appsecret",
        "redispassword",
        "bot:token",
        key("s"),
        key("c"),
        key("p"),
    ):
        assert secret not in shown
