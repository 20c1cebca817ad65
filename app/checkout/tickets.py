"""Scan tickets that end before their time."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.checkout.models import ScanTicket


def end_open(session: Session, member_id: int, *, now: datetime) -> None:
    """End the member's open tickets: a sale with one of them is refused as with any that has expired."""
    session.execute(
        update(ScanTicket)
        .where(ScanTicket.expires_at > now, ScanTicket.member_id == member_id)
        .values(expires_at=now)
    )
