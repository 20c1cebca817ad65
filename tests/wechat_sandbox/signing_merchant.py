"""A merchant of WeChat Pay that signs its requests and checks answers with bare keys, as the documentation words it."""

from __future__ import annotations

import base64
import json
import time
import uuid
from typing import Any

import requests
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

MCHID, SERIAL = "1230000109", "444F4864EA9B34415A1B2C3D4E5F60718293A4B5"
APIV3_KEY = "k9D2mQ7xV4bT1nR8sW5zY3cH6gJ0pLfA"
KEY = rsa.generate_private_key(65_537, 2_048)
CONFIG: dict[str, Any] = {
    "mchid": MCHID,
    "serial": SERIAL,
    "public_key": KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    "apiv3_key": APIV3_KEY,
    "retry_scale": 0.000_001,
}


def sign(*lines: str) -> str:
    message = "".join(f"{line}\n" for line in lines).encode()
    return base64.b64encode(KEY.sign(message, padding.PKCS1v15(), SHA256())).decode()


def check(pem: str, headers: Any, body: bytes) -> None:
    """Raises InvalidSignature unless the platform signed this."""
    key = load_pem_public_key(pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    key.verify(base64.b64decode(headers["Wechatpay-Signature"]), message, padding.PKCS1v15(), SHA256())


def unseal(body: bytes) -> dict[str, Any]:
    resource = json.loads(body)["resource"]
    assert resource["algorithm"] == "AEAD_AES_256_GCM"
    plain = AESGCM(APIV3_KEY.encode()).decrypt(
        resource["nonce"].encode(),
        base64.b64decode(resource["ciphertext"]),
        resource["associated_data"].encode(),
    )
    found: dict[str, Any] = json.loads(plain)
    return found


class Merchant:
    """Calls the sandbox's pay side."""

    def __init__(self, sandbox: Any, app_id: str, notify_url: str) -> None:
        self.sandbox, self.app_id, self.notify_url = sandbox, app_id, notify_url

    def call(self, method: str, target: str, body: object = None, **changed: str) -> requests.Response:
        """``changed`` replaces parts of the Authorization header, or what is signed (``signed_body``)."""
        raw = "" if body is None else body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        stamp, nonce = changed.get("timestamp", str(int(time.time()))), uuid.uuid4().hex
        given = {
            "mchid": MCHID,
            "nonce_str": nonce,
            "signature": sign(method, target, stamp, nonce, changed.pop("signed_body", raw)),
            "timestamp": stamp,
            "serial_no": SERIAL,
        } | changed
        words = ",".join(f'{name}="{value}"' for name, value in given.items())
        headers = {"Authorization": f"WECHATPAY2-SHA256-RSA2048 {words}", "Accept": "application/json"}
        if raw:
            headers["Content-Type"] = "application/json"
        answer: requests.Response = self.sandbox.ask(method, target, data=raw.encode(), headers=headers)
        return answer

    def order(self, number: str = "T-000001", user: str = "alice", **changed: Any) -> dict[str, Any]:
        return {
            "appid": self.app_id,
            "mchid": MCHID,
            "description": "会员储值",
            "out_trade_no": number,
            "notify_url": self.notify_url,
            "amount": {"total": 20_000, "currency": "CNY"},
            "payer": {"openid": self.sandbox.openid(user)},
        } | changed

    def prepay(self, number: str = "T-000001", **changed: Any) -> requests.Response:
        return self.call("POST", "/v3/pay/transactions/jsapi", self.order(number, **changed))

    def query(self, number: str = "T-000001") -> requests.Response:
        return self.call("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={MCHID}")

    def close(self, number: str = "T-000001") -> requests.Response:
        return self.call("POST", f"/v3/pay/transactions/out-trade-no/{number}/close", {"mchid": MCHID})

    def refund(self, refund_number: str = "R-1", fen: int = 500, **changed: Any) -> requests.Response:
        body = {
            "out_trade_no": "T-000001",
            "out_refund_no": refund_number,
            "notify_url": self.notify_url,
            "amount": {"refund": fen, "total": 20_000, "currency": "CNY"},
        } | changed
        return self.call("POST", "/v3/refund/domestic/refunds", body)

    def pay(self, number: str = "T-000001", **how: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.sandbox.post("/_sim/pay/pay", out_trade_no=number, **how)
        return answer

    def drain(self) -> None:
        assert self.sandbox.post("/_sim/pay/drain", timeout_s=30) == {"drained": True}
