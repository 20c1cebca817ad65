"""Who answers an SMS with the word that ends advertising by SMS."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from app.db import transaction
from app.members.models import Member
from app.members.phones import PhoneVault
from app.messages.models import SMS
from app.messages.preferences import prefer
from app.providers.sms import Reply

#: What members are told to answer, by us and by the operators' own rules; case, width and punctuation do not matter.
_KEYWORDS = frozenset({"TD", "T", "R", "退订", "拒收"})


def apply_replies(replies: Sequence[Reply], *, phones: PhoneVault, now: datetime) -> None:
    """No more marketing by SMS for whoever answered with a keyword; other answers, and strangers', have no effect."""
    for reply in replies:
        if _keyword(reply.text) not in _KEYWORDS:
            continue
        with transaction() as session:
            member_id = session.execute(
                select(Member.id).where(Member.phone_index == phones.index(reply.phone))
            ).scalar_one_or_none()
            if member_id is not None:
                prefer(session, member_id, {SMS: True}, source="sms_keyword", now=now)


def _keyword(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in plain if c.isalnum())
