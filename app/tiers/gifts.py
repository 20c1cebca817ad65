"""Points for reaching a tier: once for each member and tier, whatever happens in between.

Written apart from the change of tier, which says that they are owed: a posting locks the member's account, a change of
tier the member, and sales and adjustments take these two in different orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.ledger.post import POINTS, Cause, Posting, post
from app.points.lots import ends_at
from app.points.rules import NEVER, Expiry


@dataclass(frozen=True, kw_only=True)
class Gift:
    """Owed. Until it is given the member's review is due at `look_again_at`, afterwards at `then_due_at`."""

    member_id: int
    tier: str
    points: int
    lifetime_days: int | None
    look_again_at: datetime
    then_due_at: datetime | None

    @property
    def source_id(self) -> str:
        return f"{self.member_id}:{self.tier}"


_OWED = text("""
    SELECT c.member_id, c.to_tier, c.gift_points, p.definition FROM tier_changes c
    JOIN tier_plans p ON p.version = c.plan_version
    LEFT JOIN ledger_transactions t ON t.kind = 'tier_gift' AND t.source_type = 'member_tier'
        AND t.source_id = c.member_id || ':' || c.to_tier AND t.source_line = 0
    WHERE c.member_id = ANY(:ids) AND c.gift_points > 0 AND t.id IS NULL
    ORDER BY c.member_id, c.seq""")
_LOCKED = text("SELECT due_at FROM tier_reviews WHERE member_id = :member_id FOR UPDATE")
_GIVEN = text("""
    SELECT EXISTS (SELECT FROM ledger_transactions
        WHERE kind = 'tier_gift' AND source_type = 'member_tier' AND source_id = :source_id)""")
# Unless the member bought something meanwhile and is due for that.
_DONE = text("""
    UPDATE tier_reviews SET due_at = :then_due_at WHERE member_id = :member_id AND due_at = :look_again_at""")


def owed(
    session: Session,
    member_ids: Sequence[int],
    due: Mapping[int, datetime | None],
    *,
    look_again_at: datetime,
) -> list[Gift]:
    """What stands in the changes of these members and not in the ledger."""
    return [
        Gift(
            member_id=row.member_id,
            tier=row.to_tier,
            points=row.gift_points,
            lifetime_days=row.definition["gift_lifetime_days"],
            look_again_at=look_again_at,
            then_due_at=due[row.member_id],
        )
        for row in session.execute(_OWED, {"ids": list(member_ids)})
    ]


def give(session: Session, gift: Gift, *, now: datetime) -> None:
    """Post it, unless somebody else has. Raises `AlreadyPosted` if even the lock did not keep two from it."""
    session.execute(_LOCKED, {"member_id": gift.member_id})
    if not session.execute(_GIVEN, {"source_id": gift.source_id}).scalar_one():
        _post(session, gift, now)
    values = {
        "member_id": gift.member_id,
        "then_due_at": gift.then_due_at,
        "look_again_at": gift.look_again_at,
    }
    session.execute(_DONE, values)


def _post(session: Session, gift: Gift, now: datetime) -> None:
    day = business_date(now, HOME_ZONE)
    cause = Cause(
        kind="tier_gift",
        source_type="member_tier",
        source_id=gift.source_id,
        occurred_at=now,
        business_date=day,
    )
    credit = Posting(
        member_id=gift.member_id,
        unit=POINTS,
        amount=gift.points,
        house="points_gifted",
        expires_at=gift_ends_at(gift.lifetime_days, day),
    )
    post(session, cause, [credit])


def gift_ends_at(lifetime_days: int | None, day: date) -> datetime | None:
    """When a gift of that day ends: the chain's midnight after so many whole days; None: never."""
    lifetime = NEVER if lifetime_days is None else Expiry(kind="days", n=lifetime_days)
    return ends_at(lifetime, day, HOME_ZONE)
