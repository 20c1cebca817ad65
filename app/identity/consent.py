"""Agreeing to a newer text while signed in, and taking consent back.

Taking it back ends the member's sessions and asks for consent at the next login; what else it stops stands in
`app/withdrawal.py`. Points, balance and history stay: the law wants the books kept, and whoever agrees again finds
everything as it was. To be forgotten is another wish.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.db import transaction
from app.errors import Conflict, Unauthenticated
from app.identity.sessions import end_all
from app.members import consent
from app.members.models import Member

#: Where it was said: on the member's own page. At login it is the name of the chat app.
_SOURCE = "member_page"


class PolicyNotCurrent(Conflict):
    """The text agreed to is not the one that holds. Data: `policy_version`, the current one."""

    code = "policy_not_current"


def give(*, member_id: int, policy_version: str, current_version: str, now: datetime) -> None:
    """Agree to the current text; twice is once.

    Raises `PolicyNotCurrent`, and `Unauthenticated` when consent was taken back while this request was under way:
    that ended the session, and whoever comes back agrees at login.
    """
    if policy_version != current_version:
        raise PolicyNotCurrent(policy_version=current_version)
    with transaction() as session:
        _lock(session, member_id)
        former = consent.agreed_version(session, member_id)
        if former is None:
            raise Unauthenticated
        if former != policy_version:
            consent.agree(session, member_id, policy_version=policy_version, source=_SOURCE, now=now)


def take_back(session: Session, member_id: int, *, now: datetime) -> None:
    """Take consent back and end every session of the member; twice is once.

    The member stays locked until the transaction ends: no session, ticket or message comes to be unseen by what the
    caller stops next.
    """
    _lock(session, member_id)
    version = consent.agreed_version(session, member_id)
    if version is not None:
        consent.withdraw(session, member_id, policy_version=version, source=_SOURCE, now=now)
    end_all(session, member_id, now=now)


def _lock(session: Session, member_id: int) -> None:
    """One word of a member at a time, and none while a login is about to open a session.

    Not against rows that only refer to the member: a worker that holds one of their messages and writes it into the
    inbox would wait for us, and we for the message.
    """
    session.execute(select(Member.id).where(Member.id == member_id).with_for_update(key_share=True)).one()
