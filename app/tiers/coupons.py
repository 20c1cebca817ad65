"""A coupon beside the points of a tier's gift or a birthday's: with them in one transaction, and gone with them."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app import audit
from app.coupons.gift import issue_if_possible
from app.coupons.issue import Source
from app.coupons.void import void

_GIVEN = text("SELECT id FROM coupons WHERE source_id = :id AND source = :kind ORDER BY id")
_KEPT = text("""
    SELECT EXISTS (SELECT FROM coupons
        WHERE source_id = ANY(CAST(:ids AS text[])) AND source = :kind AND (state <> 'void' OR used > restored))""")


def give(
    session: Session,
    template_id: str | None,
    member_id: int,
    source: Source,
    *,
    former: Sequence[str] = (),
    now: datetime,
) -> None:
    """What cannot be given any more stands in the audit log, for somebody to make good; the points come in any case.

    `former` are sources of gifts that were undone: what was used of one of their coupons is not given again.
    """
    if template_id is None:
        return
    if former and session.execute(_KEPT, {"ids": list(former), "kind": source.kind}).scalar_one():
        return
    refusal = issue_if_possible(session, template_id=template_id, member_id=member_id, source=source, now=now)
    if refusal is not None:
        audit.record(
            session,
            audit.SYSTEM,
            f"{source.kind}.coupon_missed",
            "member",
            member_id,
            now=now,
            source_id=source.id,
            template_id=template_id,
            refusal=refusal,
        )


def take_back(session: Session, source: Source, *, now: datetime) -> None:
    """With the points; one that was used costs nothing."""
    ids = session.execute(_GIVEN, {"id": source.id, "kind": source.kind}).scalars().all()
    void(session, ids, note="void", staff_id=None, now=now)
