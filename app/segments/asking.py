"""How the database is asked who is meant: reading only, with room to work in, and not for ever."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.errors import Unavailable

#: A preview that somebody waits for, and a snapshot, which is made once.
PREVIEW_S, SNAPSHOT_S = 10, 60
#: So many places there are for questions that people wait for, in all processes: each takes a core, and memory to work
#: in. A preview takes two if it can.
AT_ONCE = 2
# Members and figures are read from end to end and put together by hashing: the planner cannot know how many a rule
# leaves, and where it guesses few it would look them up one by one, for minutes. Enough room that no figure is laid
# down on the disk; one core, so that tills have the others; and compiling would take longer than it saves.
_HOW = {
    "work_mem": "'128MB'",
    "enable_nestloop": "off",
    "max_parallel_workers_per_gather": "0",
    "jit": "off",
}


class SegmentTooSlow(Unavailable):
    """Who is meant was not found out in time; data: `most_s`."""

    code = "segment_too_slow"


class SegmentsBusy(Unavailable):
    """As many others are being counted as may be at once; data: `retry_after_s`."""

    code = "segments_busy"


# One of the places that is free; it is given back with the end of the transaction, however that ends.
_PLACE = text("""
    SELECT n FROM generate_series(1, :most) n
    WHERE pg_try_advisory_xact_lock(hashtext('segments asked'), n) LIMIT 1""")


def read_only(session: Session) -> None:
    """Before anything else: the transaction cannot write."""
    session.execute(text("SET TRANSACTION READ ONLY"))


def take_place(session: Session) -> None:
    """Before a question that somebody waits for, until the transaction ends. Raises `SegmentsBusy`."""
    if not took_place(session):
        raise SegmentsBusy(retry_after_s=2)


def took_place(session: Session) -> bool:
    """The same, if there was one."""
    return session.execute(_PLACE, {"most": AT_ONCE}).scalar_one_or_none() is not None


@contextmanager
def patient(session: Session, most_s: int, *, few: bool = False) -> Iterator[None]:
    """For the statements of the block; what is set ends with the transaction. `few`: it is known that they mean few of
    all members, who are best looked up one by one. Raises `SegmentTooSlow`."""
    session.execute(text(f"SET LOCAL statement_timeout = {most_s * 1_000}"))
    for setting, value in {**_HOW, **({"enable_nestloop": "on"} if few else {})}.items():
        session.execute(text(f"SET LOCAL {setting} = {value}"))
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.QueryCanceled):
            raise SegmentTooSlow(most_s=most_s) from None
        raise
