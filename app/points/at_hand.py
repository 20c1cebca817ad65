"""What every process has at hand of a table that only grows: read again only when there is more of it."""

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import psycopg
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.db import engine

S = TypeVar("S")
#: Of the driver, or a transaction's.
Connection = psycopg.Connection[Any] | Session


class AtHand(Generic[S]):
    """What `read` makes of the rows up to a stamp, the newest id there is."""

    def __init__(self, read: Callable[[Connection, int], S]) -> None:
        self._read = read
        # Which database, which stamp, and what it holds. Replaced as a whole, so that no thread sees half of it.
        self._loaded: tuple[Engine, int, S] | None = None

    def at(self, connection: Connection, stamp: int) -> S:
        """What there is up to that stamp; one statement, and none if it is at hand."""
        here, loaded = engine(), self._loaded
        if loaded is not None and loaded[0] is here and loaded[1] == stamp:
            return loaded[2]
        found = self._read(connection, stamp)
        self._loaded = here, stamp, found
        return found

    def last(self) -> S | None:
        """What was asked for last."""
        return None if self._loaded is None else self._loaded[2]
