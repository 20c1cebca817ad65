"""After each sale the member is told what it came to, earned and spent, after each refund what went back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from app.clock import zone
from app.db import into
from app.facts.models import Fact
from app.identity.models import MemberIdentity
from app.ids import new_id
from app.members.hold import hold
from app.members.models import Member
from app.messages.consent import take
from app.messages.models import INBOX, WECHAT, Message
from app.messages.own_value import moved, spent
from app.providers.wechat.fields import fit_fields
from app.stores.models import Store
from app.texts import yuan
from app.tiers.card import card_of


@dataclass(frozen=True, kw_only=True)
class ReceiptTemplate:
    """The brand's WeChat template: its id, and which word goes into which of its fields."""

    template_id: str
    fields: Mapping[str, str]
    provider: str
    app_id: str


def plan_receipt(session: Session, fact: Fact, template: ReceiptTemplate | None, now: datetime) -> None:
    """Turn the fact of a sale into one message: by WeChat where the member allowed it, else into their inbox.

    What is to be noted besides (found by phone, say) has no field in a template: such a receipt goes to the inbox.
    """
    by_template = None if "noted" in fact.payload else template
    _plan(session, fact, "receipt", fact.payload["points_earned"], by_template, now)


def plan_refund(session: Session, fact: Fact, now: datetime) -> None:
    """The fact of a refund goes into the inbox; that of a sale without member to nobody."""
    if fact.member_id is not None:
        _plan(session, fact, "refund", fact.payload["points_taken"], None, now)


def _plan(
    session: Session, fact: Fact, kind: str, points: int, template: ReceiptTemplate | None, now: datetime
) -> None:
    """Whatever the message will say is frozen here; a credit is reserved in the same transaction. A fact that comes
    again plans nothing more, and so does one of a member who took consent back since.
    """
    assert fact.member_id is not None
    if not _wanted(session, fact.member_id):
        return
    dedupe_key = f"{kind}:{fact.subject}"
    if session.execute(select(exists().where(Message.dedupe_key == dedupe_key))).scalar_one():
        return
    params = _params(session, fact, points)
    message_id = new_id(fact.created_at)  # ids sort by time: messages keep the order of what they tell
    by_wechat = template is not None and _allowed(session, fact.member_id, template, message_id, now)
    session.execute(
        into(Message),
        {
            "id": message_id,
            "member_id": fact.member_id,
            "kind": kind,
            "category": "service",
            "channel": WECHAT if by_wechat else INBOX,
            "template_id": template.template_id if by_wechat and template else None,
            "dedupe_key": dedupe_key,
            "params": params,
            "due_at": fact.created_at,
            "created_at": now,
        },
    )


def wechat_data(params: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The message's fields as WeChat wants them. Raises `FieldInvalid`."""
    at = datetime.fromisoformat(params["at"]).astimezone(zone(params["time_zone"]))
    words = {
        "store": params["store"],
        "amount": yuan(params["amount_fen"]),
        "earned": str(params["points_earned"]),
        "points": str(params["points_after"]),
        "discount": yuan(params.get("discount_fen", 0)),
        "spent": spent(params, params["language"]),
        "time": f"{at:%Y-%m-%d %H:%M}",
    }
    return fit_fields({key: words[word] for key, word in fields.items()})


def _wanted(session: Session, member_id: int) -> bool:
    """Before all else."""
    return hold(session, member_id) != "withdrawn"


def _params(session: Session, fact: Fact, points: int) -> dict[str, Any]:
    store = session.get_one(Store, fact.payload["store_id"])
    member = session.get_one(Member, fact.member_id)
    return {
        "store": store.name,
        "time_zone": store.time_zone,
        "amount_fen": fact.payload["amount_fen"],
        "points_earned": points,
        **_held(session, fact),
        **_owing(session, fact),
        **moved(fact.payload),
        **{word: fact.payload[word] for word in ("noted", "came_back") if word in fact.payload},
        "at": fact.payload.get("sold_at", fact.created_at.isoformat()),
        "language": member.language,
    }


def _held(session: Session, fact: Fact) -> dict[str, int]:
    """A sale that earned nothing moved no points, and its fact does not know how many there are."""
    if fact.payload["points_after"] is not None:
        return {"points_after": fact.payload["points_after"], "pending": fact.payload["pending"]}
    assert fact.member_id is not None
    card = card_of(session, fact.member_id, now=fact.created_at)
    assert card is not None
    return {"points_after": card.points, "pending": card.pending}


_REPAID = text("""
    SELECT coalesce(sum(-p.amount), 0)::bigint FROM ledger_transactions t
    JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
    JOIN ledger_transactions r ON r.kind = 'repay' AND r.source_type = 'entry' AND r.source_id = e.id::text
    JOIN ledger_entries p ON p.transaction_id = r.id AND p.account_id IS NOT NULL AND p.unit = 'points'
    WHERE t.kind = 'earn' AND t.source_type = 'sale' AND t.source_id = :sale_id AND t.source_line = 0""")


def _owing(session: Session, fact: Fact) -> dict[str, int]:
    """Of a refund, what is owed for it because it was spent; of a sale, what of its points paid for such a debt."""
    if fact.kind == "sale_refunded":
        return {"owed": fact.payload.get("points_owed", 0)}
    return {"repaid": session.execute(_REPAID, {"sale_id": fact.subject}).scalar_one()}


def _allowed(
    session: Session, member_id: int, template: ReceiptTemplate, message_id: str, now: datetime
) -> bool:
    reachable = session.execute(
        select(
            exists().where(
                MemberIdentity.member_id == member_id,
                MemberIdentity.provider == template.provider,
                MemberIdentity.app_id == template.app_id,
            )
        )
    ).scalar_one()
    return reachable and take(session, member_id, template.template_id, message_id=message_id, now=now)
