"""The till as the stories see it, for tests that choose the time themselves."""

import uuid
from datetime import datetime

from app import idempotency
from app.checkout.bill import Bill, Line
from app.checkout.record import Recorded
from app.checkout.sale import record_sale
from app.checkout.scan import Scanned, scan
from app.stores.tills import Till, till_of_key
from app.throttle import Throttle
from tests.shop import Shop, TillClient


def till_of(client: TillClient) -> Till:
    return till_of_key(client.key)


def request(key: str | None = None, content: bytes = b"same") -> idempotency.Request:
    return idempotency.Request(scope="test", key=key or uuid.uuid4().hex, hash=content)


def scan_at(
    shop: Shop,
    till: Till,
    code: str,
    now: datetime,
    *,
    key: str | None = None,
    throttle: Throttle | None = None,
) -> Scanned:
    return scan(
        till=till,
        code=code,
        request=request(key),
        issuer=shop.parts.issuer,
        throttle=throttle or shop.parts.throttle,
        now=now,
    )


def sell_at(
    till: Till,
    ticket: str | None,
    amount_fen: int,
    now: datetime,
    *,
    receipt_no: str | None = None,
    lines: list[Line] | None = None,
) -> Recorded:
    bill = Bill(receipt_no=receipt_no or uuid.uuid4().hex[:20], amount_fen=amount_fen, lines=lines or [])
    return record_sale(till=till, ticket=ticket, bill=bill, request=request(), now=now)
