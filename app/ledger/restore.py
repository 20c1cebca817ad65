"""Giving back what was spent for something that was undone: into the very lots it was taken from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
import psycopg
from sqlalchemy.orm import Session

from app.db import ask
from app.errors import Conflict
from app.ledger.post import AlreadyPosted, Cause


class MoreThanTaken(Conflict):
    """More would go back than was spent. Data: `unit`."""

    code = "more_than_taken"


@dataclass(frozen=True, kw_only=True)
class Back:
    """Of a debit, the entry `entry_id`, so much goes back, in the unit of its account."""

    entry_id: int
    amount: int


_RESTORE = """
    SELECT ledger_restore(%(back)s::jsonb, %(kind)s, %(source_type)s, %(source_id)s, %(store_id)s, %(terminal_id)s,
        %(staff_id)s, %(note)s, %(at)s, %(day)s, %(grace)s)"""


def restore(session: Session, cause: Cause, back: Sequence[Back], *, grace: datetime) -> None:
    """Give back parts of debits that one transaction made; any split of calls gives back the same of each lot.

    The lot that ends last is filled first. What came from lots that have ended meanwhile may be spent until `grace`.
    Points pay first what the member owes. Raises `MoreThanTaken`, and `AlreadyPosted` for a cause that was posted
    before.
    """
    values = {
        "back": msgspec.json.encode(back).decode(),
        "kind": cause.kind,
        "source_type": cause.source_type,
        "source_id": cause.source_id,
        "store_id": cause.store_id,
        "terminal_id": cause.terminal_id,
        "staff_id": cause.staff_id,
        "note": cause.note,
        "at": cause.occurred_at,
        "day": cause.business_date,
        "grace": grace,
    }
    try:
        ask(session, _RESTORE, values)
    except psycopg.errors.UniqueViolation as error:
        raise AlreadyPosted from error
    except psycopg.Error as error:
        if error.sqlstate == "MC004":
            raise MoreThanTaken(unit=error.diag.message_detail) from error
        raise
