"""wechatpayv3 as far as we use it: it signs what we send, and checks and opens what WeChat Pay calls us with.

It never makes a request for us, and never sees a caller's headers: docs/adr/0008 says why. Every object
is made with one public key under the id it is listed by, so that the one branch which would fetch certificates
(an id other than that) cannot be reached.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from wechatpayv3 import WeChatPay, WeChatPayType

from app.providers.wechat_pay.merchant import Merchant, private_key_of, public_keys_of

SERIAL: Final = "Wechatpay-Serial"


class Library:
    """Safe to share between threads: nothing in it changes. Raises `ValueError` for keys that are none."""

    def __init__(self, merchant: Merchant) -> None:
        pem = private_key_of(merchant).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        keys = public_keys_of(merchant)
        self._by_id = {name: _one(merchant, pem.decode(), name, key) for name, key in keys.items()}
        self._signer = next(iter(self._by_id.values()))

    def sign(self, lines: Sequence[str]) -> str:
        """RSA with SHA-256 over the lines, each ended by a line feed; base64."""
        return str(self._signer.sign(list(lines)))

    def open_notification(self, headers: Mapping[str, str], body: str) -> dict[str, Any] | None:
        """The notification with its resource in clear, or None when anything about it is wrong.

        `headers` are the five that `signatures.check_headers` returns, and nothing else. The library has four
        ways of saying no: None, bare exceptions, the JSON parser's, and whatever a misshapen document runs into.
        """
        opener = self._by_id[headers[SERIAL]]
        try:
            opened = opener.callback(dict(headers), body)
        except Exception:
            return None
        return opened if isinstance(opened, dict) else None


def _one(merchant: Merchant, private_pem: str, name: str, key: RSAPublicKey) -> WeChatPay:
    return WeChatPay(
        wechatpay_type=WeChatPayType.MINIPROG,
        appid=merchant.appid,
        mchid=merchant.mchid,
        cert_serial_no=merchant.serial,
        private_key=private_pem,
        apiv3_key=merchant.apiv3_key,
        public_key=key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
        public_key_id=name,
        logger=None,  # it would write headers and bodies
    )
