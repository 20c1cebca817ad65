"""After a refund the member is told, in their inbox, what went back and how many points went with it."""

from datetime import datetime

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session

from app.facts.models import Fact
from app.ids import new_id
from app.members.models import Member
from app.messages.models import Message
from app.messages.receipt import INBOX, held, wanted
from app.stores.models import Store


def plan_refund(session: Session, fact: Fact, now: datetime) -> None:
    """One message for the fact of a refund, however often it comes; none for a sale without member."""
    if fact.member_id is None or not wanted(session, fact.member_id):
        return
    dedupe_key = f"refund:{fact.subject}"
    if session.execute(select(exists().where(Message.dedupe_key == dedupe_key))).scalar_one():
        return
    store = session.get_one(Store, fact.payload["store_id"])
    member = session.get_one(Member, fact.member_id)
    params = {
        "store": store.name,
        "time_zone": store.time_zone,
        "amount_fen": fact.payload["amount_fen"],
        "points_earned": fact.payload["points_taken"],
        **held(session, fact),
        "at": fact.created_at.isoformat(),
        "language": member.language,
    }
    session.execute(
        insert(Message).values(
            id=new_id(fact.created_at),
            member_id=fact.member_id,
            kind="refund",
            category="service",
            channel=INBOX,
            dedupe_key=dedupe_key,
            params=params,
            due_at=fact.created_at,
            created_at=now,
        )
    )
