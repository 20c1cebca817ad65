"""What a member chose about marketing: none by a channel, none at all, or none that is picked for them; each change is
a row with its source.

Recommendations that are made from what a person did can be switched off: Personal Information Protection Law art. 24,
E-Commerce Law art. 18, and art. 17 of the Provisions on the Administration of Algorithmic Recommendations.
"""

from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.orm import Session

from app.db import into
from app.members.models import MARKETING_CHANNELS, PERSONALISED, MarketingChoice, MarketingOptOut, Member

ALL = "all"
#: What can be refused.
SCOPES = (ALL, *MARKETING_CHANNELS, PERSONALISED)
#: By whom the choice reached us; staff are named.
Source = Literal["member", "staff", "sms_keyword", "link"]


def refused(connection: Connection | Session, member_id: int) -> frozenset[str]:
    """Which of `SCOPES` the member refuses."""
    channels = select(MarketingOptOut.channel).where(MarketingOptOut.member_id == member_id)
    none_at_all = select(Member.marketing_opt_out).where(Member.id == member_id)
    found = set(connection.execute(channels).scalars())
    return frozenset(found | {ALL} if connection.execute(none_at_all).scalar_one() else found)


def choose(
    session: Session,
    member_id: int,
    scope: str,
    *,
    opted_out: bool,
    source: Source,
    now: datetime,
    staff_id: int | None = None,
) -> bool:
    """Refuse marketing in that scope, or allow it again; False when it was so already, which is no row.

    The caller holds the member against everybody else.
    """
    if (scope in refused(session, member_id)) == opted_out:
        return False
    if scope == ALL:
        session.execute(update(Member).where(Member.id == member_id).values(marketing_opt_out=opted_out))
    elif opted_out:
        session.execute(
            into(MarketingOptOut),
            {
                "member_id": member_id,
                "channel": scope,
            },
        )
    else:
        mine = (MarketingOptOut.member_id == member_id) & (MarketingOptOut.channel == scope)
        session.execute(delete(MarketingOptOut).where(mine))
    session.execute(
        into(MarketingChoice),
        {
            "member_id": member_id,
            "channel": scope,
            "opted_out": opted_out,
            "source": source,
            "staff_id": staff_id,
            "at": now,
        },
    )
    return True
