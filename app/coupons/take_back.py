"""Taking back coupons whose reason was undone, as far as nobody has used them."""

from datetime import datetime

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from app.coupons.issue import Source
from app.coupons.models import CouponEvent

_VOID = text("""
    UPDATE coupons SET state = 'void', offer_hash = NULL, offer_until = NULL
    WHERE source = :source AND source_id = :source_id AND state = 'held' AND used = 0 AND member_id = issued_to
    RETURNING id, member_id""")


def take_back(session: Session, *, source: Source, note: str, now: datetime) -> int:
    """Void what was issued for that source and neither used nor passed on; how many. `note` says why."""
    taken = session.execute(_VOID, {"source": source.kind, "source_id": source.id}).all()
    events = [
        {"coupon_id": row.id, "kind": "recalled", "member_id": row.member_id, "note": note, "at": now}
        for row in taken
    ]
    if events:
        session.execute(insert(CouponEvent), events)
    return len(events)
