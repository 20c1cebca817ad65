"""Members who bring members, to test with."""

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert

from app import clock, db
from app.engagement.activity import Activity
from app.engagement.invites import own_code
from app.engagement.referral_join import arrived
from app.identity.models import MemberIdentity
from app.identity.sessions import open_session
from app.members.join import join
from tests.app.engagement.offering import live
from tests.conftest import rows
from tests.shop import Phone, Shop

_numbers = itertools.count(1)


def referral(**what: Any) -> Activity:
    """30 points for who invites and 20 for who comes and buys for ¥10, unless said."""
    terms = {"inviter": {"points": 30}, "newcomer": {"points": 20}, "at_least_fen": 1_000}
    return live("referral", **(terms | what))


def brought(
    shop: Shop,
    inviter: Phone,
    *,
    device: bytes | None = None,
    union: str | None = None,
    now: datetime | None = None,
) -> Phone:
    """A new member who came by that member's invite."""
    at = now or clock.now()
    code = own_code(member_id=inviter.member_id, now=at)
    with db.transaction() as session:
        member = join(session, policy_version="2026-01", source="telegram", language="zh", now=at)
        identity = {"provider": "wechat_mini", "app_id": "wx1", "subject": f"friend-{next(_numbers)}"}
        session.execute(
            insert(MemberIdentity).values(member_id=member.id, union_subject=union, created_at=at, **identity)
        )
        arrived(session, member.id, "joins", invite=code, device=device, now=at)
        token, _ = open_session(session, member.id, lifetime_days=30, now=at)
    return Phone(member.id, token, shop.app.test_client())


def states(engine: Engine) -> list[tuple[Any, ...]]:
    """State and reason of each referral, in the order in which they joined."""
    return rows(engine, "SELECT state, reason FROM referrals ORDER BY newcomer_id")
