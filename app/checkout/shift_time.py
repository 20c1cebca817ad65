"""Which moment something at a till is of, so that it falls into one shift and never between two.

A shift's figures are told when it is closed. Whatever was begun before and is written after belongs to what follows: it
is of the moment at which the shift ended, at the earliest.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy.orm import Session

from app.db import ask

_LAST_ENDED = "SELECT till_last_ended(%(terminal_id)s) AS ended"


class ShiftEnded(Exception):
    """A shift of the till was closed after the moment of the sale; nothing was written."""


@contextmanager
def shift_may_end() -> Iterator[None]:
    """Around the statement that writes a sale. Raises `ShiftEnded`."""
    try:
        yield
    except psycopg.Error as error:
        if error.sqlstate != "MC006":
            raise
        raise ShiftEnded from error


def after_the_last(
    connection: psycopg.Connection[Any] | Session, terminal_id: int, now: datetime
) -> datetime:
    """Now, or when the till's last shift ended, if that is later; in a transaction no shift of it ends meanwhile."""
    [row] = ask(connection, _LAST_ENDED, {"terminal_id": terminal_id})
    return now if row.ended is None else max(now, row.ended)
