"""Holding a member still: a withdrawal under way is waited for, and a later one finds what is written meanwhile."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.members.models import Member


def hold(session: Session, member_id: int) -> str:
    """The member's status, which nobody changes until the transaction ends; others may hold the member as well."""
    status = select(Member.status).where(Member.id == member_id).with_for_update(read=True)
    return session.execute(status).scalar_one()
