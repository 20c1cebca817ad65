"""How a top-up stands that may go back: its lots, what was taken of them, and what refunds of it did before."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.errors import Conflict
from app.ledger.post import lock_accounts
from app.stored_value import coupons
from app.stored_value.models import TopUp
from app.stored_value.refund_models import TopUpRefund
from app.stored_value.refund_policy import TopUpRefundPolicy
from app.stored_value.undo import Given, Lot, Stands
from app.stores.models import Store


class TopUpNotCredited(Conflict):
    """There is nothing in the books yet, or never will be."""

    code = "top_up_not_credited"


# As `app/stored_value/spend.py` takes them: who refunds and who spends come one after the other.
_LOTS = text("""
    SELECT e.id AS entry_id, e.unit, l.amount AS given, l.remaining, l.expires_at,
        coalesce(sum(x.amount) FILTER (WHERE t.kind = 'expire'), 0)::bigint AS ended,
        coalesce(sum(x.amount) FILTER (WHERE t.kind IN ('top_up_refund', 'bonus_charge', 'top_up_refund_undone',
            'bonus_charge_undone')), 0)::bigint AS taken
    FROM ledger_transactions g JOIN ledger_entries e ON e.transaction_id = g.id AND e.unit <> 'points'
    JOIN ledger_lots l ON l.entry_id = e.id
    LEFT JOIN ledger_allocations x ON x.lot_id = l.id
    LEFT JOIN ledger_entries n ON n.id = x.entry_id LEFT JOIN ledger_transactions t ON t.id = n.transaction_id
    WHERE g.kind = 'top_up' AND g.source_type = 'top_up' AND g.source_id = :top_up_id AND g.source_line = 0
    GROUP BY e.id, l.id
    ORDER BY l.available_at DESC, l.id DESC""")
_GIVEN = text("""
    SELECT e.id AS entry_id, e.amount AS points, coalesce(sum(p.points), 0)::bigint AS back,
        coalesce(sum(p.points_lapsed), 0)::bigint AS lapsed
    FROM ledger_transactions g JOIN ledger_entries e ON e.transaction_id = g.id
    LEFT JOIN top_up_refund_points p ON p.entry_id = e.id
    WHERE g.kind IN ('top_up', 'top_up_earn') AND g.source_type = 'top_up' AND g.source_id = :top_up_id
        AND g.source_line = 0 AND e.unit = 'points' AND e.account_id IS NOT NULL
    GROUP BY e.id ORDER BY e.id""")


def lock(session: Session, top_up: TopUp) -> None:
    """Its coupons and the member's accounts, before anything is looked at; the top-up's row is the caller's already."""
    coupons.lock(session, top_up.id)
    lock_accounts(session, top_up.member_id)


def time_zone_of(session: Session, top_up: TopUp) -> str:
    """Where its days are counted."""
    if top_up.store_id is None:
        return HOME_ZONE
    return session.execute(select(Store.time_zone).where(Store.id == top_up.store_id)).scalar_one()


def stands(session: Session, top_up: TopUp, policy: TopUpRefundPolicy, *, now: datetime) -> Stands:
    """How it stands; whoever acts on it has the accounts locked. Raises `TopUpNotCredited`."""
    if top_up.credited_at is None:
        raise TopUpNotCredited
    zone = time_zone_of(session, top_up)
    values = {"top_up_id": top_up.id}
    lots = [(row.unit, _lot(row, now)) for row in session.execute(_LOTS, values)]
    refunded = session.execute(
        select(
            func.coalesce(func.sum(TopUpRefund.principal_fen), 0),
            func.coalesce(func.sum(TopUpRefund.bonus_charged_fen), 0),
        ).where(TopUpRefund.top_up_id == top_up.id, TopUpRefund.state != "failed")
    ).one()
    [principal] = [lot for unit, lot in lots if unit == "principal_fen"]
    return Stands(
        top_up_id=top_up.id,
        method=top_up.method,
        paid_fen=top_up.amount_fen,
        refunded_fen=int(refunded[0]),
        charged_fen=int(refunded[1]),
        principal=principal,
        bonus=tuple(lot for unit, lot in lots if unit == "bonus_fen"),
        points=tuple(Given(**row._mapping) for row in session.execute(_GIVEN, values)),
        until=business_date(top_up.credited_at, zone) + timedelta(days=policy.cooling_off_days),
        today=business_date(now, zone),
    )


def _lot(row: Any, now: datetime) -> Lot:
    """What has ended and was not booked out yet has ended all the same."""
    over = row.remaining if row.expires_at is not None and row.expires_at <= now else 0
    return Lot(
        entry_id=row.entry_id,
        given=row.given,
        left=row.remaining - over,
        ended=row.ended + over,
        taken=row.taken,
    )


def given_alone_fen(session: Session, top_up_id: str) -> int:
    """What of it went back before without a second person: many small refunds are a large one."""
    given = select(func.coalesce(func.sum(TopUpRefund.amount_fen), 0)).where(
        TopUpRefund.top_up_id == top_up_id,
        TopUpRefund.approval_id.is_(None),
        TopUpRefund.state != "failed",
    )
    return int(session.execute(given).scalar_one())
