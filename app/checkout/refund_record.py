"""Writing a refund down: what goes back, the refund, its lines, the fact, in the asking story's transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import bindparam, func, select, text, update
from sqlalchemy.orm import Session

from app import audit
from app.checkout import refund_tenders
from app.checkout.models import Refund, RefundLine, Sale, SaleLine
from app.checkout.refund_parts import RefundPart, Wanted
from app.checkout.tenders import Tender, own_value
from app.coupons.restore import CameBack, Undoing, came_back, lock_of_sale
from app.coupons.restore import take_back as take_back_uses
from app.db import into
from app.facts.tell import tell
from app.ledger.post import Cause, lock_accounts
from app.ledger.take_back import TakenBack, take_back
from app.tiers.card import card_of


@dataclass(frozen=True, kw_only=True)
class Refunded:
    """`state` is `done`, or `pending` with the request that waits for a second person; then nothing has moved.

    Of `points`, what the goods had earned: `points_taken` from the account, `points_owed` because they were spent (the
    next points pay them), the rest had ended unspent. `tenders` is what goes back in which way, empty where nobody told
    how the sale was paid. `points_after` and `balance_after_fen` are what the member may spend then, None where no
    points, or no stored value, moved. `coupons` are told once all of the sale is back: what became of each it used.
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
    tenders: tuple[Tender, ...] = ()
    balance_after_fen: int | None = None
    coupons: tuple[CameBack, ...] = ()


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
    grace: datetime
    now: datetime


def write_down(session: Session, doing: Doing, sale: Sale, parts: list[RefundPart]) -> Refunded:
    """Take back the points, give back the coupons, keep the refund and what of which line it was, tell whoever reacts.

    The sale is locked. Raises `IntegrityError` for a refund number that the store has used.
    """
    amount_fen = sum(part.amount_fen for part in parts)
    tenders = refund_tenders.of_sale(session, sale.id, amount_fen)
    uses = lock_of_sale(session, sale.id)
    if sale.member_id is not None:
        # In the order in which everybody takes them, before the first of them moves.
        lock_accounts(session, sale.member_id)
    cause = _cause(doing)
    refund_tenders.restore_own(session, replace(cause, kind="restore"), sale.id, tenders, grace=doing.grace)
    points = sum(part.points for part in parts)
    back = _take_back(session, doing, sale, points) if points else None
    has = _has(session, doing, sale, back, tenders)
    _write(session, doing, sale, parts, amount_fen, back, tenders)
    coupons = take_back_uses(session, uses, _undoing(doing)) if uses and _all_back(session, sale.id) else ()
    payload = {
        "store_id": doing.store_id,
        "sale_id": sale.id,
        "amount_fen": amount_fen,
        "points_taken": back.taken if back else 0,
        "points_owed": back.owed if back else 0,
        "points_after": has.points,
        "pending": has.pending,
        **own_value(tenders),
        **({} if has.balance_fen is None else {"balance_after_fen": has.balance_fen}),
        **came_back(uses, coupons, sale.member_id, doing.now),
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
        points_after=has.points,
        parts=tuple(parts),
        tenders=tenders,
        balance_after_fen=has.balance_fen,
        coupons=coupons,
    )


_LEFT = text("SELECT count(*) FROM sale_lines WHERE sale_id = :sale_id AND refunded_quantity < quantity")


def _all_back(session: Session, sale_id: str) -> bool:
    """Whether this was the last of it. A discount is shared by the lines, so before that a coupon stays used."""
    return not session.execute(_LEFT, {"sale_id": sale_id}).scalar_one()


def _undoing(doing: Doing) -> Undoing:
    return Undoing(refund_id=doing.refund_id, staff_id=doing.staff_id, store_id=doing.store_id, now=doing.now)


@dataclass(frozen=True, kw_only=True)
class _Has:
    points: int | None
    pending: int
    balance_fen: int | None


def _has(
    session: Session, doing: Doing, sale: Sale, back: TakenBack | None, tenders: Sequence[Tender]
) -> _Has:
    """What the member may spend now, of what has moved."""
    kinds = {tender.kind for tender in tenders}
    if sale.member_id is None or not (back or kinds & refund_tenders.UNITS.keys()):
        return _Has(points=None, pending=0, balance_fen=None)
    card = card_of(session, sale.member_id, now=doing.now)
    assert card is not None
    return _Has(
        points=card.points if back or "points" in kinds else None,
        pending=card.pending if back or "points" in kinds else 0,
        balance_fen=card.balance_fen if kinds & {"principal", "bonus"} else None,
    )


def _cause(doing: Doing) -> Cause:
    return Cause(
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


_EARNED = text("""
    SELECT e.id FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
    WHERE t.kind = 'earn' AND t.source_type = 'sale' AND t.source_id = :sale_id AND t.source_line = 0
        AND e.account_id IS NOT NULL""")


def _take_back(session: Session, doing: Doing, sale: Sale, points: int) -> TakenBack:
    lapsed = select(func.coalesce(func.sum(Refund.points_lapsed), 0)).where(Refund.sale_id == sale.id)
    return take_back(
        session,
        _cause(doing),
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
    tenders: Sequence[Tender],
) -> None:
    session.execute(
        into(Refund),
        {
            "id": doing.refund_id,
            "sale_id": sale.id,
            "store_id": doing.store_id,
            "terminal_id": doing.asked.terminal_id,
            "staff_id": doing.staff_id,
            "refund_no": doing.asked.refund_no,
            "reason": doing.asked.reason,
            "amount_fen": amount_fen,
            "points": sum(part.points for part in parts),
            "points_taken": back.taken if back else 0,
            "points_owed": back.owed if back else 0,
            "points_lapsed": back.lapsed if back else 0,
            "alone_fen": doing.alone_fen,
            "approval_id": doing.approval_id,
            "occurred_at": doing.now,
            "business_date": doing.day,
        },
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
    session.execute(into(RefundLine), rows)
    session.connection().execute(
        _MARK,
        [
            {"of_sale": sale.id, "line": part.line_no, "pieces": part.quantity, "fen": part.amount_fen}
            for part in parts
        ],
    )
    refund_tenders.write(session, doing.refund_id, sale.id, tenders)
