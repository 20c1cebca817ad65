"""Points for reaching a tier: once for each member and tier, unless the sale that brought them is void.

Written apart from the change of tier, which says that they are owed: a posting locks the member's account, a change of
tier the member, and sales and adjustments take these two in different orders.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.coupons.issue import Source
from app.ledger.post import POINTS, Cause, Posting, post
from app.ledger.take_back import take_back
from app.points.lots import ends_at
from app.points.rules import NEVER, Expiry
from app.tiers import coupons


@dataclass(frozen=True, kw_only=True)
class Gift:
    """Owed: to be given, or with `undone` to be taken back. `number` is how many the tier has brought the member.

    Until it is done the member's review is due at `look_again_at`, afterwards at `then_due_at`.
    """

    member_id: int
    tier: str
    number: int
    undone: bool
    points: int
    coupon: str | None
    lifetime_days: int | None
    look_again_at: datetime
    then_due_at: datetime | None

    @property
    def source_id(self) -> str:
        return self._source_id(self.number)

    @property
    def former(self) -> tuple[str, ...]:
        """Those of the gifts that the tier had brought before, and that were undone."""
        return tuple(map(self._source_id, range(1, self.number)))

    def _source_id(self, number: int) -> str:
        first = f"{self.member_id}:{self.tier}"
        return first if number == 1 else f"{first}:{number}"


# A gift that was undone before it was given is neither given nor taken back.
_OWED = text("""
    SELECT c.member_id, c.to_tier, c.gift_no, c.gift_points, p.definition, u.times >= c.gift_no AS undone
    FROM tier_changes c JOIN tier_plans p ON p.version = c.plan_version
    CROSS JOIN LATERAL (SELECT count(*) AS times FROM tier_changes x
        WHERE x.member_id = c.member_id AND c.to_tier = ANY(x.gifts_undone)) u
    CROSS JOIN LATERAL (SELECT c.member_id || ':' || c.to_tier
        || CASE WHEN c.gift_no > 1 THEN ':' || c.gift_no ELSE '' END AS id) s
    LEFT JOIN ledger_transactions t ON t.kind = 'tier_gift' AND t.source_type = 'member_tier'
        AND t.source_id = s.id AND t.source_line = 0
    LEFT JOIN ledger_transactions b ON b.kind = 'tier_gift_back' AND b.source_type = 'member_tier'
        AND b.source_id = s.id AND b.source_line = 0
    WHERE c.member_id = ANY(:ids) AND c.gift_points > 0 AND b.id IS NULL
        AND (u.times >= c.gift_no) = (t.id IS NOT NULL)
    ORDER BY c.member_id, c.seq""")
_LOCKED = text("SELECT due_at FROM tier_reviews WHERE member_id = :member_id FOR UPDATE")
_GAVE = text("""
    SELECT e.id FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
    WHERE t.kind = 'tier_gift' AND t.source_type = 'member_tier' AND t.source_id = :source_id
        AND e.account_id IS NOT NULL""")
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
    """What the changes of these members say and the ledger does not."""
    return [
        Gift(
            member_id=row.member_id,
            tier=row.to_tier,
            number=row.gift_no,
            undone=row.undone,
            points=row.gift_points,
            coupon=_coupon(row.definition, row.to_tier),
            lifetime_days=row.definition["gift_lifetime_days"],
            look_again_at=look_again_at,
            then_due_at=due[row.member_id],
        )
        for row in session.execute(_OWED, {"ids": list(member_ids)})
    ]


def _coupon(definition: Mapping[str, Any], tier: str) -> str | None:
    """That the plan gave with the tier; plans from before there were any do not have the word."""
    found: str | None = next(
        (level.get("gift_coupon") for level in definition["levels"] if level["code"] == tier), None
    )
    return found


def give(session: Session, gift: Gift, *, now: datetime) -> None:
    """Give it or take it back, unless it is not owed any more.

    Raises `AlreadyPosted` if even the lock did not keep two from it.
    """
    session.execute(_LOCKED, {"member_id": gift.member_id})
    due = {gift.member_id: gift.then_due_at}
    left = owed(session, [gift.member_id], due, look_again_at=gift.look_again_at)
    if gift in left:
        left.remove(gift)
        if gift.undone:
            _take_back(session, gift, now)
        else:
            _post(session, gift, now)
    if not left:
        values = {
            "member_id": gift.member_id,
            "then_due_at": gift.then_due_at,
            "look_again_at": gift.look_again_at,
        }
        session.execute(_DONE, values)


def _take_back(session: Session, gift: Gift, now: datetime) -> None:
    """What was spent of it becomes a debt; what has ended unspent is not asked for."""
    cause = Cause(
        kind="tier_gift_back",
        source_type="member_tier",
        source_id=gift.source_id,
        occurred_at=now,
        business_date=business_date(now, HOME_ZONE),
    )
    # Before the points: who uses a coupon takes it before the account.
    coupons.take_back(session, Source(kind="tier_gift", id=gift.source_id), now=now)
    entry_id = session.execute(_GAVE, {"source_id": gift.source_id}).scalar_one()
    take_back(session, cause, entry_id=entry_id, points=gift.points, lapsed=0)


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
    source = Source(kind="tier_gift", id=gift.source_id)
    coupons.give(session, gift.coupon, gift.member_id, source, former=gift.former, now=now)


def gift_ends_at(lifetime_days: int | None, day: date) -> datetime | None:
    """When a gift of that day ends: the chain's midnight after so many whole days; None: never."""
    lifetime = NEVER if lifetime_days is None else Expiry(kind="days", n=lifetime_days)
    return ends_at(lifetime, day, HOME_ZONE)
