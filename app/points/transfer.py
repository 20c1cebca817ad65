"""What one member holds becomes another's, stored value included: for joining two accounts, and undoing it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.ledger import transfer as ledger
from app.ledger.post import Cause
from app.ledger.transfer import EVERYTHING, Move, Transferred


def transfer(
    session: Session,
    *,
    sender: int,
    receiver: int,
    moves: Sequence[Move] = EVERYTHING,
    source_type: str,
    source_id: str,
    reverses: int | None = None,
    store_id: int | None = None,
    staff_id: int | None = None,
    note: str | None = None,
    now: datetime,
) -> Transferred:
    """Move it lot by lot: each keeps its end, the day from which it may be spent, and the store it came from.

    (source_type, source_id) happens once. It is undone by a transfer of its own the other way with `reverses`, the
    transaction: that one takes what is left of the very lots, and nothing that the member had besides. What a debt took
    stays paid. The caller has looked at both members, and touches none of their accounts before: this locks them in
    order. Raises `NotEnough`, `AlreadyPosted`.
    """
    cause = Cause(
        kind="transfer",
        source_type=source_type,
        source_id=source_id,
        store_id=store_id,
        staff_id=staff_id,
        note=note,
        occurred_at=now,
        business_date=business_date(now, HOME_ZONE),
    )
    return ledger.transfer(session, cause, sender=sender, receiver=receiver, moves=moves, reverses=reverses)
