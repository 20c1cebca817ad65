"""Value that one member holds goes to another: the one movement whose both sides are members'."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import psycopg
from sqlalchemy.orm import Session

from app.db import ask
from app.ledger.post import BONUS, POINTS, PRINCIPAL, AlreadyPosted, Cause, NotEnough

#: Points that a member owes: they are moved as a debt.
OWED = "points_owed"


@dataclass(frozen=True, kw_only=True)
class Move:
    """`amount` None: all there is, what may not be spent yet included."""

    unit: str
    amount: int | None = None

    def __post_init__(self) -> None:
        if self.amount is not None and self.amount <= 0:
            raise ValueError("a move has an amount above nothing, or none")


#: All that a member has and owes.
EVERYTHING = tuple(Move(unit=unit) for unit in (POINTS, OWED, PRINCIPAL, BONUS))


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """How much of which unit; without any no transaction was written."""

    transaction_id: int | None
    moved: dict[str, int]


_TRANSFER = """
    SELECT in_transaction, of_unit, moved FROM ledger_transfer(%(sender)s, %(receiver)s, %(moves)s::jsonb, %(kind)s,
        %(source_type)s, %(source_id)s, %(store_id)s, %(staff_id)s, %(note)s, %(reverses)s, %(at)s, %(day)s)"""


def transfer(
    session: Session,
    cause: Cause,
    *,
    sender: int,
    receiver: int,
    moves: Sequence[Move],
    reverses: int | None,
) -> Transferred:
    """Move from lots to lots. `reverses`: only what is left of what that transaction had moved the other way.

    Raises `NotEnough`, `AlreadyPosted`; `ValueError` for a member who would give to themselves, and for a unit twice.
    """
    if sender == receiver or len({move.unit for move in moves}) < len(moves):
        raise ValueError("from one member to another, and each unit once")
    values = {
        "sender": sender,
        "receiver": receiver,
        "moves": msgspec.json.encode(moves).decode(),
        "kind": cause.kind,
        "source_type": cause.source_type,
        "source_id": cause.source_id,
        "store_id": cause.store_id,
        "staff_id": cause.staff_id,
        "note": cause.note,
        "reverses": reverses,
        "at": cause.occurred_at,
        "day": cause.business_date,
    }
    try:
        rows = ask(session, _TRANSFER, values)
    except psycopg.errors.UniqueViolation as error:
        raise AlreadyPosted from error
    except psycopg.Error as error:
        if error.sqlstate == "MC003":
            raise NotEnough(unit=error.diag.message_detail) from error
        raise
    return Transferred(
        transaction_id=rows[0].in_transaction if rows else None,
        moved={row.of_unit: row.moved for row in rows},
    )
