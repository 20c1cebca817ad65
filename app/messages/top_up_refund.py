"""After the refund of a top-up the member reads in the inbox what was paid back and what was taken back."""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE
from app.db import into
from app.facts.models import Fact
from app.ids import new_id
from app.members.models import Member
from app.messages.models import INBOX, Message
from app.stores.models import Store
from app.texts import say

KIND = "top_up_refund"


def plan_top_up_refund(session: Session, fact: Fact, now: datetime) -> None:
    """Into the inbox, once; to nobody who took consent back since. What it says is frozen here."""
    assert fact.member_id is not None
    # Before all else, as the receipt does: a withdrawal under way is waited for.
    member = session.execute(
        select(Member).where(Member.id == fact.member_id).with_for_update(read=True)
    ).scalar_one()
    dedupe_key = f"{KIND}:{fact.subject}"
    if member.status == "withdrawn":
        return
    if session.execute(select(exists().where(Message.dedupe_key == dedupe_key))).scalar_one():
        return
    told = fact.payload
    store = None if told["store_id"] is None else session.get_one(Store, told["store_id"])
    session.execute(
        into(Message),
        {
            "id": new_id(fact.created_at),
            "member_id": fact.member_id,
            "kind": KIND,
            "category": "service",
            "channel": INBOX,
            "template_id": None,
            "dedupe_key": dedupe_key,
            "params": {
                "store": say(f"message.{KIND}.wechat_pay", member.language) if store is None else store.name,
                "time_zone": HOME_ZONE if store is None else store.time_zone,
                "amount_fen": told["amount_fen"],
                "deducted_fen": told["deducted_fen"],
                "bonus_fen": told["bonus_fen"],
                "points_earned": told["points_taken"] + told["points_owed"],
                "points_after": 0,
                "pending": 0,
                "at": fact.created_at.isoformat(),
                "language": member.language,
            },
            "due_at": fact.created_at,
            "created_at": now,
        },
    )
