"""Moving what a refund of a top-up moves: out of its own lots, and back into them should WeChat Pay refuse."""

from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.db import into
from app.ledger.post import Cause
from app.ledger.take import Take, put_back, take
from app.ledger.take_back import TakenBack, take_back
from app.stored_value.refund_models import TopUpRefund, TopUpRefundPoints
from app.stored_value.undo import Stands, bonus_takes, points_back

SOURCE = "top_up_refund"


def take_out(session: Session, refund: TopUpRefund, stands: Stands) -> None:
    """Principal and bonus leave their lots; what is deducted is a movement of its own, so that everybody can read it.

    Raises `NotEnough` when the lots do not hold what `stands` says: the caller looked without the lock.
    """
    entry_id = stands.principal.entry_id
    takes = [Take(entry_id=entry_id, amount=refund.amount_fen, house="principal_paid_back")]
    takes += [
        Take(entry_id=entry, amount=amount, house="bonus_taken_back") for entry, amount in bonus_takes(stands)
    ]
    day, at = refund.business_date, refund.asked_at
    take(session, Cause(kind="top_up_refund", **_source(refund), occurred_at=at, business_date=day), takes)
    if refund.deducted_fen:
        charge = [Take(entry_id=entry_id, amount=refund.deducted_fen, house="principal_for_bonus")]
        take(
            session, Cause(kind="bonus_charge", **_source(refund), occurred_at=at, business_date=day), charge
        )


def put_in_again(session: Session, refund: TopUpRefund, *, day: date, now: datetime) -> None:
    """All of it goes back to where it was."""
    undone = Cause(kind="top_up_refund_undone", **_source(refund), occurred_at=now, business_date=day)
    put_back(session, undone, of_kind="top_up_refund")
    if refund.deducted_fen:
        undone = Cause(kind="bonus_charge_undone", **_source(refund), occurred_at=now, business_date=day)
        put_back(session, undone, of_kind="bonus_charge")


def take_points(
    session: Session, refund: TopUpRefund, stands: Stands, *, day: date, now: datetime
) -> TakenBack | None:
    """Take back the points that go with the principal, once the money is gone; None when there are none.

    `stands` is how the top-up stands with this refund in it. `taken`, `owed` and `lapsed` of the answer are of all.
    """
    told: TakenBack | None = None
    for place, (given, points) in enumerate(points_back(stands, 0)):
        # What its offer and what rules gave are two entries, so two movements, each with a cause of its own.
        if place == 0:
            cause = Cause(kind="top_up_points_back", **_source(refund), occurred_at=now, business_date=day)
        else:
            cause = Cause(kind="top_up_earned_back", **_source(refund), occurred_at=now, business_date=day)
        back = take_back(session, cause, entry_id=given.entry_id, points=points, lapsed=given.lapsed)
        _keep(session, refund.id, given.entry_id, points, back)
        told = back if told is None else _both(told, back)
    return told


def _both(first: TakenBack, second: TakenBack) -> TakenBack:
    return TakenBack(
        taken=first.taken + second.taken,
        owed=first.owed + second.owed,
        lapsed=first.lapsed + second.lapsed,
        balance_after=second.balance_after,
        pending=second.pending,
    )


def _keep(session: Session, refund_id: str, entry_id: int, points: int, back: TakenBack) -> None:
    session.execute(
        into(TopUpRefundPoints),
        {
            "refund_id": refund_id,
            "entry_id": entry_id,
            "points": points,
            "points_taken": back.taken,
            "points_owed": back.owed,
            "points_lapsed": back.lapsed,
        },
    )


def _source(refund: TopUpRefund) -> dict[str, Any]:
    return {
        "source_type": SOURCE,
        "source_id": refund.id,
        "store_id": refund.store_id,
        "terminal_id": refund.terminal_id,
        "staff_id": refund.staff_id,
        "note": refund.reason,
    }
