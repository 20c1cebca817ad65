"""Who we are for WeChat Pay, and whose signatures we believe."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key


@dataclass(frozen=True, kw_only=True)
class Merchant:
    """One merchant number with one app.

    `private_key` and the values of `public_keys` are DER. The names in `public_keys` are the only values of
    `Wechatpay-Serial` that are believed: ids of WeChat Pay's public keys (PUB_KEY_ID_…) and serials of its platform
    certificates, as many as are in use. Answers are asked to be signed with the first one.
    """

    appid: str
    mchid: str
    serial: str
    private_key: bytes = field(repr=False)
    apiv3_key: str = field(repr=False)
    public_keys: Mapping[str, bytes]
    notify_url: str


def private_key_of(merchant: Merchant) -> RSAPrivateKey:
    """Raises `ValueError` when it is not an RSA key."""
    key = load_der_private_key(merchant.private_key, password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError("an RSA key is needed")
    return key


def public_keys_of(merchant: Merchant) -> dict[str, RSAPublicKey]:
    """The keys by their ids. Raises `ValueError` when one is not an RSA key, or when there is none."""
    keys: dict[str, RSAPublicKey] = {}
    for name, der in merchant.public_keys.items():
        key = load_der_public_key(der)
        if not isinstance(key, RSAPublicKey):
            raise ValueError("an RSA key is needed")
        keys[name] = key
    if not keys:
        raise ValueError("a public key is needed")
    return keys
