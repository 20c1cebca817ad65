"""Safe mode of the message push: AES-256-CBC, and a signature over the ciphertext.

Layout before encryption: 16 random bytes, the length of the message in 4 bytes (network order), the message,
the app id; padded PKCS#7 to 32 bytes, not to AES's own 16. Source: the message push page of the documentation.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

BLOCK: Final = 32


def encrypt(message: str, *, aes_key: str, app_id: str, prefix: bytes) -> str:
    """Encrypt a push; ``prefix`` are the 16 random bytes. Returns base64, as it stands in ``Encrypt``."""
    if len(prefix) != 16:
        raise ValueError("the prefix is 16 bytes")
    text = message.encode()
    plain = prefix + struct.pack("!I", len(text)) + text + app_id.encode()
    padding = BLOCK - len(plain) % BLOCK
    encryptor = _cipher(aes_key).encryptor()
    cipher_text = encryptor.update(plain + bytes([padding]) * padding) + encryptor.finalize()
    return base64.b64encode(cipher_text).decode()


def decrypt(encrypted: str, *, aes_key: str) -> tuple[str, str]:
    """Undo ``encrypt``: the message and the app id. Raises ValueError for what was not made by it."""
    decryptor = _cipher(aes_key).decryptor()
    plain = decryptor.update(base64.b64decode(encrypted, validate=True)) + decryptor.finalize()
    padding = plain[-1] if plain else 0
    if (
        not 1 <= padding <= BLOCK
        or plain[-padding:] != bytes([padding]) * padding
        or len(plain) < 20 + padding
    ):
        raise ValueError("not a push: its padding is wrong")
    body = plain[16:-padding]
    (length,) = struct.unpack("!I", body[:4])
    if length > len(body) - 4:
        raise ValueError("not a push: its length is wrong")
    return body[4 : 4 + length].decode(), body[4 + length :].decode()


def signature(*parts: str) -> str:
    """SHA-1 over the sorted parts: token, timestamp, nonce, and in safe mode the ciphertext."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _cipher(aes_key: str) -> Cipher[modes.CBC]:
    key = base64.b64decode(aes_key + "=")
    return Cipher(algorithms.AES(key), modes.CBC(key[:16]))
