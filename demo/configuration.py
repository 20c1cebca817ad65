"""How the demo sets up the product and the stand-in for WeChat: by settings, as any installation would."""

import base64
from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_private_key

from demo.keys import Keys

BRAND = "青禾茶饮"
POLICY_VERSION = "2026-01"
THREADS = 4
_MCHID, _MERCHANT_SERIAL = "1900000109", "DE3000000000000000000000000000000000C0DE"
_TEMPLATE = "demo-receipt-template"
#: A subscribe message that members are asked for, a template message of the official account, an SMS.
NEWS, OFFICIAL_NEWS, SMS_NEWS = "demo-news-template", "demo-official-template", "2000001"
NEWS_FIELDS = (("thing1", "活动"), ("thing2", "说明"))
_SMS_ID, _SMS_APP_ID = "AKIDofTheDemo", "1400000001"
#: The message as WeChat shows it: key, label, and the word of ours that goes there.
_TEMPLATE_FIELDS = (
    ("thing1", "门店", "store"),
    ("amount2", "金额", "amount"),
    ("number3", "获得积分", "earned"),
    ("time4", "时间", "time"),
    ("thing5", "储值与积分支付", "spent"),
)


def product(
    keys: Keys,
    *,
    database_url: str,
    redis_url: str | None,
    sandbox_url: str,
    app_url: str,
    pay_keys: Mapping[str, str],
    mail_port: int,
) -> dict[str, str]:
    """The environment of the web server and the worker. `pay_keys` and `mail_port` change as the sandbox starts."""
    return {
        "DATABASE_URL": database_url,
        **({} if redis_url is None else {"REDIS_URL": redis_url}),
        "DB_POOL_SIZE": str(THREADS),
        "LOG_LEVEL": "info",
        "METRICS_TOKEN": keys.metrics_token,
        "SESSION_KEY": keys.session_key,
        "CODE_KEYS": keys.code_keys,
        "PHONE_KEYS": keys.phone_keys,
        "PHONE_INDEX_KEY": keys.phone_index_key,
        "BRAND_NAME": BRAND,
        "POLICY_VERSION": POLICY_VERSION,
        "POLICY_URL": f"{app_url}/preview/policy.html",
        "WECHAT_APP_ID": keys.wechat_app_id,
        "WECHAT_APP_SECRET": keys.wechat_app_secret,
        "WECHAT_API_BASE": sandbox_url,
        "WECHAT_CALLBACK_TOKEN": keys.callback_token,
        "WECHAT_CALLBACK_AES_KEY": keys.callback_aes_key,
        "WECHAT_RECEIPT_TEMPLATE": _TEMPLATE,
        "WECHAT_RECEIPT_FIELDS": ",".join(f"{key}={word}" for key, _, word in _TEMPLATE_FIELDS),
        "WECHAT_PAY_MCHID": _MCHID,
        "WECHAT_PAY_SERIAL": _MERCHANT_SERIAL,
        "WECHAT_PAY_PRIVATE_KEY": keys.pay_private_key,
        "WECHAT_PAY_APIV3_KEY": keys.pay_apiv3_key,
        "WECHAT_PAY_PUBLIC_KEYS": ",".join(
            f"{name}:{''.join(pem.splitlines()[1:-1])}" for name, pem in pay_keys.items()
        ),
        "WECHAT_PAY_NOTIFY_URL": f"{app_url}/callbacks/wechat-pay",
        "WECHAT_PAY_API_BASE": sandbox_url,
        "OFFICIAL_APP_ID": keys.official_app_id,
        "OFFICIAL_APP_SECRET": keys.official_app_secret,
        "OFFICIAL_CALLBACK_TOKEN": keys.callback_token,
        "OFFICIAL_CALLBACK_AES_KEY": keys.callback_aes_key,
        "PUBLIC_URL": app_url,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail_port),
        "SMTP_TLS": "none",
        "SMTP_FROM": "hello@qinghe.example",
        "SMS_SECRET_ID": _SMS_ID,
        "SMS_SECRET_KEY": keys.sms_secret_key,
        "SMS_APP_ID": _SMS_APP_ID,
        "SMS_SIGNATURE": BRAND,
        "SMS_API_BASE": sandbox_url,
        "PREVIEW_SANDBOX_URL": sandbox_url,
    }


def sandbox(keys: Keys, *, app_url: str) -> dict[str, Any]:
    """The sandbox's configuration (docs/sandbox.md)."""
    return {
        "app_id": keys.wechat_app_id,
        "secret": keys.wechat_app_secret,
        "brand": BRAND,
        "users": ["alice", "demo"],
        "templates": [
            {
                "id": _TEMPLATE,
                "title": "消费积分到账通知",
                "kind": 2,
                "fields": [{"key": key, "label": label} for key, label, _ in _TEMPLATE_FIELDS],
            },
            {"id": NEWS, "title": "活动开始提醒", "kind": 2, "fields": _labelled(NEWS_FIELDS)},
        ],
        "unionid_bound": True,
        "official": {
            "app_id": keys.official_app_id,
            "secret": keys.official_app_secret,
            "templates": [{"id": OFFICIAL_NEWS, "title": "会员权益提醒", "fields": _labelled(NEWS_FIELDS)}],
            "callback": {
                "url": f"{app_url}/callbacks/wechat-official",
                "token": keys.callback_token,
                "aes_key": keys.callback_aes_key,
            },
        },
        "sms": {
            "secret_id": _SMS_ID,
            "secret_key": keys.sms_secret_key,
            "templates": {SMS_NEWS: "{1}，{2}。拒收请回复R"},
        },
        "mail": True,
        "callback": {
            "url": f"{app_url}/callbacks/wechat",
            "token": keys.callback_token,
            "aes_key": keys.callback_aes_key,
        },
        "pay": {
            "mchid": _MCHID,
            "serial": _MERCHANT_SERIAL,
            "public_key": _public_pem(keys.pay_private_key),
            "apiv3_key": keys.pay_apiv3_key,
        },
    }


def _labelled(fields: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"key": key, "label": label} for key, label in fields]


def _public_pem(private_key: str) -> str:
    public = load_der_private_key(base64.b64decode(private_key), password=None).public_key()
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
