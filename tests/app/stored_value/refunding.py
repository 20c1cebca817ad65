"""Refunds of top-ups for tests, asked for as a till asks."""

import uuid
from typing import Any

from app import clock, db
from app.audit import OPERATOR
from app.ledger.post import Cause
from app.policies import change, standing
from app.staff.accounts import StaffView
from app.stored_value.refund_policy import TopUpRefundPolicy
from app.stored_value.spend import Spent, spend
from tests.shop import Phone, Shop


def set_refund_policy(**value: Any) -> None:
    version = standing(TopUpRefundPolicy).version
    change(kind=TopUpRefundPolicy, value=value, version=version, actor=OPERATOR, now=clock.now())


def shown(shop: Shop, top_up_id: str, query: str = "") -> Any:
    return shop.till.get(f"/topups/{top_up_id}/refund{query}")


def refunded(
    shop: Shop, top_up_id: str, who: StaffView, amount_fen: int, *, key: str | None = None, **changes: Any
) -> Any:
    body = {
        "amount_fen": amount_fen,
        "refund_no": uuid.uuid4().hex[:20],
        "reason": "unwanted",
        "staff_no": who.staff_no,
    }
    return shop.till.post(f"/topups/{top_up_id}/refunds", body | changes, idempotency_key=key)


def used(phone: Phone, amount_fen: int) -> Spent:
    """Spent somewhere."""
    now = clock.now()
    cause = Cause(
        kind="spend",
        source_type="test",
        source_id=uuid.uuid4().hex,
        occurred_at=now,
        business_date=now.date(),
    )
    with db.transaction() as session:
        return spend(session, member_id=phone.member_id, amount_fen=amount_fen, cause=cause)
