"""What of each tender goes back with a refund: shares of the whole, the member's own value into the books."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import bindparam, select, text, update
from sqlalchemy.orm import Session

from app.checkout.models import RefundTender, SaleTender
from app.checkout.tenders import Kind, Tender, given_back
from app.db import into
from app.ledger.post import BONUS, POINTS, PRINCIPAL, Cause
from app.ledger.restore import Back, restore

#: What the member pays out of their own accounts, and in which.
UNITS = {"points": POINTS, "principal": PRINCIPAL, "bonus": BONUS}


def of_sale(session: Session, sale_id: str, amount_fen: int) -> tuple[Tender, ...]:
    """What of each tender goes back with so much more of the sale, which is locked."""
    paid = session.execute(select(SaleTender).where(SaleTender.sale_id == sale_id)).scalars().all()
    if not paid:
        return ()
    before_fen = sum(tender.refunded_fen for tender in paid)
    return given_back(
        [
            Tender(kind=cast("Kind", tender.kind), amount_fen=tender.amount_fen, points=tender.points)
            for tender in paid
        ],
        before_fen=before_fen,
        after_fen=before_fen + amount_fen,
    )


_SPENT = text("""
    SELECT e.unit, e.id FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
    WHERE t.kind = 'spend' AND t.source_type = 'sale' AND t.source_id = :sale_id AND t.source_line = 0
        AND e.account_id IS NOT NULL""")


def restore_own(
    session: Session, cause: Cause, sale_id: str, tenders: Sequence[Tender], *, grace: datetime
) -> None:
    """The member's own value, into the lots it was taken from."""
    amounts = {
        UNITS[tender.kind]: tender.points if tender.kind == "points" else tender.amount_fen
        for tender in tenders
        if tender.kind in UNITS
    }
    if not any(amounts.values()):
        return
    entries = {row.unit: row.id for row in session.execute(_SPENT, {"sale_id": sale_id})}
    back = [Back(entry_id=entries[unit], amount=amount) for unit, amount in amounts.items() if amount]
    restore(session, cause, back, grace=grace)


_MARK_TENDER = (
    update(SaleTender)
    .where(SaleTender.sale_id == bindparam("of_sale"), SaleTender.kind == bindparam("of_kind"))
    .values(
        refunded_fen=SaleTender.refunded_fen + bindparam("fen"),
        refunded_points=SaleTender.refunded_points + bindparam("taken"),
    )
)


def write(session: Session, refund_id: str, sale_id: str, tenders: Sequence[Tender]) -> None:
    """Keep what went back in which way, if it is known how the sale was paid."""
    if not tenders:
        return
    session.execute(
        into(RefundTender),
        [
            {
                "refund_id": refund_id,
                "sale_id": sale_id,
                "kind": tender.kind,
                "amount_fen": tender.amount_fen,
                "points": tender.points,
            }
            for tender in tenders
        ],
    )
    session.connection().execute(
        _MARK_TENDER,
        [
            {"of_sale": sale_id, "of_kind": tender.kind, "fen": tender.amount_fen, "taken": tender.points}
            for tender in tenders
        ],
    )
