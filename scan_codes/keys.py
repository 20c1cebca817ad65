"""The key ring: which keys sign and verify member codes.

As text, in one setting: `1:<base64 of 32 random bytes>,0:<base64 of 32 random bytes>`.
The first key signs, all verify. A key id that is not listed is withdrawn.
"""

import base64
import binascii
from dataclasses import dataclass, field
from typing import Self

from scan_codes.errors import KeyRingError
from scan_codes.hkdf import hkdf_sha256

#: What keys are derived for unless told otherwise; those for one purpose verify nothing made for another.
MEMBER_CODE = "member-code"
_KEY_BYTES = 32
_DISTINCT_BYTES_MIN = 8  # 32 random bytes have about 30 distinct values; fewer than 8 is a placeholder


@dataclass(frozen=True, slots=True)
class Key:
    """One key id with its two keys. The secrets stay out of `repr`."""

    kid: int
    permutation_key: bytes = field(repr=False)
    mac_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, kid: int, master_secret: bytes, *, purpose: str = MEMBER_CODE) -> Self:
        """Both keys from one 32-byte master secret; key id and purpose are bound in, so that none share keys."""
        bound = purpose.encode()
        return cls(
            kid=kid,
            permutation_key=hkdf_sha256(
                master_secret, info=b"%s|permutation|%d" % (bound, kid), length_bytes=_KEY_BYTES
            ),
            mac_key=hkdf_sha256(master_secret, info=b"%s|mac|%d" % (bound, kid), length_bytes=_KEY_BYTES),
        )


@dataclass(frozen=True, slots=True)
class KeyRing:
    """At least one key; ids unique. Raises KeyRingError otherwise."""

    keys: tuple[Key, ...]

    def __post_init__(self) -> None:
        if not self.keys:
            raise KeyRingError("the key ring is empty")
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise KeyRingError("a key id is listed twice")

    @classmethod
    def parse(cls, text: str, *, purpose: str = MEMBER_CODE) -> Self:
        """Read the setting, for codes of that purpose. Raises KeyRingError with the entry's position and the fault."""
        entries = [_read_entry(position, entry) for position, entry in enumerate(text.split(","), start=1)]
        if len({secret for _, secret in entries}) != len(entries):
            raise KeyRingError("two key ids have the same secret: rotating between them changes nothing")
        return cls(tuple(Key.derive(kid, secret, purpose=purpose) for kid, secret in entries))

    @property
    def signer(self) -> Key:
        """The key that new codes are made with."""
        return self.keys[0]

    def find(self, kid: int) -> Key | None:
        """The key with this id, or None if it is not in the ring."""
        return next((key for key in self.keys if key.kid == kid), None)


def _read_entry(position: int, entry: str) -> tuple[int, bytes]:
    kid, colon, encoded = entry.strip().partition(":")
    if not colon:
        raise KeyRingError(f"entry {position}: expected <key id>:<base64 secret>")
    if len(kid) != 1 or kid not in "0123456789":
        raise KeyRingError(f"entry {position}: the key id must be one digit, 0 to 9")
    secret = _decode(encoded)
    if secret is None:
        raise KeyRingError(f"entry {position}: the secret is not valid base64 (standard alphabet, padded)")
    if len(secret) != _KEY_BYTES:
        raise KeyRingError(f"entry {position}: the secret must be {_KEY_BYTES} bytes, not {len(secret)}")
    if len(set(secret)) < _DISTINCT_BYTES_MIN:
        raise KeyRingError(f"entry {position}: the secret is not random; it looks like a placeholder")
    return int(kid), secret


def _decode(encoded: str) -> bytes | None:
    # None instead of an exception: a chained error would carry the text, and with it the secret.
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return None
