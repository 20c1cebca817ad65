"""Members with a phone number, bound as the product binds it."""

import uuid

from app import clock, idempotency
from app.identity.phone import Bound
from app.members.profile import bind_phone
from tests.shop import Phone, Shop


def bound(shop: Shop, phone: Phone, number: str = "+8613800138000") -> Phone:
    request = idempotency.Request(scope="test", key=uuid.uuid4().hex, hash=b"bind")
    bind_phone(
        member_id=phone.member_id,
        phone=number,
        vault=shop.parts.phones,
        request=request,
        answer=Bound(phone="masked"),
        now=clock.now(),
    )
    return phone
