"""Telling members what came without their doing, and what of it went: one fact for each grant, its coupons with it; of
welcome one in all.

What they are given for checking in, drawing or answering is shown to them there; its coupons are told by themselves.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE
from app.engagement.activity import Activity, one
from app.engagement.grant import Gone, Granted, grant_at_least, take_back
from app.engagement.reward import Reward
from app.facts.tell import tell
from app.points.lots import valid_through

#: The activity's names, and what it gave; last days by the chain's calendar.
Gift = dict[str, Any]

# Those of one grant are of one template, and end together.
_COUPONS = text("""
    SELECT f.face ->> 'name_zh' AS name_zh, f.face ->> 'name_en' AS name_en, c.valid_until
    FROM coupons c JOIN coupon_faces f ON f.id = c.face_id WHERE c.id = :id""")


def gift_of(session: Session, activity: Activity, granted: Granted) -> Gift | None:
    """What is to be told of a grant; None if it was nothing, or had been given before."""
    if granted.grant_id is None or granted.again:
        return None
    return {
        "name_zh": activity.name_zh,
        "name_en": activity.name_en,
        "points": granted.points,
        "points_through": _last_day(granted.points_expire_at),
        "coupon": _coupon(session, granted.coupon_ids),
        "chances": granted.chances,
    }


def give_and_tell(
    session: Session, activity: Activity, reward: Reward, *, member_id: int, source: str, now: datetime
) -> Granted:
    """Give it as `grant_at_least` does, and tell of it. Raises `ActivityUsedUp`."""
    granted = grant_at_least(
        session, activity, reward, member_id=member_id, source=source, now=now, silently=True
    )
    gift = gift_of(session, activity, granted)
    if gift is not None:
        subject = str(granted.grant_id)
        tell(session, "activity_reward", subject=subject, member_id=member_id, payload=gift, now=now)
    return granted


def take_back_and_tell(session: Session, grant_id: str, *, note: str, now: datetime) -> None:
    """Take back what was given for a purchase that was refunded, as `take_back` does, and tell of what went.

    Whose purchase it was is told to nobody: of a referral it is another member's.
    """
    gone = take_back(session, grant_id, note=note, now=now)
    if gone is not None and (gone.points or gone.coupons or gone.chances):
        payload = _lost(one(session, gone.activity_id), gone)
        tell(
            session, "reward_taken_back", subject=grant_id, member_id=gone.member_id, payload=payload, now=now
        )


def _lost(activity: Activity, gone: Gone) -> Gift:
    coupon = None
    if gone.coupons:
        first, count = gone.coupons[0], len(gone.coupons)
        coupon = {"name_zh": first.name_zh, "name_en": first.name_en, "count": count, "through": None}
    return {
        "name_zh": activity.name_zh,
        "name_en": activity.name_en,
        "points": gone.points,
        "points_through": None,
        "points_owed": gone.points_owed,
        "coupon": coupon,
        "chances": gone.chances,
    }


def tell_welcome(
    session: Session, member_id: int, public_id: str, gifts: Sequence[Gift], *, now: datetime
) -> None:
    """Of joining, and of all that it brought."""
    payload = {"gifts": list(gifts)}
    tell(session, "welcomed", subject=public_id, member_id=member_id, payload=payload, now=now)


def _coupon(session: Session, ids: Sequence[str]) -> dict[str, Any] | None:
    if not ids:
        return None
    row = session.execute(_COUPONS, {"id": ids[0]}).one()
    return {
        "name_zh": row.name_zh,
        "name_en": row.name_en,
        "count": len(ids),
        "through": _last_day(row.valid_until),
    }


def _last_day(ends: datetime | None) -> str | None:
    return None if ends is None else valid_through(ends, HOME_ZONE).isoformat()
