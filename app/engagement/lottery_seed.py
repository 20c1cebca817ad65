"""A round's seed at rest: sealed, so that nobody who only reads the database knows what will be drawn.

AES-256-GCM with a fresh nonce, under keys derived from those that seal phone numbers; the round and the key's id are
bound in.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SeedVault:
    """Seals and opens seeds. `keys`: id → 32 bytes, the first one seals."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {kid: hmac.digest(key, b"lottery|seed|v1", hashlib.sha256) for kid, key in keys.items()}
        self._sealing = next(iter(keys))

    def seal(self, seed: bytes, round_id: str) -> bytes:
        kid, nonce = self._sealing.encode(), os.urandom(_NONCE_BYTES)
        sealed = AESGCM(self._keys[self._sealing]).encrypt(nonce, seed, _bound(round_id, self._sealing))
        return bytes([len(kid)]) + kid + nonce + sealed

    def open(self, sealed: bytes, round_id: str) -> bytes:
        """Raises `KeyError` for a withdrawn key, `InvalidTag` for a seed of another round."""
        size = sealed[0]
        kid, rest = sealed[1 : 1 + size].decode(), sealed[1 + size :]
        return AESGCM(self._keys[kid]).decrypt(
            rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(round_id, kid)
        )


def _bound(round_id: str, kid: str) -> bytes:
    return f"lottery_seeds|seed|{round_id}|{kid}".encode()
