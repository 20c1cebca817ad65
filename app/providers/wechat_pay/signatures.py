"""Whether something comes from WeChat Pay: its five headers, and its signature.

Source: WeChat Pay's pages on checking signatures; the age limit is the one of its own SDKs for Java and Go.
"""

import base64
import re
from collections.abc import Container, Mapping
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

FRESH_S: Final = 300
SIGNATURE_TYPE: Final = "WECHATPAY2-SHA256-RSA2048"
#: WeChat Pay sends such signatures to see whether we look; they must be turned down.
PROBE: Final = "WECHATPAY/SIGNTEST/"

_TIMESTAMP: Final = re.compile(r"[0-9]{1,12}")
_NONCE: Final = re.compile(r"[!-~]{1,128}")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/]{16,1024}={0,2}")


class Doubt(Exception):
    """Why something is not believed; for our log, in fixed words."""


def check_headers(headers: Mapping[str, str], *, known: Container[str], now: datetime) -> dict[str, str]:
    """The five headers of a signature, and nothing else, once they can be right. Raises `Doubt`.

    Nothing but this dictionary may reach the library: it knows other spellings of the names too, and would
    believe a caller who sends both.
    """
    given = {name.lower(): value for name, value in headers.items()}
    found = {
        name: given.get(name.lower(), "")
        for name in (
            "Wechatpay-Serial",
            "Wechatpay-Signature-Type",
            "Wechatpay-Timestamp",
            "Wechatpay-Nonce",
            "Wechatpay-Signature",
        )
    }
    if found["Wechatpay-Serial"] not in known:
        raise Doubt("serial")
    if found["Wechatpay-Signature-Type"] != SIGNATURE_TYPE:
        raise Doubt("signature type")
    if not _TIMESTAMP.fullmatch(found["Wechatpay-Timestamp"]) or not _NONCE.fullmatch(
        found["Wechatpay-Nonce"]
    ):
        raise Doubt("timestamp or nonce")
    if abs(now.timestamp() - int(found["Wechatpay-Timestamp"])) >= FRESH_S:
        raise Doubt("stale")
    if found["Wechatpay-Signature"].startswith(PROBE):
        raise Doubt("probe")
    if not _BASE64.fullmatch(found["Wechatpay-Signature"]):
        raise Doubt("signature")
    return found


def check_answer(
    headers: Mapping[str, str], body: bytes, *, keys: Mapping[str, RSAPublicKey], now: datetime
) -> None:
    """Whether an answer to our own request is WeChat Pay's. Raises `Doubt`.

    The library checks answers only inside its own requests, so this is ours.
    """
    found = check_headers(headers, known=keys, now=now)
    signed = f"{found['Wechatpay-Timestamp']}\n{found['Wechatpay-Nonce']}\n".encode() + body + b"\n"
    try:
        signature = base64.b64decode(found["Wechatpay-Signature"], validate=True)
        keys[found["Wechatpay-Serial"]].verify(signature, signed, PKCS1v15(), SHA256())
        believed = True
    except (ValueError, InvalidSignature):
        believed = False
    if not believed:
        raise Doubt("signature")
