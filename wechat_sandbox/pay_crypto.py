"""WeChat Pay's cryptography, as its documentation words it: RSA with SHA-256, and AES-256-GCM.

``cryptography`` directly, not the library that the product uses, so that each checks the other.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from functools import cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

SCHEMA: Final = "WECHATPAY2-SHA256-RSA2048"
PUBLIC_KEY_ID: Final = "PUB_KEY_ID_0000000000000000000000005A4D"
CERTIFICATE_SERIAL: Final = "5A4D00000000000000000000000000000000C0DE"


@dataclass(frozen=True)
class PlatformKeys:
    """The platform's two signing keys; a merchant in the middle of changing over meets both."""

    by_serial: dict[str, rsa.RSAPrivateKey]

    def sign(self, serial: str, *lines: str) -> str:
        """Over the lines, each ended by a line feed."""
        return _sign(self.by_serial[serial], lines)

    def public_pems(self) -> dict[str, str]:
        """What the merchant downloads."""
        return {
            serial: key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
            for serial, key in self.by_serial.items()
        }


@cache
def platform_keys() -> PlatformKeys:
    """Made once in each process: a reset of the world must not make the merchant's settings wrong."""
    return PlatformKeys(
        {name: rsa.generate_private_key(65_537, 2_048) for name in (PUBLIC_KEY_ID, CERTIFICATE_SERIAL)}
    )


@cache
def strangers_key() -> rsa.RSAPrivateKey:
    """For forgeries."""
    return rsa.generate_private_key(65_537, 2_048)


def forge(*lines: str) -> str:
    """A signature that has everything but the right key."""
    return _sign(strangers_key(), lines)


def _sign(key: rsa.RSAPrivateKey, lines: tuple[str, ...]) -> str:
    message = "".join(f"{line}\n" for line in lines).encode()
    return base64.b64encode(key.sign(message, padding.PKCS1v15(), SHA256())).decode()


def verify(public_pem: str, signature: str, *lines: str) -> bool:
    """Whether the merchant signed these lines."""
    key = load_pem_public_key(public_pem.encode())
    assert isinstance(key, rsa.RSAPublicKey)
    message = "".join(f"{line}\n" for line in lines).encode()
    try:
        key.verify(base64.b64decode(signature, validate=True), message, padding.PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def seal(apiv3_key: str, *, plain: str, nonce: str, associated_data: str) -> str:
    """AEAD_AES_256_GCM: ciphertext and tag, base64. ``nonce`` has 12 characters."""
    sealed = AESGCM(apiv3_key.encode()).encrypt(nonce.encode(), plain.encode(), associated_data.encode())
    return base64.b64encode(sealed).decode()
