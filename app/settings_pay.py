"""How the settings of WeChat Pay are written: keys, serials, and the addresses that money depends on.

A key may be given as PEM, or as what stands between its first and last line; line breaks may be real, written
as backslash and n, or left out, because some ways of setting an environment know no line breaks.
"""

import base64
import binascii
import ipaddress
import re
from urllib.parse import urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from cryptography.x509 import load_der_x509_certificate

_LEAST_BITS = 2_048
_FRAME = re.compile(r"-----(BEGIN|END) [A-Z ]{1,40}-----")
_PUBLIC_KEY_ID = re.compile(r"PUB_KEY_ID_[0-9A-Z]{8,64}")
_SERIAL = re.compile(r"[0-9A-F]{8,64}")


def serial_no(text: str) -> str:
    """The serial number of the merchant's API certificate."""
    if not _SERIAL.fullmatch(text.upper()):
        raise ValueError("the hexadecimal serial number of a certificate is needed")
    return text.upper()


def private_key(text: str) -> bytes:
    """The merchant's API key (apiclient_key.pem), as DER."""
    try:
        key = load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None  # what the parser says might quote it
    if not isinstance(key, RSAPrivateKey) or key.key_size < _LEAST_BITS:
        raise ValueError(
            "an RSA key of 2048 bits or more is needed, as in apiclient_key.pem, without a password"
        )
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def apiv3_key(text: str) -> str:
    if len(text) != 32 or not text.isascii() or not text.isalnum():
        raise ValueError("the 32 letters and digits of an APIv3 key are needed")
    return text


def public_keys(text: str) -> dict[str, bytes]:
    """`id:key,id:key`, where an id is PUB_KEY_ID_… with that public key, or a serial with its certificate or key."""
    keys: dict[str, bytes] = {}
    for part in text.split(","):
        name, _, key = part.strip().partition(":")
        name = name.strip().upper()
        if name in keys or not (_PUBLIC_KEY_ID.fullmatch(name) or _SERIAL.fullmatch(name)):
            raise ValueError("distinct ids are needed, as in PUB_KEY_ID_0123:KEY,5157F09E:KEY")
        keys[name] = _public_key(name, key)
    return keys


def https_url(text: str) -> str:
    """https, but for this very machine; no query: WeChat Pay takes none, and signatures do not cover it."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port  # reading the port checks it
    except ValueError:
        host, port = "", None
    plain = text.isascii() and text.isprintable() and not set(text) & set(" ?#@") and port != 0
    secure = text.startswith("https://") or (text.startswith("http://") and _is_loopback(host))
    if not host or not plain or not secure or len(text) > 255:
        raise ValueError("an https address without a query is needed (http only on this machine)")
    return text.rstrip("/")


def _public_key(name: str, text: str) -> bytes:
    der = _der(text)
    key: object
    try:
        key = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        key = _certified(name, der)
    if not isinstance(key, RSAPublicKey) or key.key_size < _LEAST_BITS:
        raise ValueError("an RSA public key of 2048 bits or more, or its certificate, is needed for each id")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _certified(name: str, der: bytes) -> object:
    try:
        certificate = load_der_x509_certificate(der)
        key, serial = certificate.public_key(), f"{certificate.serial_number:X}"
    except (ValueError, UnsupportedAlgorithm):
        return None
    if serial != name.lstrip("0"):
        raise ValueError("a certificate stands under another serial than its own")
    return key


def _der(text: str) -> bytes:
    inner = _FRAME.sub("", text).replace("\\n", "")
    try:
        return base64.b64decode("".join(inner.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
