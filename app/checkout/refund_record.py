"""Writing a refund down: the points, the refund, its lines, the fact, in the transaction of the story that asked."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.checkout.models import Refund, RefundLine, Sale, SaleLine
from app.checkout.refund_parts import RefundPart, Wanted
from app.facts.tell import tell
from app.ledger.post import Cause
from app.ledger.take_back import TakenBack, take_back


@dataclass(frozen=True, kw_only=True)
class Refunded:
    """`state` is `done`, or `pending` with the request that waits for a second person; then nothing has moved.

    Of `points`, what the goods had earned: `points_taken` from the account, `points_owed` because they were spent (the
    next points pay them), the rest had ended unspent. `points_after` is what the member may spend then,
    None where no points moved.
    """

    refund_id: str
    sale_id: str
    refund_no: str
    state: str
    approval_id: str | None
    amount_fen: int
    points: int
    points_taken: int = 0
    points_owed: int = 0
    points_after: int | None = None
    parts: tuple[RefundPart, ...] = ()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for, as the second person sees it and as it is carried out afterwards."""

    sale_id: str
    receipt_no: str
    refund_no: str
    reason: str
    amount_fen: int
    quantities: dict[int, int] | None
    by_amount: bool
    store_id: int
    terminal_id: int

    def wanted(self) -> Wanted:
        return Wanted(quantities=self.quantities, amount_fen=self.amount_fen if self.by_amount else None)


@dataclass(frozen=True, kw_only=True)
class Doing:
    """Who carries which refund out, where and under which limit."""

    refund_id: str
    asked: Asked
    store_id: int
    staff_id: int
    alone_fen: int
    approval_id: str | None
    day: date
    now: datetime


def write_down(session: Session, doing: Doing, sale: Sale, parts: list[RefundPart]) -> Refunded:
    """Take back the points, keep the refund and what of which line it was, tell whoever reacts.

    The sale is locked. Raises `IntegrityError` for a refund number that the store has used.
    """
    points = sum(part.points for part in parts)
    back = _take_back(session, doing, sale, points) if points else None
    amount_fen = sum(part.amount_fen for part in parts)
    _write(session, doing, sale, parts, amount_fen, back)
    payload = {
        "store_id": doing.store_id,
        "sale_id": sale.id,
        "amount_fen": amount_fen,
        "points_taken": back.taken if back else 0,
        "points_owed": back.owed if back else 0,
        "points_after": back.balance_after - back.pending if back else None,
        "pending": back.pending if back else 0,
    }
    tell(
        session,
        "sale_refunded",
        subject=doing.refund_id,
        member_id=sale.member_id,
        payload=payload,
        now=doing.now,
    )
    audit.record(
        session,
        audit.Actor(type="staff", id=doing.staff_id),
        "sale.refund",
        "sale",
        sale.id,
        now=doing.now,
        store_id=doing.store_id,
        refund_id=doing.refund_id,
        amount_fen=amount_fen,
        reason=doing.asked.reason,
        approval_id=doing.approval_id,
    )
    return Refunded(
        refund_id=doing.refund_id,
        sale_id=sale.id,
        refund_no=doing.asked.refund_no,
        state="done",
        approval_id=doing.approval_id,
        amount_fen=amount_fen,
        points=points,
        points_taken=back.taken if back else 0,
        points_owed=back.owed if back else 0,
        points_after=back.balance_after - back.pending if back else None,
        parts=tuple(parts),
    )


_EARNED = text("""
    SELECT e.id FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
    WHERE t.kind = 'earn' AND t.source_type = 'sale' AND t.source_id = :sale_id AND t.source_line = 0
        AND e.account_id IS NOT NULL""")


def _take_back(session: Session, doing: Doing, sale: Sale, points: int) -> TakenBack:
    lapsed = select(func.coalesce(func.sum(Refund.points_lapsed), 0)).where(Refund.sale_id == sale.id)
    cause = Cause(
        kind="refund",
        source_type="refund",
        source_id=doing.refund_id,
        store_id=doing.store_id,
        terminal_id=doing.asked.terminal_id,
        staff_id=doing.staff_id,
        note=doing.asked.reason,
        occurred_at=doing.now,
        business_date=doing.day,
    )
    return take_back(
        session,
        cause,
        entry_id=session.execute(_EARNED, {"sale_id": sale.id}).scalar_one(),
        points=points,
        lapsed=int(session.execute(lapsed).scalar_one()),
    )


_MARK = (
    update(SaleLine)
    .where(SaleLine.sale_id == bindparam("of_sale"), SaleLine.line_no == bindparam("line"))
    .values(
        refunded_quantity=SaleLine.refunded_quantity + bindparam("pieces"),
        refunded_fen=SaleLine.refunded_fen + bindparam("fen"),
    )
)


def _write(
    session: Session,
    doing: Doing,
    sale: Sale,
    parts: list[RefundPart],
    amount_fen: int,
    back: TakenBack | None,
) -> None:
    session.execute(
        insert(Refund).values(
            id=doing.refund_id,
            sale_id=sale.id,
            store_id=doing.store_id,
            terminal_id=doing.asked.terminal_id,
            staff_id=doing.staff_id,
            refund_no=doing.asked.refund_no,
            reason=doing.asked.reason,
            amount_fen=amount_fen,
            points=sum(part.points for part in parts),
            points_taken=back.taken if back else 0,
            points_owed=back.owed if back else 0,
            points_lapsed=back.lapsed if back else 0,
            alone_fen=doing.alone_fen,
            approval_id=doing.approval_id,
            occurred_at=doing.now,
            business_date=doing.day,
        )
    )
    rows: list[dict[str, Any]] = [
        {
            "refund_id": doing.refund_id,
            "sale_id": sale.id,
            "line_no": part.line_no,
            "quantity": part.quantity,
            "amount_fen": part.amount_fen,
            "points": part.points,
        }
        for part in parts
    ]
    session.execute(insert(RefundLine), rows)
    session.connection().execute(
        _MARK,
        [
            {"of_sale": sale.id, "line": part.line_no, "pieces": part.quantity, "fen": part.amount_fen}
            for part in parts
        ],
    )
