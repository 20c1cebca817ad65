"""After a top-up the member reads in the inbox where and how it was paid in, and what there is now."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from app.db import into
from app.facts.models import Fact
from app.ids import new_id
from app.members.models import Member
from app.messages.models import INBOX, Message
from app.stores.models import Store
from app.texts import say, yuan

KIND = "top_up"


def plan_top_up(session: Session, fact: Fact, now: datetime) -> None:
    """Into the inbox, once; to nobody who took consent back since. What it says is frozen here."""
    assert fact.member_id is not None
    # Before all else, as the receipt does: a withdrawal under way is waited for.
    locked = select(Member.status, Member.language).where(Member.id == fact.member_id)
    member = session.execute(locked.with_for_update(read=True)).one()
    dedupe_key = f"{KIND}:{fact.subject}"
    if member.status == "withdrawn":
        return
    if session.execute(select(exists().where(Message.dedupe_key == dedupe_key))).scalar_one():
        return
    store_id = fact.payload["store_id"]
    store = None if store_id is None else session.get_one(Store, store_id).name
    session.execute(
        into(Message),
        {
            "id": new_id(fact.created_at),
            "member_id": fact.member_id,
            "kind": KIND,
            "category": "service",
            "channel": INBOX,
            "dedupe_key": dedupe_key,
            "params": {**fact.payload, "store": store, "language": member.language},
            "due_at": fact.created_at,
            "created_at": now,
        },
    )


def top_up_body(params: Mapping[str, Any], language: str) -> str:
    """The top-up as a reader of that language is told it."""
    amount = yuan(params["amount_fen"])
    if params["store"] is None:
        body = say("message.top_up.by_phone", language, amount=amount)
    else:
        how = say(f"message.top_up.{params['method']}", language)
        body = say("message.top_up.body", language, store=params["store"], amount=amount, how=how)
    if params["bonus_fen"]:
        body += say("message.top_up.bonus", language, amount=yuan(params["bonus_fen"]))
    if params["points"]:
        body += say("message.top_up.points", language, points=params["points"])
    body += say("told.balance_after", language, amount=yuan(params["balance_after_fen"]))
    if params["bonus_to_come_fen"]:
        body += say("message.top_up.to_come", language, amount=yuan(params["bonus_to_come_fen"]))
    return body
