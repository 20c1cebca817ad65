"""Coupons to test with: a live template, and a member who holds what it gives."""

import itertools
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from app import db
from app.coupons.face import face_of
from app.coupons.issue import Source, issue
from app.coupons.models import CouponFace, CouponStock, CouponTemplate
from app.ids import new_id

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
