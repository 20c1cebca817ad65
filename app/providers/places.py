"""How many threads of this process may wait for the outside at once.

A provider that answers slowly must not take all of a server's threads: tills wait for the same ones.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from app.db import Busy


class Places:
    def __init__(self, number: int) -> None:
        self._free = threading.BoundedSemaphore(number)

    @classmethod
    def half_of(cls, threads: int) -> "Places":
        """At least one, and never all where there are several."""
        return cls(max(1, threads // 2))

    @contextmanager
    def one(self) -> Iterator[None]:
        """A place for the length of the block. Raises `Busy` at once when all are taken; then nothing was asked."""
        if not self._free.acquire(blocking=False):
            raise Busy(retry_after_s=1)
        try:
            yield
        finally:
            self._free.release()
