"""Coupons to test with: a live template, a member who holds what it gives, and what becomes of it afterwards.

Each change is the product's own verb, so that its history tells of it and the books stay sound.
"""

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from app import clock, db, idempotency
from app.coupons import transfer
from app.coupons.face import face_of
from app.coupons.issue import Source, issue
from app.coupons.models import CouponFace, CouponStock, CouponTemplate
from app.coupons.redeem import CouponNotRedeemable, Place, redeem
from app.coupons.void import void
from app.ids import new_id
from tests.shop import Shop

_sources = itertools.count(1)
TEN_OFF: dict[str, Any] = {
    "name_zh": "十元券",
    "name_en": "¥10 off",
    "effect": {"kind": "amount", "off_fen": 1_000},
    "validity": {"kind": "days", "days": 30},
}


def live_template(
    now: datetime, *, stock: int | None = None, terms: dict[str, Any] | None = None, **face: Any
) -> str:
    """The id of a template whose coupons can be had; `face` changes what they promise, `terms` who may have them."""
    template_id = new_id(now)
    promised = TEN_OFF | face
    face_of(promised)
    with db.transaction() as session:
        session.execute(
            insert(CouponTemplate).values(
                id=template_id,
                version=1,
                face_version=1,
                created_at=now,
                **{"state": "live", "per_clerk_a_day": 0, "in_centre": False} | (terms or {}),
            )
        )
        session.execute(
            insert(CouponFace).values(template_id=template_id, version=1, face=promised, created_at=now)
        )
        if stock is not None:
            session.execute(insert(CouponStock).values(template_id=template_id, stock=stock))
    return template_id


def give(template_id: str, member_id: int, now: datetime, count: int = 1) -> list[str]:
    """The ids of so many new coupons of the member."""
    source = Source(kind="grant", id=f"test-{next(_sources)}")
    with db.transaction() as session:
        issued = issue(
            session, template_id=template_id, member_id=member_id, count=count, source=source, now=now
        )
    return [one.coupon_id for one in issued]


def use(shop: Shop, coupon_id: str, member_id: int, now: datetime | None = None) -> bool:
    """A use by itself at the shop's till; False when it is too late, or the coupon is somebody else's."""
    at = now or clock.now()
    day = clock.business_date(at, shop.store.time_zone)
    place = Place(store_id=shop.store.id, terminal_id=1, staff_id=None, business_date=day, now=at)
    try:
        with db.transaction() as session:
            redeem(session, coupon_id=coupon_id, member_id=member_id, place=place)
    except CouponNotRedeemable:
        return False
    return True


def recall(*coupon_ids: str) -> int:
    """How many of them were held, and are taken away now."""
    with db.transaction() as session:
        return len(void(session, coupon_ids, note="of a test", staff_id=None, now=clock.now()))


def pass_on(shop: Shop, coupon_id: str, member_id: int, friend_id: int) -> None:
    """The member offers it, the friend takes it."""
    given: dict[str, Any] = {"throttle": shop.parts.throttle, "now": clock.now()}
    link = transfer.offer(member_id=member_id, coupon_id=coupon_id, **given)
    request = idempotency.Request(scope=f"member:{friend_id}", key=coupon_id, hash=b"h" * 32)
    transfer.take(member_id=friend_id, secret=link.secret, request=request, **given)
