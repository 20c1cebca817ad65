"""Points moved by hand, straight through the use case."""

import uuid

from app import clock, db, idempotency
from app.points.adjust import Adjusted, adjust
from tests.conftest import rows
from tests.shop import Phone, Shop


def member_no(phone: Phone) -> str:
    [(number,)] = rows(db.engine(), "SELECT member_no FROM members WHERE id = :m", m=phone.member_id)
    return str(number)


def adjusted(shop: Shop, phone: Phone, staff_id: int, points: int, *, key: str | None = None) -> Adjusted:
    request = idempotency.Request(scope=f"staff:{staff_id}", key=key or uuid.uuid4().hex, hash=b"test")
    return adjust(
        member_no=member_no(phone),
        points=points,
        reason="goodwill",
        note="late delivery",
        store_id=shop.store.id,
        staff_id=staff_id,
        request=request,
        now=clock.now(),
    )
