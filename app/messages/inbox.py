"""The member's own list of messages inside the mini-program."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from app.db import reading, transaction
from app.errors import NotFound
from app.messages.campaign import AUTOMATION, campaign_body, campaign_title
from app.messages.campaign import KIND as CAMPAIGN
from app.messages.event import KINDS as EVENT_KINDS
from app.messages.event import event_body
from app.messages.models import InboxItem
from app.messages.own_value import sentences
from app.messages.reward import cancelled_body, recalled_body, reward_body, taken_back_body, welcome_body
from app.messages.top_up import top_up_body
from app.texts import say, yuan


@dataclass(frozen=True, kw_only=True)
class InboxMessage:
    id: str
    kind: str
    title: str
    body: str
    created_at: datetime
    read: bool


def inbox(*, member_id: int, language: str, limit: int, before: str | None) -> list[InboxMessage]:
    """Newest first, worded in the language asked for."""
    query = select(InboxItem.id, InboxItem.kind, InboxItem.params, InboxItem.created_at, InboxItem.read_at)
    query = query.where(InboxItem.member_id == member_id)
    if before is not None:
        query = query.where(InboxItem.id < before)
    with reading() as connection:
        rows = connection.execute(query.order_by(InboxItem.id.desc()).limit(limit)).all()
    return [
        InboxMessage(
            id=row.id,
            kind=row.kind,
            title=_title(row.kind, row.params, language),
            body=_body(row.kind, row.params, language),
            created_at=row.created_at,
            read=row.read_at is not None,
        )
        for row in rows
    ]


def mark_read(*, member_id: int, item_id: str, now: datetime) -> None:
    """Reading twice changes nothing. Raises `NotFound`, for other members' messages too."""
    with transaction() as session:
        mine = (InboxItem.id == item_id) & (InboxItem.member_id == member_id)
        session.execute(update(InboxItem).where(mine, InboxItem.read_at.is_(None)).values(read_at=now))
        if session.execute(select(InboxItem.id).where(mine)).one_or_none() is None:
            raise NotFound


def _title(kind: str, params: dict[str, Any], language: str) -> str:
    own = kind in (CAMPAIGN, AUTOMATION)
    return campaign_title(params, language) if own else say(f"message.{kind}.title", language)


def _body(kind: str, params: dict[str, Any], language: str) -> str:
    if kind in EVENT_KINDS:
        return event_body(kind, params, language)
    worded = _BODIES.get(kind)
    return worded(params, language) if worded else _of_sale(kind, params, language)


def _of_sale(kind: str, params: dict[str, Any], language: str) -> str:
    """Of a sale, its refund, and the refund of a top-up."""
    body = say(f"message.{kind}.body", language, **_words(params))
    for word in ("owed", "repaid"):  # not in messages of earlier versions
        if params.get(word):
            body += say(f"message.{kind}.{word}", language, **{word: params[word]})
    if params["pending"]:
        body += say(f"message.{kind}.pending", language, pending=params["pending"])
    body += sentences(kind, params, language)
    if "noted" in params:
        body += say(f"message.{kind}.{params['noted']}", language)
    if params.get("deducted_fen"):
        body += say(f"message.{kind}.deducted", language, deducted=yuan(params["deducted_fen"]))
    return body


def _gift(params: dict[str, Any], language: str) -> str:
    body = say("message.birthday_gift.body", language, points=params["points"])
    if params["valid_through"] is not None:
        body += say("message.birthday_gift.until", language, date=params["valid_through"])
    return body


def _coupons(params: dict[str, Any], language: str) -> str:
    return say(
        "message.coupons_issued.body",
        language,
        name=params[f"name_{language}"],
        count=params["count"],
        date=params["valid_through"],
    )


def _answered(_: dict[str, Any], language: str) -> str:
    return say("message.feedback_answered.body", language)


def _email_code(_: dict[str, Any], language: str) -> str:
    return say("message.email_code.body", language)


_BODIES: dict[str, Callable[[dict[str, Any], str], str]] = {
    "activity_reward": reward_body,
    AUTOMATION: campaign_body,
    "birthday_gift": _gift,
    CAMPAIGN: campaign_body,
    "coupons_issued": _coupons,
    "coupons_recalled": recalled_body,
    "email_code": _email_code,
    "feedback_answered": _answered,
    "reward_cancelled": cancelled_body,
    "reward_taken_back": taken_back_body,
    "top_up": top_up_body,
    "welcomed": welcome_body,
}


def _words(params: dict[str, Any]) -> dict[str, object]:
    return {
        "store": params["store"],
        "amount": yuan(params["amount_fen"]),
        "earned": params["points_earned"],
        "points": params["points_after"],
        "bonus": yuan(params.get("bonus_fen", 0)),
    }
