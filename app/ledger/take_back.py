"""Taking back points that were given for something that was undone."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import ask
from app.ledger.post import Cause


@dataclass(frozen=True, kw_only=True)
class TakenBack:
    """`taken` out of the account, `owed` because it was spent, `lapsed` because it had ended unspent: points.

    `pending` of `balance_after` may not be spent yet.
    """

    taken: int
    owed: int
    lapsed: int
    balance_after: int
    pending: int


_TAKE_BACK = """
    SELECT taken, owed, lapsed, balance_after, pending FROM ledger_take_back(%(entry_id)s, %(points)s, %(lapsed)s,
        %(kind)s, %(source_type)s, %(source_id)s, %(store_id)s, %(terminal_id)s, %(staff_id)s, %(note)s, %(at)s,
        %(day)s)"""


def take_back(session: Session, cause: Cause, *, entry_id: int, points: int, lapsed: int) -> TakenBack:
    """Take back `points` of what the entry gave: from its own lot, then from the others, the rest as a debt.

    Pending points go before a debt is made; the next points that come in pay it. What ended unspent in the entry's lot
    is not asked for again; `lapsed` is how much of that earlier calls for the same entry have told of.
    Raises `UniqueViolation` when the cause was posted before.
    """
    values = {
        "entry_id": entry_id,
        "points": points,
        "lapsed": lapsed,
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
    [row] = ask(session, _TAKE_BACK, values)
    return TakenBack(
        taken=row.taken,
        owed=row.owed,
        lapsed=row.lapsed,
        balance_after=row.balance_after,
        pending=row.pending,
    )
