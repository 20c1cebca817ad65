"""How generous an activity may be that one person puts on alone; a more generous one waits for a second person."""

from collections.abc import Iterable
from typing import Annotated, ClassVar

from msgspec import Meta
from sqlalchemy.orm import Session

from app import policies
from app.approvals.second_person import Exceeded
from app.engagement.activity import Activity
from app.engagement.definitions import Lottery, Prize

_Most = Annotated[int, Meta(ge=0, le=1_000_000_000)]


class ActivityPolicy(policies.Policy, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one person may let an activity give alone: points at a time, and points and coupons in all; and how much an
    item of the mall may be worth beyond its price, one of them and all there are."""

    NAME: ClassVar[str] = "activities"

    alone_points_at_once: _Most = 200
    alone_points: _Most = 100_000
    alone_coupons: _Most = 1_000
    alone_item_fen: _Most = 5_000
    alone_items_fen: _Most = 500_000


def exceeded(session: Session, wanted: Activity) -> tuple[Exceeded, ...]:
    """The limits that keep one person from putting it on alone."""
    policy = policies.in_force(session, ActivityPolicy).value
    at_once = max((reward.points for reward in wanted.definition.rewards()), default=0)
    within = {
        "alone_points_at_once": at_once <= policy.alone_points_at_once,
        "alone_points": _within(_most_points(wanted), policy.alone_points),
        "alone_coupons": _within(_most_coupons(wanted), policy.alone_coupons),
    }
    return tuple(
        Exceeded(policy=policy.NAME, field=field, limit=getattr(policy, field))
        for field, is_within in within.items()
        if not is_within
    )


def _within(most: int | None, limit: int) -> bool:
    return most is not None and most <= limit


def _most_points(wanted: Activity) -> int | None:
    """The most points it can ever give; None: nobody can say. What draws cost is not taken off: chances draw free."""
    what = wanted.definition
    if isinstance(what, Lottery):
        return _of_prizes(what, ((prize, prize.reward.points) for prize in what.prizes))
    return wanted.points_most if any(reward.points for reward in what.rewards()) else 0


def _most_coupons(wanted: Activity) -> int | None:
    what = wanted.definition
    if isinstance(what, Lottery):
        return _of_prizes(what, ((prize, prize.reward.coupons) for prize in what.prizes))
    return wanted.coupons_most if any(reward.coupons for reward in what.rewards()) else 0


def _of_prizes(lottery: Lottery, each: Iterable[tuple[Prize, int]]) -> int | None:
    total = 0
    for prize, given in each:
        if given and prize.stock is None:
            return None
        total += given * (prize.stock or 0) * lottery.most_rounds
    return total
