"""A merchant with keys of its own, a platform that signs, and a scripted gateway: for tests of WeChat Pay."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from scripted_wechat import APPID, OPENID, Reply

from app.providers.wechat_pay import Merchant

MCHID = "1230000109"
SERIAL = "444F4864EA9B34415A1B2C3D4E5F60718293A4B5"
APIV3_KEY = "k9D2mQ7xV4bT1nR8sW5zY3cH6gJ0pLfA"
KEY_ID = "PUB_KEY_ID_0114232134912410000000000000"
CERTIFICATE = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
ORDER_NO = "T20261122-0001"
REFUND_NO = "R20261122-0001"
TRANSACTION_ID = "4200001234202611221234567890"
NOTIFY_URL = "http://127.0.0.1:9/callbacks/wechat-pay"

MERCHANT_KEY = rsa.generate_private_key(65_537, 2_048)
PLATFORM_KEYS = {
    KEY_ID: rsa.generate_private_key(65_537, 2_048),
    CERTIFICATE: rsa.generate_private_key(65_537, 2_048),
}
STRANGERS_KEY = rsa.generate_private_key(65_537, 2_048)


def public_der(key):
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def der_of(pem):
    return load_pem_public_key(pem.encode()).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def private_der(key):
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def merchant(**changes):
    values = {
        "appid": APPID,
        "mchid": MCHID,
        "serial": SERIAL,
        "private_key": private_der(MERCHANT_KEY),
        "apiv3_key": APIV3_KEY,
        "public_keys": {name: public_der(key) for name, key in PLATFORM_KEYS.items()},
        "notify_url": NOTIFY_URL,
    }
    return Merchant(**(values | changes))


def order(**changes):
    values = {
        "out_trade_no": ORDER_NO,
        "amount_fen": 20_000,
        "description": "青禾茶饮 会员储值",
        "openid": OPENID,
        "expires_at": datetime.now(UTC) + timedelta(minutes=30),
    }
    return values | changes


def refund(**changes):
    values = {
        "out_trade_no": ORDER_NO,
        "out_refund_no": REFUND_NO,
        "amount_fen": 500,
        "total_fen": 20_000,
        "reason": "会员退款",
    }
    return values | changes


def transaction(**changes):
    values = {
        "appid": APPID,
        "mchid": MCHID,
        "out_trade_no": ORDER_NO,
        "transaction_id": TRANSACTION_ID,
        "trade_type": "JSAPI",
        "trade_state": "SUCCESS",
        "trade_state_desc": "支付成功",
        "bank_type": "OTHERS",
        "success_time": "2026-11-22T15:04:05+08:00",
        "payer": {"openid": OPENID},
        "amount": {"total": 20_000, "payer_total": 20_000, "currency": "CNY", "payer_currency": "CNY"},
    }
    return values | changes


def refunded(**changes):
    values = {
        "refund_id": "50300001234202611221234567890",
        "out_refund_no": REFUND_NO,
        "transaction_id": TRANSACTION_ID,
        "out_trade_no": ORDER_NO,
        "status": "PROCESSING",
        "amount": {
            "total": 20_000,
            "refund": 500,
            "payer_total": 20_000,
            "payer_refund": 500,
            "currency": "CNY",
        },
    }
    return values | changes


def signature(key, *lines):
    message = "".join(f"{line}\n" for line in lines).encode()
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), SHA256())).decode()


def signed_headers(body, *, key_id=KEY_ID, key=None, timestamp=None, nonce="0Ab1Cd2Ef3", **changes):
    stamp = str(int(time.time()) if timestamp is None else timestamp)
    headers = {
        "Wechatpay-Timestamp": stamp,
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Serial": key_id,
        "Wechatpay-Signature-Type": "WECHATPAY2-SHA256-RSA2048",
        "Wechatpay-Signature": signature(key or PLATFORM_KEYS[key_id], stamp, nonce, body.decode()),
    }
    return headers | changes


def pays(document, status=200, **signing):
    """A signed answer of WeChat Pay."""
    body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Request-ID": "08F78BB5AF0610D302-268435521",
    }
    return Reply(body, status, headers | signed_headers(body, **signing))


def says_no(code, status, message="不行"):
    """Errors are not signed in every case, so these are not."""
    body = json.dumps({"code": code, "message": message}, ensure_ascii=False).encode()
    return Reply(
        body, status, {"Content-Type": "application/json", "Request-ID": "08F78BB5AF0610D302-268435521"}
    )


def notification(plain=None, *, event="TRANSACTION.SUCCESS", kind="transaction", key=APIV3_KEY, **changes):
    """The body of a notification, sealed."""
    text = json.dumps(transaction() if plain is None else plain, ensure_ascii=False)
    nonce = "fdasflkja484"
    sealed = AESGCM(key.encode()).encrypt(nonce.encode(), text.encode(), kind.encode())
    document = {
        "id": "EV-2026112215040500001",
        "create_time": "2026-11-22T15:04:05+08:00",
        "resource_type": "encrypt-resource",
        "event_type": event,
        "summary": "支付成功",
        "resource": {
            "original_type": kind,
            "algorithm": "AEAD_AES_256_GCM",
            "ciphertext": base64.b64encode(sealed).decode(),
            "associated_data": kind,
            "nonce": nonce,
        },
    }
    return json.dumps(document | changes, ensure_ascii=False).encode()
