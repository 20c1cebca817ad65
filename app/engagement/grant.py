"""Giving a reward once for what it is given for, and taking it back.

Locks are taken in the order of the house: the member's place in the activity and their chances, coupons, the member's
accounts, and last what everybody wants: stock of coupons and the activity's budget.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from msgspec import structs
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date
from app.coupons import take_back as coupons_back
from app.coupons.issue import (
    CouponLimitReached,
    CouponNotAvailable,
    CouponsUsedUp,
    Issued,
    Source,
    issue,
)
from app.coupons.void import Voided
from app.db import Busy, into
from app.engagement import chances
from app.engagement.activity import Activity, ActivityUsedUp
from app.engagement.models import ActivityGrant
from app.engagement.reward import Reward
from app.ids import new_id
from app.ledger.post import POINTS, Cause, Posting, lock_accounts, post
from app.ledger.take_back import take_back as points_back
from app.points.lots import ends_at
from app.points.rules import NEVER, Expiry


@dataclass(frozen=True, kw_only=True)
class Granted:
    """What a member got; `again` says that they had it before, for the same source."""

    grant_id: str | None
    points: int = 0
    points_expire_at: datetime | None = None
    coupon_ids: tuple[str, ...] = ()
    chances: int = 0
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Gone:
    """What was taken from a member. Of `points` so many are `points_owed`, because they were spent; `coupons` are those
    that could still be used.
    """

    activity_id: str
    member_id: int
    points: int
    points_owed: int
    coupons: tuple[Voided, ...]
    chances: int


NOTHING = Granted(grant_id=None)
#: Why coupons may be missing while the rest can be given.
NOT_TO_BE_HAD = (CouponLimitReached, CouponNotAvailable, CouponsUsedUp)


def grant(
    session: Session,
    activity: Activity,
    reward: Reward,
    *,
    member_id: int,
    source: str,
    now: datetime,
    silently: bool = False,
) -> Granted:
    """Give it in the caller's transaction, once for each member and `source`. With `silently` nobody is told of its
    coupons here: the caller tells of all of it (told.py).

    Of two at once the second fails on `uq_activity_grants_activity_id_member_id_source`. Raises `ActivityUsedUp`,
    and what `coupons.issue` raises.
    """
    if reward.is_nothing:
        return NOTHING
    if (former := _former(session, activity.id, member_id, source)) is not None:
        return former
    grant_id = new_id(now)
    session.execute(into(ActivityGrant), [_row(grant_id, activity, reward, member_id, source, now)])
    if reward.chances:
        chances.give(session, reward.lottery, member_id, reward.chances, grant_id, now)
    issued = _issue(session, reward, member_id, grant_id, now, silently) if reward.coupons else ()
    ends = _post(session, reward, member_id, grant_id, now) if reward.points else None
    _spend_budget(session, activity.id, "points", reward.points)
    _spend_budget(session, activity.id, "coupons", reward.coupons)
    return Granted(
        grant_id=grant_id,
        points=reward.points,
        points_expire_at=ends,
        coupon_ids=tuple(coupon.coupon_id for coupon in issued),
        chances=reward.chances,
    )


_FORMER = text("""
    SELECT id, points, chances FROM activity_grants
    WHERE activity_id = :activity_id AND member_id = :member_id AND source = :source""")
_BUDGET = text("""
    UPDATE activity_budgets SET given = given + :amount
    WHERE activity_id = :activity_id AND unit = :unit AND given + :amount <= most""")
_HAS_BUDGET = text("SELECT 1 FROM activity_budgets WHERE activity_id = :activity_id AND unit = :unit")


def _former(session: Session, activity_id: str, member_id: int, source: str) -> Granted | None:
    values = {"activity_id": activity_id, "member_id": member_id, "source": source}
    row = session.execute(_FORMER, values).one_or_none()
    if row is None:
        return None
    return Granted(grant_id=row.id, points=row.points, chances=row.chances, again=True)


def _row(
    grant_id: str, activity: Activity, reward: Reward, member_id: int, source: str, now: datetime
) -> dict[str, Any]:
    return {
        "id": grant_id,
        "activity_id": activity.id,
        "activity_version": activity.version,
        "member_id": member_id,
        "source": source,
        "points": reward.points,
        "template_id": reward.coupon_template or None,
        "coupons": reward.coupons,
        "lottery_id": reward.lottery or None,
        "chances": reward.chances,
        "at": now,
    }


def _issue(
    session: Session, reward: Reward, member_id: int, grant_id: str, now: datetime, silently: bool
) -> tuple[Issued, ...]:
    try:
        return issue(
            session,
            template_id=reward.coupon_template,
            member_id=member_id,
            count=reward.coupons,
            source=_source(grant_id),
            now=now,
            silently=silently,
        )
    except IntegrityError as error:
        # The member was given another one of the template in this moment.
        raise Busy(retry_after_s=1) from error


def _source(grant_id: str) -> Source:
    return Source(kind="activity", id=grant_id)


def _post(session: Session, reward: Reward, member_id: int, grant_id: str, now: datetime) -> datetime | None:
    day = business_date(now, HOME_ZONE)
    lifetime = NEVER if reward.lifetime_days is None else Expiry(kind="days", n=reward.lifetime_days)
    ends = ends_at(lifetime, day, HOME_ZONE)
    cause = Cause(
        kind="activity",
        source_type="activity_grant",
        source_id=grant_id,
        occurred_at=now,
        business_date=day,
    )
    credit = Posting(
        member_id=member_id, unit=POINTS, amount=reward.points, house="points_gifted", expires_at=ends
    )
    post(session, cause, [credit])
    return ends


def _spend_budget(session: Session, activity_id: str, unit: str, amount: int) -> None:
    """Last: everybody whom the activity gives something waits here."""
    values = {"activity_id": activity_id, "unit": unit, "amount": amount}
    if not amount or session.execute(_BUDGET, values).rowcount:  # type: ignore[attr-defined]
        return
    if session.execute(_HAS_BUDGET, values).one_or_none() is not None:
        raise ActivityUsedUp


_STANDING = text("""
    SELECT g.id, g.activity_id, g.member_id, g.points, g.coupons, g.lottery_id, g.chances, e.id AS entry_id
    FROM activity_grants g
    LEFT JOIN ledger_transactions t ON t.kind = 'activity' AND t.source_type = 'activity_grant' AND t.source_id = g.id
        AND t.source_line = 0
    LEFT JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL AND e.amount > 0
        AND e.unit = 'points'
    WHERE g.id = :grant_id AND g.taken_back_at IS NULL FOR UPDATE OF g""")
_TAKEN_BACK = text("""
    UPDATE activity_grants SET taken_back_at = :now, coupons_kept = :coupons_kept, chances_kept = :chances_kept
    WHERE id = :grant_id""")


def take_back(session: Session, grant_id: str, *, note: str, now: datetime) -> Gone | None:
    """Take a grant back, once: points (what was spent of them is owed), coupons and chances that were not used.

    None if that was done before.
    """
    row = session.execute(_STANDING, {"grant_id": grant_id}).first()
    if row is None:
        return None
    drawable, points = 0, None
    coupons: tuple[Voided, ...] = ()
    if row.chances:
        drawable = chances.take_back(session, row.lottery_id, row.member_id, row.chances, grant_id, now)
    if row.coupons:
        coupons = coupons_back.take_back_unused(session, source=_source(grant_id), note=note, now=now)
    if row.points:
        lock_accounts(session, row.member_id)
        points = points_back(
            session, _back(grant_id, now), entry_id=row.entry_id, points=row.points, lapsed=0
        )
    kept = {"chances_kept": row.chances - drawable, "coupons_kept": row.coupons - len(coupons)}
    session.execute(_TAKEN_BACK, {"grant_id": grant_id, "now": now} | kept)
    return Gone(
        activity_id=row.activity_id,
        member_id=row.member_id,
        points=points.taken + points.owed if points else 0,
        points_owed=points.owed if points else 0,
        coupons=tuple(one for one in coupons if not one.ended),
        chances=drawable,
    )


def _back(grant_id: str, now: datetime) -> Cause:
    return Cause(
        kind="activity_back",
        source_type="activity_grant",
        source_id=grant_id,
        occurred_at=now,
        business_date=business_date(now, HOME_ZONE),
    )


def grant_at_least(
    session: Session,
    activity: Activity,
    reward: Reward,
    *,
    member_id: int,
    source: str,
    now: datetime,
    silently: bool = False,
) -> Granted:
    """The same; where its coupons are not to be had, the rest of it. Raises `ActivityUsedUp`."""
    give = partial(grant, session, activity, member_id=member_id, source=source, now=now, silently=silently)
    try:
        with session.begin_nested():
            return give(reward)
    except NOT_TO_BE_HAD:
        return give(structs.replace(reward, coupon_template="", coupons=0))
