"""Taking value out of the very lots that something opened, and putting it back there."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import psycopg
from sqlalchemy.orm import Session

from app.db import ask
from app.ledger.post import Cause, NotEnough


@dataclass(frozen=True, kw_only=True)
class Take:
    """So much of what the entry opened; `house` names the other side."""

    entry_id: int
    amount: int
    house: str


_TAKE = """
    SELECT ledger_take(%(kind)s, %(source_type)s, %(source_id)s, %(store_id)s, %(terminal_id)s, %(staff_id)s, %(note)s,
        %(at)s, %(day)s, %(takes)s::jsonb)"""
_PUT_BACK = """
    SELECT ledger_put_back(%(of_kind)s, %(kind)s, %(source_type)s, %(source_id)s, %(store_id)s, %(terminal_id)s,
        %(staff_id)s, %(note)s, %(at)s, %(day)s)"""


def take(session: Session, cause: Cause, takes: Sequence[Take]) -> None:
    """Take each from its own lot, also what may not be spent yet, and from no other.

    Raises `NotEnough` when a lot holds less or has ended, `UniqueViolation` when the cause was posted before, and
    `ValueError` for nothing to take.
    """
    if not takes:
        raise ValueError("a transaction needs entries")
    try:
        ask(session, _TAKE, _values(cause) | {"takes": msgspec.json.encode(takes).decode()})
    except psycopg.Error as error:
        if error.sqlstate == "MC003":
            raise NotEnough(unit=error.diag.message_detail) from error
        raise


def put_back(session: Session, cause: Cause, *, of_kind: str) -> None:
    """Undo what `take` did for the same source under the kind `of_kind`: into the same lots, with the ends they had.

    What has ended meanwhile ends then. Raises `UniqueViolation` when it was undone before.
    """
    ask(session, _PUT_BACK, _values(cause) | {"of_kind": of_kind})


def _values(cause: Cause) -> dict[str, object]:
    return {
        "kind": cause.kind,
        "source_type": cause.source_type,
        "source_id": cause.source_id,
        "store_id": cause.store_id,
        "terminal_id": cause.terminal_id,
        "staff_id": cause.staff_id,
        "note": cause.note,
        "at": cause.occurred_at,
        "day": cause.business_date,
    }
