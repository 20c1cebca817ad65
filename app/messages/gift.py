"""The member is told of what came or went without them, a gift, say, or an answer to their feedback: in their inbox.

Whoever wrote to customer service in WeChat is answered there (app/feedback/chat.py), else in the inbox too.
"""

from datetime import datetime

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.db import into
from app.facts.models import Fact
from app.ids import new_id
from app.members.models import Member
from app.messages.event import KINDS as EVENT_KINDS
from app.messages.models import INBOX, SERVICE, Message

#: What is told by such a message, each by a fact of that name whose payload is what it will say.
KINDS = (
    "activity_reward",
    "birthday_gift",
    "coupons_issued",
    "coupons_recalled",
    "feedback_answered",
    "reward_taken_back",
    "welcomed",
    *EVENT_KINDS,
)
#: Why an exchange is cancelled without the member; whoever gives it up, or does not pay, knows.
_CANCELLED_FOR = ("staff", "expired", "failed")


def plan_reward_cancelled(session: Session, fact: Fact, now: datetime) -> None:
    """The same of an exchange, unless the member gave it up themselves; facts of earlier versions name no item."""
    if fact.payload["reason"] in _CANCELLED_FOR and "name_zh" in fact.payload:
        plan_gift(session, fact, now)


def plan_gift(session: Session, fact: Fact, now: datetime) -> None:
    """Turn such a fact into one message; a fact that comes again, or of a membership that stopped, into none."""
    assert fact.member_id is not None
    # The member before all else: a withdrawal under way is waited for, a later one finds what is planned.
    locked = select(Member.status, Member.language).where(Member.id == fact.member_id)
    member = session.execute(locked.with_for_update(read=True)).one()
    dedupe_key = f"{fact.kind}:{fact.subject}"
    if member.status in ("withdrawn", "closed"):
        return
    if session.execute(select(exists().where(Message.dedupe_key == dedupe_key))).scalar_one():
        return
    session.execute(
        into(Message),
        {
            "id": new_id(fact.created_at),
            "member_id": fact.member_id,
            "kind": fact.kind,
            "category": "service",
            "channel": SERVICE if _in_chat(fact, now) else INBOX,
            "dedupe_key": dedupe_key,
            "params": {**fact.payload, "language": member.language},
            "due_at": fact.created_at,
            "created_at": now,
        },
    )


def _in_chat(fact: Fact, now: datetime) -> bool:
    until = fact.payload.get("chat_until")
    return until is not None and now < datetime.fromisoformat(until)
