"""What stores owe each other, reckoned from the ledger: spent elsewhere less given back, at what it costs.

The ledger says it all: a lot knows the store that took the money or gave the points, a transaction the store where it
was spent. The view `settlement_movements` joins the two and is the one place that says which movements count.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, text
from sqlalchemy.orm import Session

from app.ledger.post import BONUS, POINTS, PRINCIPAL
from app.settlement.policy import SettlementPolicy

#: In the order in which they stand in a statement.
UNITS = (PRINCIPAL, BONUS, POINTS)


@dataclass(frozen=True, kw_only=True)
class Line:
    """The store `debtor_id` owes `creditor_id` for `quantity` (fen or points, by `unit`); None is headquarters.

    Below zero: more was given back than spent. `late_quantity` of it happened on days before the period.
    """

    debtor_id: int | None
    creditor_id: int | None
    unit: str
    quantity: int
    late_quantity: int
    amount_fen: int

    @property
    def place(self) -> tuple[int, int, int]:
        """Where it stands among the lines of a statement; headquarters first."""
        return (self.debtor_id or 0, self.creditor_id or 0, UNITS.index(self.unit))


@dataclass(frozen=True, kw_only=True)
class Net:
    """What one party owes the others together, and they owe it; `net_fen` is what it gets, below zero what it pays."""

    store_id: int | None
    owes_fen: int
    owed_fen: int

    @property
    def net_fen(self) -> int:
        return self.owed_fen - self.owes_fen


_LINES = """
    SELECT m.debtor_id, m.creditor_id, m.unit, sum(m.quantity)::bigint AS quantity,
        coalesce(sum(m.quantity) FILTER (WHERE m.business_date < :from_date), 0)::bigint AS late_quantity
    FROM settlement_movements m {which} AND m.debtor_id IS DISTINCT FROM m.creditor_id
    GROUP BY m.debtor_id, m.creditor_id, m.unit HAVING sum(m.quantity) <> 0"""
#: For a large chain's month; nobody else waits for it.
PATIENCE = text("SET LOCAL statement_timeout = '60s'")
#: What is not in, whenever it was written: a sale that commits late, or a till that was offline for days.
#: EXCEPT and not NOT EXISTS: whoever inserts what it finds would look through that again for each row, minutes long.
WAITING = """
    SELECT id FROM ledger_transactions WHERE kind IN ('spend', 'restore') AND business_date < :until_date
    EXCEPT SELECT transaction_id FROM settled_transactions"""
_UNSETTLED = text(_LINES.format(which=f"JOIN ({WAITING}) w ON w.id = m.transaction_id WHERE true"))
_SETTLED = text(
    _LINES.format(
        which="JOIN settled_transactions c ON c.transaction_id = m.transaction_id WHERE c.settlement_id = :id"
    )
)


def unsettled(
    connection: Connection | Session, policy: SettlementPolicy, *, from_date: date, until_date: date
) -> list[Line]:
    """What no statement has counted yet, of all days before `until_date`."""
    rows = connection.execute(_UNSETTLED, {"from_date": from_date, "until_date": until_date})
    return _lines(rows, policy)


def settled(
    connection: Connection | Session, policy: SettlementPolicy, *, settlement_id: int, from_date: date
) -> list[Line]:
    """What that statement has counted."""
    return _lines(connection.execute(_SETTLED, {"from_date": from_date, "id": settlement_id}), policy)


def _lines(rows: Iterable[Any], policy: SettlementPolicy) -> list[Line]:
    found = (Line(**row._mapping, amount_fen=cost_fen(row.unit, row.quantity, policy)) for row in rows)
    return sorted(found, key=lambda line: line.place)


def cost_fen(unit: str, quantity: int, policy: SettlementPolicy) -> int:
    """What the whole of a line costs: rounded once, half a fen away from zero, so that a refund undoes its sale."""
    if unit == PRINCIPAL:
        return quantity
    rate, per = (policy.bonus_cost_bp, 10_000) if unit == BONUS else (policy.fen_per_1000_points, 1_000)
    size = (abs(quantity) * rate * 2 + per) // (per * 2)
    return size if quantity > 0 else -size


def nets(lines: Iterable[Line]) -> list[Net]:
    """By store, headquarters first. They sum to zero, because each line stands on both sides."""
    owes: dict[int | None, int] = {}
    owed: dict[int | None, int] = {}
    for line in lines:
        owes[line.debtor_id] = owes.get(line.debtor_id, 0) + line.amount_fen
        owed[line.creditor_id] = owed.get(line.creditor_id, 0) + line.amount_fen
    return [
        Net(store_id=store, owes_fen=owes.get(store, 0), owed_fen=owed.get(store, 0))
        for store in sorted(owes.keys() | owed.keys(), key=lambda store: store or 0)
    ]


def owed_fen(lines: Iterable[Line]) -> int:
    """How much is owed, all lines together without their signs: nothing hides behind what it cancels."""
    return sum(abs(line.amount_fen) for line in lines)


def fingerprint(lines: Sequence[Line]) -> str:
    """The same for the same figures: whoever agrees to them agrees to these."""
    return hashlib.sha256(repr([astuple(line) for line in lines]).encode()).hexdigest()[:32]
