"""Passing a coupon on: its holder makes a link, whoever opens it first and is not the holder takes the coupon over.

Only the hash of the link's secret is kept. Making another link, taking it back, and taking the coupon end it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text, update
from sqlalchemy.orm import Session

from app import idempotency
from app.coupons.faces import these_faces
from app.coupons.models import Coupon, CouponEvent
from app.db import into, transaction
from app.errors import Conflict, Gone, NotFound
from app.ids import new_secret
from app.throttle import Limit, Throttle

OFFER_LIFE = timedelta(hours=24)
_DAY_S = 24 * 60 * 60
#: Against members who gather coupons through many accounts: what one may offer, and try to take, in a day.
OFFERS = Limit("coupon_offers", 30, _DAY_S)
TAKES = Limit("coupon_takes", 20, _DAY_S)


class CouponNotTransferable(Conflict):
    """It may not be passed on, or there is nothing left to pass on."""

    code = "coupon_not_transferable"


class CouponOfferOver(Gone):
    """There is no such offer: the coupon was taken, used or offered anew, or the link's time is over."""

    code = "coupon_offer_over"


class CouponOfferOwn(Conflict):
    """The member holds the coupon already."""

    code = "coupon_offer_own"


@dataclass(frozen=True, kw_only=True)
class Offered:
    """`secret` stands for the coupon until `expires_at`; nobody can be told it again."""

    secret: str
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class Taken:
    coupon_id: str
    name_zh: str
    name_en: str
    valid_from: datetime
    valid_until: datetime


_MINE = text("""
    SELECT face_id FROM coupons WHERE id = :id AND member_id = :member_id AND state = 'held' AND valid_until > :now
    FOR UPDATE""")
_ANY = text("SELECT state FROM coupons WHERE id = :id AND member_id = :member_id")


def offer(*, member_id: int, coupon_id: str, throttle: Throttle, now: datetime) -> Offered:
    """A link for the coupon; the one before is void. Raises `NotFound`, `CouponNotTransferable`, `TooMany`."""
    throttle.hit(OFFERS, member_id)
    secret, until = new_secret(), now + OFFER_LIFE
    with transaction() as session:
        wanted = {"id": coupon_id, "member_id": member_id, "now": now}
        row = session.execute(_MINE, wanted).one_or_none()
        if row is None:
            raise NotFound if session.execute(_ANY, wanted).one_or_none() is None else CouponNotTransferable
        if not these_faces(session, [row.face_id])[row.face_id].transferable:
            raise CouponNotTransferable
        changed = update(Coupon).where(Coupon.id == coupon_id)
        session.execute(changed.values(offer_hash=hash_of(secret), offer_until=until))
        _note(session, coupon_id, "offered", member_id, now)
    return Offered(secret=secret, expires_at=until)


def withdraw(*, member_id: int, coupon_id: str) -> None:
    """The coupon's link is void; having none is no fault. Raises `NotFound`."""
    mine = (Coupon.id == coupon_id) & (Coupon.member_id == member_id)
    with transaction() as session:
        changed = session.execute(update(Coupon).where(mine).values(offer_hash=None, offer_until=None))
        if not changed.rowcount:  # type: ignore[attr-defined]
            raise NotFound


# One guarded update: of many friends with one link, and of a friend and a till that uses the coupon, one comes first.
_TAKE = text("""
    UPDATE coupons SET member_id = :member_id, offer_hash = NULL, offer_until = NULL
    WHERE offer_hash = :hash AND offer_until > :now AND state = 'held' AND valid_until > :now
        AND member_id <> :member_id
    RETURNING id, face_id, valid_from, valid_until""")
_OWN = text("SELECT FROM coupons WHERE offer_hash = :hash AND member_id = :member_id")


def take(
    *, member_id: int, secret: str, request: idempotency.Request, throttle: Throttle, now: datetime
) -> Taken:
    """The coupon behind the secret is the member's; the same key gives the same answer again.

    What may be held is not limited, only what is issued. Raises `CouponOfferOver`, `CouponOfferOwn`, `TooMany`,
    `KeyReused`, `Busy`.
    """
    throttle.hit(TAKES, member_id)
    wanted = {"member_id": member_id, "hash": hash_of(secret), "now": now}
    with transaction() as session:
        former = idempotency.claim(session, request, Taken)
        if former is not None:
            return former
        row = session.execute(_TAKE, wanted).one_or_none()
        if row is None:
            raise CouponOfferOver if session.execute(_OWN, wanted).one_or_none() is None else CouponOfferOwn
        taken = _taken(session, row)
        _note(session, taken.coupon_id, "transferred", member_id, now)
        idempotency.remember(session, request, taken, now)
        return taken


def hash_of(secret: str) -> str:
    """256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _taken(session: Session, row: Any) -> Taken:
    face = these_faces(session, [row.face_id])[row.face_id]
    return Taken(
        coupon_id=row.id,
        name_zh=face.name_zh,
        name_en=face.name_en,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )


def _note(session: Session, coupon_id: str, kind: str, member_id: int, now: datetime) -> None:
    session.execute(
        into(CouponEvent),
        {
            "coupon_id": coupon_id,
            "kind": kind,
            "member_id": member_id,
            "at": now,
        },
    )
