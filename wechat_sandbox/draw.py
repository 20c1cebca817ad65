"""Everything that looks random is drawn from the seed, so that a seeded run can be repeated exactly."""

from __future__ import annotations

import base64
import hashlib
import os
from collections import Counter
from random import Random


class Draw:
    """Two sources: ``lasting`` values depend on a name alone, ``fresh`` ones also on what came before.

    Without a seed, people (openid, phone) stay the same from run to run, so that a demo's members find
    themselves again, while codes, tokens and message ids never repeat: a product that remembers an old
    code would otherwise refuse a new login.
    """

    def __init__(self, *, seed: str | None, app_id: str, secret: str) -> None:
        ground = "\0".join(("wechat-sandbox", seed or "", app_id, secret)).encode()
        self._people = hashlib.sha256(b"people" + ground).digest()
        self._run = hashlib.sha256(b"run" + ground + (b"" if seed is not None else os.urandom(32))).digest()
        self._drawn: Counter[str] = Counter()
        self.random = Random(self._run)

    def lasting(self, kind: str, name: str, size: int) -> bytes:
        """The same bytes for the same kind and name; not to be guessed without the app's secret."""
        return hashlib.shake_256(self._people + f"\0{kind}\0{name}".encode()).digest(size)

    def fresh(self, kind: str, size: int) -> bytes:
        """New bytes at each call."""
        self._drawn[kind] += 1
        return hashlib.shake_256(self._run + f"\0{kind}\0{self._drawn[kind]}".encode()).digest(size)

    def fresh_text(self, kind: str, length: int) -> str:
        """New characters of the base64url alphabet at each call."""
        return base64.urlsafe_b64encode(self.fresh(kind, length)).decode()[:length]

    def rid(self, now: float) -> str:
        """A request id as errmsg carries it: hexadecimal time, then twice eight hexadecimal digits."""
        digits = f"{self.random.getrandbits(64):016x}"
        return f"{int(now):08x}-{digits[:8]}-{digits[8:]}"
