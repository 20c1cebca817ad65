"""Who says that they want no more advertising, in the way a channel has for it."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import audit
from app.db import transaction
from app.members.models import Member
from app.members.phones import PhoneVault
from app.messages.models import SMS
from app.providers.sms import Reply

#: What members are told to answer, by us and by the operators' own rules; case, width and punctuation do not matter.
_KEYWORDS = frozenset({"TD", "T", "R", "退订", "拒收"})


def opt_out(session: Session, member_id: int, channel: str, *, source: str, now: datetime) -> None:
    """No more advertising for the member. `source` says how we know, in a word: `sms_reply`, `email_link`.

    There is one preference for all channels today, so none of them is used for advertising from now on.
    """
    changed = session.execute(
        update(Member)
        .where(Member.id == member_id, Member.marketing_opt_out.is_(False))
        .values(marketing_opt_out=True)
        .returning(Member.id)
    ).one_or_none()
    if changed is not None:
        audit.record(
            session,
            audit.Actor(type="member", id=member_id),
            "member.opt_out",
            "member",
            member_id,
            now=now,
            channel=channel,
            source=source,
        )


def apply_replies(replies: Sequence[Reply], *, phones: PhoneVault, now: datetime) -> None:
    """Opt out whoever answered with one of the keywords; whatever else phones answer, or strangers, has no effect."""
    for reply in replies:
        if _keyword(reply.text) not in _KEYWORDS:
            continue
        with transaction() as session:
            member_id = session.execute(
                select(Member.id).where(Member.phone_index == phones.index(reply.phone))
            ).scalar_one_or_none()
            if member_id is not None:
                opt_out(session, member_id, SMS, source="sms_reply", now=now)


def _keyword(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in plain if c.isalnum())
