"""The door to the books: every point and every fen moves through `post`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import psycopg
from sqlalchemy.orm import Session

from app.db import ask
from app.errors import Conflict

POINTS = "points"


class NotEnough(Conflict):
    """What may be spent now does not cover the movement. Data: `unit`."""

    code = "not_enough"


class AlreadyPosted(Conflict):
    """This cause has had its effect before."""

    code = "already_posted"


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why value moves, where and by whom. (kind, source_type, source_id, source_line) happens once, for ever."""

    kind: str
    source_type: str
    source_id: str
    source_line: int = 0
    store_id: int | None = None
    terminal_id: int | None = None
    staff_id: int | None = None
    rule_id: int | None = None
    note: str | None = None
    occurred_at: datetime
    business_date: date


@dataclass(frozen=True, kw_only=True)
class Posting:
    """One movement of one member's account: in `unit`, positive for a credit. `house` names the other side.

    A credit opens a lot that may be spent from `available_at` and ends at `expires_at` (None: never).
    """

    member_id: int
    unit: str
    amount: int
    house: str
    available_at: datetime | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Posted:
    entry_id: int
    balance_after: int


_POST = """
    SELECT posting, entry_id, balance_after FROM ledger_post(
        %(kind)s, %(source_type)s, %(source_id)s, %(source_line)s, %(store_id)s, %(terminal_id)s, %(staff_id)s,
        %(rule_id)s, %(note)s, NULL, %(occurred_at)s, %(business_date)s,
        %(members)s, %(units)s, %(amounts)s, %(houses)s, %(available)s, %(expires)s)"""


def post(session: Session, cause: Cause, postings: Sequence[Posting]) -> tuple[Posted, ...]:
    """Move value; answers in the order of `postings`. Debits take the lots that end first, never-ending ones last.

    Raises `NotEnough` when spendable lots do not cover a debit, `AlreadyPosted` when the cause was posted before;
    either way nothing of the caller's transaction remains. Raises `ValueError` for no postings at all: a transaction
    without entries would be a reason for nothing.
    """
    if not postings:
        raise ValueError("a transaction needs postings")
    arguments = {
        "kind": cause.kind,
        "source_type": cause.source_type,
        "source_id": cause.source_id,
        "source_line": cause.source_line,
        "store_id": cause.store_id,
        "terminal_id": cause.terminal_id,
        "staff_id": cause.staff_id,
        "rule_id": cause.rule_id,
        "note": cause.note,
        "occurred_at": cause.occurred_at,
        "business_date": cause.business_date,
        "members": [p.member_id for p in postings],
        "units": [p.unit for p in postings],
        "amounts": [p.amount for p in postings],
        "houses": [p.house for p in postings],
        "available": [p.available_at or cause.occurred_at for p in postings],
        "expires": [p.expires_at for p in postings],
    }
    try:
        rows = ask(session, _POST, arguments)
    except psycopg.errors.UniqueViolation as error:
        raise AlreadyPosted from error
    except psycopg.Error as error:
        if error.sqlstate == "MC003":
            raise NotEnough(unit=error.diag.message_detail) from error
        raise
    rows = sorted(rows, key=lambda row: row.posting)
    return tuple(Posted(entry_id=row.entry_id, balance_after=row.balance_after) for row in rows)
