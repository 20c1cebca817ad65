"""Phone numbers: encrypted where they rest, found through a keyed index, shown masked.

AES-256-GCM with a fresh nonce; the row's public id and the key's id are bound in, so that a ciphertext moved to
another member does not open. The index is an HMAC with a key of its own: equal numbers give equal indexes, and
without the key the number cannot be looked for.
"""

import hashlib
import hmac
import os
import re
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import Invalid

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_NONCE_BYTES = 12
_INDEX_BYTES = 16


class PhoneMalformed(Invalid):
    code = "phone_malformed"


class PhoneVault:
    """Seals and opens numbers. `keys`: id → 32 bytes, the first one seals. Nothing of it shows in `repr`."""

    def __init__(self, keys: Mapping[str, bytes], index_key: bytes) -> None:
        self._keys = dict(keys)
        self._sealing = next(iter(keys))
        self._index_key = index_key

    def seal(self, phone: str, owner: str) -> bytes:
        """`phone` in E.164 (+8613800138000) for the row with public id `owner`. Raises `PhoneMalformed`."""
        if not _E164.fullmatch(phone):
            raise PhoneMalformed
        return self._seal("phone", phone, owner)

    def open(self, cipher: bytes, owner: str) -> str:
        """Raises `ValueError` for a ciphertext of another member, a withdrawn key, or a damaged one."""
        return self._open("phone", cipher, owner)

    def seal_email(self, address: str, owner: str) -> bytes:
        """The same for an e-mail address that was checked (app/members/emails.py)."""
        return self._seal("email", address, owner)

    def open_email(self, cipher: bytes, owner: str) -> str:
        """Raises as `open`; one never opens the other."""
        return self._open("email", cipher, owner)

    def seal_openid(self, openid: str, owner: str) -> bytes:
        """The same for how a chat app knows somebody; `owner` is what finds the row."""
        return self._seal("openid", openid, owner)

    def open_openid(self, cipher: bytes, owner: str) -> str:
        """Raises as `open`."""
        return self._open("openid", cipher, owner)

    def _seal(self, what: str, plain: str, owner: str) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        kid = self._sealing.encode()
        sealed = AESGCM(self._keys[self._sealing]).encrypt(
            nonce, plain.encode(), _bound(what, owner, self._sealing)
        )
        return bytes([len(kid)]) + kid + nonce + sealed

    def _open(self, what: str, cipher: bytes, owner: str) -> str:
        if not cipher:
            raise ValueError(f"a member's {what} does not open")
        size = cipher[0]
        kid, rest = cipher[1 : 1 + size].decode(), cipher[1 + size :]
        if kid not in self._keys:
            raise ValueError(f"no phone key with id {kid}")
        try:
            plain = AESGCM(self._keys[kid]).decrypt(
                rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(what, owner, kid)
            )
        except InvalidTag:
            raise ValueError(f"a member's {what} does not open") from None
        return plain.decode()

    def index(self, phone: str) -> bytes:
        """What equal numbers have in common in the database, and nothing else. Raises `PhoneMalformed`."""
        if not _E164.fullmatch(phone):
            raise PhoneMalformed
        return hmac.digest(self._index_key, b"phone|v1|" + phone.encode(), hashlib.sha256)[:_INDEX_BYTES]

    def device(self, told: str) -> bytes:
        """What logins from one device have in common in the database; `told` is how an app knows it."""
        return hmac.digest(self._index_key, b"device|v1|" + told.encode(), hashlib.sha256)[:_INDEX_BYTES]

    def follower(self, app_id: str, openid: str) -> bytes:
        """What finds a follower of that official account."""
        told = f"follower|v1|{app_id}|{openid}".encode()
        return hmac.digest(self._index_key, told, hashlib.sha256)[:_INDEX_BYTES]

    def union(self, unionid: str) -> bytes:
        """What one person's places in the brand's apps have in common."""
        return hmac.digest(self._index_key, b"union|v1|" + unionid.encode(), hashlib.sha256)[:_INDEX_BYTES]

    def blind(self, hashed: bytes) -> bytes:
        """A hash over something that holds a number, so that nobody without the key can try numbers against it."""
        return hmac.digest(self._index_key, b"request|v1|" + hashed, hashlib.sha256)


def dialled(typed: str) -> str:
    """A number as people type it, in E.164: Chinese mobile numbers may come without +86. Raises `PhoneMalformed`."""
    number = re.sub(r"[\s()-]", "", typed)
    if re.fullmatch(r"1[0-9]{10}", number):
        return f"+86{number}"
    if not _E164.fullmatch(number):
        raise PhoneMalformed
    return number


def masked(phone: str) -> str:
    """What may be shown: 138****8000 for a Chinese mobile number, the last two digits of any other."""
    if re.fullmatch(r"\+861[0-9]{10}", phone):
        return f"{phone[3:6]}****{phone[-4:]}"
    return f"{phone[:3]}****{phone[-2:]}"


def _bound(what: str, owner: str, kid: str) -> bytes:
    return f"members|{what}|{owner}|{kid}".encode()
