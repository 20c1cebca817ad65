"""HKDF with SHA-256 (RFC 5869): independent keys out of one master secret."""

import hashlib
import hmac

_HASH_BYTES = hashlib.sha256().digest_size
_OUTPUT_MAX_BYTES = 255 * _HASH_BYTES


def hkdf_sha256(secret: bytes, *, info: bytes, length_bytes: int, salt: bytes = b"") -> bytes:
    """`length_bytes` of key material bound to `info`. Raises ValueError beyond 255 × 32 bytes.

    An empty salt equals the 32 zero bytes of RFC 5869, 2.2: HMAC pads a short key with zeros.
    """
    if not 0 < length_bytes <= _OUTPUT_MAX_BYTES:
        raise ValueError(f"HKDF gives 1 to {_OUTPUT_MAX_BYTES} bytes, not {length_bytes}")
    pseudorandom_key = hmac.digest(salt, secret, "sha256")
    output = block = b""
    counter = 1
    while len(output) < length_bytes:
        block = hmac.digest(pseudorandom_key, block + info + bytes([counter]), "sha256")
        output += block
        counter += 1
    return output[:length_bytes]
