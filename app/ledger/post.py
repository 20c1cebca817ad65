"""The door to the books: every point and every fen moves through `post`."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
import psycopg
from sqlalchemy.orm import Session

from app.db import ask
from app.errors import Conflict

#: What a member may hold, each in an account of its own. Principal is money the member paid, bonus was given on top.
POINTS = "points"
PRINCIPAL = "principal_fen"
BONUS = "bonus_fen"


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

    A credit opens a lot that may be spent from `available_at` and ends at `expires_at` (None: never). Points that come
    in first pay what the member owes (`take_back`). Raises
    `ValueError` for principal that would end or come later: it is the member's own money.
    """

    member_id: int
    unit: str
    amount: int
    house: str
    available_at: datetime | None = None
    expires_at: datetime | None = None

    def __post_init__(self) -> None:
        if self.unit == PRINCIPAL and (self.expires_at is not None or self.available_at is not None):
            raise ValueError("principal may be spent at once and for ever")


@dataclass(frozen=True, kw_only=True)
class Posted:
    """`pending` of `balance_after` may not be spent yet."""

    entry_id: int
    balance_after: int
    pending: int


#: For a statement that moves value and does something else in the same trip (values: `values`).
POST = """ledger_post(%(kind)s, %(source_type)s, %(source_id)s, %(source_line)s, %(cause_store)s, %(cause_terminal)s,
        %(cause_staff)s, %(cause_rule)s, %(note)s, NULL, %(cause_at)s, %(cause_day)s, %(postings)s::jsonb)"""
_POST = f"SELECT posting, entry_id, balance_after, pending FROM {POST}"  # noqa: S608  # a constant of our own


def post(session: Session, cause: Cause, postings: Sequence[Posting]) -> tuple[Posted, ...]:
    """Move value; answers in the order of `postings`. Debits take the lots that end first, never-ending ones last.

    What has ended in the accounts it touches is taken out before, as `expire` would have done.

    Raises `NotEnough` when spendable lots do not cover a debit, `AlreadyPosted` when the cause was posted before;
    either way nothing of the caller's transaction remains. Raises `ValueError` for no postings at all: a transaction
    without entries would be a reason for nothing.
    """
    if not postings:
        raise ValueError("a transaction needs postings")
    with _told_apart():
        rows = ask(session, _POST, values(cause, postings))
    rows = sorted(rows, key=lambda row: row.posting)
    return tuple(
        Posted(entry_id=row.entry_id, balance_after=row.balance_after, pending=row.pending) for row in rows
    )


@contextmanager
def _told_apart() -> Iterator[None]:
    """What the database function refuses, in our words."""
    try:
        yield
    except psycopg.errors.UniqueViolation as error:
        raise AlreadyPosted from error
    except psycopg.Error as error:
        if error.sqlstate == "MC003":
            raise NotEnough(unit=error.diag.message_detail) from error
        raise


# Row by row in the order of the JSON, so that accounts are taken as everybody takes them: by member.
_POST_EACH = """
    SELECT count(*) FROM ROWS FROM (jsonb_to_recordset(%(each)s::jsonb) AS (source_id text, postings jsonb)) d
    CROSS JOIN LATERAL ledger_post(%(kind)s, %(source_type)s, d.source_id, %(source_line)s, %(cause_store)s,
        %(cause_terminal)s, %(cause_staff)s, %(cause_rule)s, %(note)s, NULL, %(cause_at)s, %(cause_day)s, d.postings)"""


def post_each(session: Session, cause: Cause, postings: Mapping[str, Posting]) -> None:
    """One posting for each of many members, in one statement: each under `cause` with a source of its own, by which
    `postings` are named. Raises as `post`."""
    if not postings:
        raise ValueError("a transaction needs postings")
    in_order = sorted(postings.items(), key=lambda item: (item[1].member_id, item[1].unit))
    each = [{"source_id": source_id, "postings": [posting]} for source_id, posting in in_order]
    with _told_apart():
        ask(session, _POST_EACH, {**values(cause, ()), "each": msgspec.json.encode(each).decode()})


_LOCK = "SELECT id FROM ledger_accounts WHERE member_id = %(member_id)s ORDER BY unit FOR UPDATE"


def lock_accounts(session: Session, member_id: int) -> None:
    """All accounts of a member, in the order in which everybody takes them, before the first of them moves."""
    ask(session, _LOCK, {"member_id": member_id})


_OPEN = """
    INSERT INTO ledger_accounts (member_id, unit) VALUES (%(member_id)s, %(unit)s)
    ON CONFLICT (member_id, unit) DO NOTHING"""


def open_account(connection: psycopg.Connection[Any], member_id: int, unit: str) -> None:
    """Open an account before anything moves in it, for who will post more than once in a transaction.

    An account is opened by its first movement, and whoever comes second waits for it. If that movement follows one of
    an account that comes later in the order, the other one may hold the new account and wait for the later.
    """
    ask(connection, _OPEN, {"member_id": member_id, "unit": unit})


def values(cause: Cause, postings: Sequence[Posting]) -> dict[str, object]:
    """The values of `POST`. Postings go as JSON: one value to hand over, where arrays would be six."""
    return {
        "kind": cause.kind,
        "source_type": cause.source_type,
        "source_id": cause.source_id,
        "source_line": cause.source_line,
        "cause_store": cause.store_id,
        "cause_terminal": cause.terminal_id,
        "cause_staff": cause.staff_id,
        "cause_rule": cause.rule_id,
        "note": cause.note,
        "cause_at": cause.occurred_at,
        "cause_day": cause.business_date,
        "postings": msgspec.json.encode(postings).decode(),
    }
