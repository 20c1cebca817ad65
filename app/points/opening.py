"""What a member brings from the system before this one: lots as they stood there. For imports."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.ledger.post import Cause, Posting, post


@dataclass(frozen=True, kw_only=True)
class OpeningLot:
    """`amount` of a unit, and the store that gave it or took the money (None: no one knows).

    It may be spent from `available_at` (None: at once) and ends at `expires_at` (None: never).
    """

    unit: str
    amount: int
    store_id: int | None = None
    available_at: datetime | None = None
    expires_at: datetime | None = None


def opening(
    session: Session,
    *,
    member_id: int,
    lots: Sequence[OpeningLot],
    source_id: str,
    staff_id: int | None = None,
    now: datetime,
) -> None:
    """Open the lots. `source_id` names the row of the import, which counts once.

    One transaction a store, because a lot's store is that of its transaction. Raises `AlreadyPosted`; `ValueError` for
    no lots, a lot of nothing or one that has ended, and for principal that would end or come later.
    """
    if not lots or any(_is_nothing(lot, now) for lot in lots):
        raise ValueError("opening balances are lots that hold something now")
    # The first line is there in every opening: that is the one which a second row with this name meets.
    stores = list(dict.fromkeys(lot.store_id for lot in lots))
    for line, store_id in enumerate(stores):
        cause = Cause(
            kind="opening",
            source_type="import_row",
            source_id=source_id,
            source_line=line,
            store_id=store_id,
            staff_id=staff_id,
            occurred_at=now,
            business_date=business_date(now, HOME_ZONE),
        )
        post(session, cause, [_posting(member_id, lot) for lot in lots if lot.store_id == store_id])


def _is_nothing(lot: OpeningLot, now: datetime) -> bool:
    return lot.amount <= 0 or (lot.expires_at is not None and lot.expires_at <= now)


def _posting(member_id: int, lot: OpeningLot) -> Posting:
    return Posting(
        member_id=member_id,
        unit=lot.unit,
        amount=lot.amount,
        house="brought_forward",
        available_at=lot.available_at,
        expires_at=lot.expires_at,
    )
