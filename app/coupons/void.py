"""Taking coupons away that somebody holds. What was used of them stays used."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.coupons.face import face_of
from app.coupons.models import CouponEvent
from app.db import into

#: The note of a coupon that went because its exchange was cancelled, as a wallet knows it from one that was taken away.
EXCHANGE_CANCELLED = "exchange cancelled"


@dataclass(frozen=True, kw_only=True)
class Voided:
    """`unused_uses` are worth `unused_value_fen`, where the face says what one is.

    `ended`: it could not have been used any more.
    """

    coupon_id: str
    member_id: int
    name_zh: str
    name_en: str
    ended: bool
    unused_uses: int
    unused_value_fen: int


# By id, as everybody locks several coupons; a use that is being written at this moment is waited for and counts.
_LOCK = text("SELECT FROM coupons WHERE id = ANY(:ids) ORDER BY id FOR UPDATE")
# The state is asked in the very statement that changes it: of a use and a recall one comes second, and finds the first.
_VOID = text("""
    UPDATE coupons c SET state = 'void', offer_hash = NULL, offer_until = NULL
    FROM coupon_faces f WHERE f.id = c.face_id AND c.id = ANY(:ids) AND c.state = 'held'
    RETURNING c.id, c.member_id, c.uses + c.restored - c.used AS unused, f.face,
        c.valid_until <= :now AS ended""")


def lock(session: Session, coupon_ids: Sequence[str]) -> None:
    """Until the transaction ends nobody uses them or takes them over."""
    session.execute(_LOCK, {"ids": list(coupon_ids)})


def void(
    session: Session, coupon_ids: Sequence[str], *, note: str, staff_id: int | None, now: datetime
) -> tuple[Voided, ...]:
    """Those of them that were held; used up and recalled ones stay what they are."""
    lock(session, coupon_ids)
    rows = session.execute(_VOID, {"ids": list(coupon_ids), "now": now})
    taken = tuple(sorted(map(_voided, rows), key=lambda one: one.coupon_id))
    if taken:
        session.execute(into(CouponEvent), [_event(one, note, staff_id, now) for one in taken])
    return taken


def _voided(row: Any) -> Voided:
    face = face_of(row.face)
    return Voided(
        coupon_id=row.id,
        member_id=row.member_id,
        name_zh=face.name_zh,
        name_en=face.name_en,
        ended=row.ended,
        unused_uses=row.unused,
        unused_value_fen=row.unused * face.use_value_fen,
    )


def _event(one: Voided, note: str, staff_id: int | None, now: datetime) -> dict[str, Any]:
    return {
        "coupon_id": one.coupon_id,
        "kind": "recalled",
        "member_id": one.member_id,
        "staff_id": staff_id,
        "note": note,
        "at": now,
    }
