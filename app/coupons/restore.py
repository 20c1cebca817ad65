"""A use of a coupon is taken back: the sale went back as a whole, or the redemption should not have been."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.clock import HOME_ZONE, business_date, start_of_day
from app.coupons.face import Face, face_of
from app.coupons.models import CouponEvent
from app.db import into
from app.points.lots import valid_through

#: `extended`: it had ended, and is good for some days more. Of a `recalled` or `forfeited` coupon nothing comes back.
Outcome = Literal["restored", "extended", "forfeited", "recalled"]


@dataclass(frozen=True, kw_only=True)
class CameBack:
    """What became of a coupon whose use was taken back, and until when it is good."""

    coupon_id: str
    name_zh: str
    name_en: str
    outcome: Outcome
    valid_until: datetime


@dataclass(frozen=True, kw_only=True)
class Undoing:
    """Who takes uses back: with a refund, or by hand, which forfeits nothing. No staff: the member gives up."""

    refund_id: str | None
    staff_id: int | None
    store_id: int
    now: datetime


@dataclass(frozen=True, kw_only=True)
class LockedUse:
    """A use that stands, with its coupon locked. `extended`: the coupon was given more days before. `taken_back`: the
    reward of an activity that it came with was, while it was in use."""

    redemption_id: str
    coupon_id: str
    member_id: int
    state: str
    valid_until: datetime
    extended: bool
    taken_back: bool
    face: Face


# The coupon first: that is what whoever redeems it waits for.
_LOCK = """
    SELECT r.id AS redemption_id, c.id AS coupon_id, c.member_id, c.state, c.valid_until, f.face, EXISTS (
        SELECT FROM coupon_events e WHERE e.coupon_id = c.id AND e.kind = 'extended') AS extended
    FROM coupons c JOIN coupon_redemptions r ON r.coupon_id = c.id JOIN coupon_faces f ON f.id = c.face_id
    WHERE r.{column} = :id AND r.undone_at IS NULL ORDER BY c.id FOR UPDATE OF c, r"""
_LOCK_OF_SALE, _LOCK_ONE = (text(_LOCK.format(column=column)) for column in ("sale_id", "id"))


def lock_of_sale(session: Session, sale_id: str) -> list[LockedUse]:
    """The uses of coupons in that sale, in the order in which everybody locks coupons."""
    return _uses(session, session.execute(_LOCK_OF_SALE, {"id": sale_id}).all())


def lock_use(session: Session, redemption_id: str) -> LockedUse | None:
    """That use with its coupon; None if it was taken back before."""
    uses = _uses(session, session.execute(_LOCK_ONE, {"id": redemption_id}).all())
    return uses[0] if uses else None


# By itself, once the coupons are locked: whoever takes a reward back locks them, too, so one of the two sees the other.
# A coupon that was passed on is another's own.
_REWARD_TAKEN_BACK = text("""
    SELECT c.id FROM coupons c JOIN activity_grants g ON g.id = c.source_id
    WHERE c.id = ANY(:ids) AND c.source = 'activity' AND c.member_id = c.issued_to AND g.taken_back_at IS NOT NULL""")


def _uses(session: Session, rows: Sequence[Any]) -> list[LockedUse]:
    ids = [row.coupon_id for row in rows]
    gone = set(session.execute(_REWARD_TAKEN_BACK, {"ids": ids}).scalars()) if ids else set()
    return [_use(row, taken_back=row.coupon_id in gone) for row in rows]


def _use(row: Any, *, taken_back: bool) -> LockedUse:
    return LockedUse(
        redemption_id=row.redemption_id,
        coupon_id=row.coupon_id,
        member_id=row.member_id,
        state=row.state,
        valid_until=row.valid_until,
        extended=row.extended,
        taken_back=taken_back,
        face=face_of(row.face),
    )


_GIVE_BACK = text("""
    UPDATE coupons SET restored = restored + 1, state = 'held', valid_until = :valid_until
    WHERE id = :coupon_id AND state <> 'void'""")
_UNDO = text("""
    UPDATE coupon_redemptions SET undone_at = :now, refund_id = :refund_id
    WHERE id = :redemption_id AND undone_at IS NULL""")


def take_back(session: Session, uses: Sequence[LockedUse], undoing: Undoing) -> tuple[CameBack, ...]:
    """Give each coupon the use back, as its face says.

    One that ended meanwhile is good for its `restore_days` more, whole days by the chain's calendar; once, or using
    and sending back would keep it for ever.
    """
    return tuple(_take_back(session, use, undoing) for use in uses)


def came_back(
    uses: Sequence[LockedUse], coupons: Sequence[CameBack], member_id: int | None, now: datetime
) -> dict[str, Any]:
    """What the member is told of: which they can use again, and the last day of those that are good for longer.

    Not of a card of several uses that they passed on meanwhile: its use comes back to whoever holds it now.
    """
    own = {use.coupon_id for use in uses if use.member_id == member_id}
    told = [
        {
            "name_zh": one.name_zh,
            "name_en": one.name_en,
            "through": valid_through(one.valid_until, HOME_ZONE).isoformat()
            if one.outcome == "extended"
            else None,
        }
        for one in coupons
        if one.outcome in ("restored", "extended") and one.coupon_id in own and one.valid_until > now
    ]
    return {"came_back": told} if told else {}


def _take_back(session: Session, use: LockedUse, undoing: Undoing) -> CameBack:
    outcome, valid_until = _outcome(use, undoing)
    if outcome in ("restored", "extended"):
        values = {
            "coupon_id": use.coupon_id,
            "redemption_id": use.redemption_id,
            "refund_id": undoing.refund_id,
            "valid_until": valid_until,
            "now": undoing.now,
        }
        session.execute(_GIVE_BACK, values)
        session.execute(_UNDO, values)
        kinds = ("restored", "extended") if outcome == "extended" else ("restored",)
        session.execute(into(CouponEvent), [_event(kind, use, undoing) for kind in kinds])
    return CameBack(
        coupon_id=use.coupon_id,
        name_zh=use.face.name_zh,
        name_en=use.face.name_en,
        outcome=outcome,
        valid_until=valid_until,
    )


def _outcome(use: LockedUse, undoing: Undoing) -> tuple[Outcome, datetime]:
    if use.state == "void":
        return "recalled", use.valid_until
    if use.taken_back or (use.face.forfeited and undoing.refund_id is not None):
        return "forfeited", use.valid_until
    if use.valid_until > undoing.now or use.extended or not use.face.restore_days:
        return "restored", use.valid_until
    today = business_date(undoing.now, HOME_ZONE)
    return "extended", start_of_day(today + timedelta(days=use.face.restore_days + 1), HOME_ZONE)


def _event(kind: str, use: LockedUse, undoing: Undoing) -> dict[str, Any]:
    return {
        "coupon_id": use.coupon_id,
        "kind": kind,
        "member_id": use.member_id,
        "staff_id": undoing.staff_id,
        "store_id": undoing.store_id,
        "redemption_id": use.redemption_id,
        "at": undoing.now,
    }
