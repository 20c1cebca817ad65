"""Refunds of top-ups for tests, asked for as a till asks."""

import uuid
from typing import Any

from app import clock, db
from app.audit import OPERATOR
from app.ledger.post import BONUS, PRINCIPAL, Cause, Posting, post
from app.policies import change, in_force, standing
from app.staff.accounts import StaffView
from app.stored_value.balance import held
from app.stored_value.policy import StoredValuePolicy
from app.stored_value.refund_policy import TopUpRefundPolicy
from app.stored_value.spend import split
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
        **shop.proof(who),
    }
    return shop.till.post(f"/topups/{top_up_id}/refunds", body | changes, idempotency_key=key)


def used(phone: Phone, amount_fen: int) -> None:
    """Spent somewhere, in the order that the policy sets. Raises `NotEnough`."""
    now, one = clock.now(), phone.member_id
    cause = Cause(
        kind="spend",
        source_type="test",
        source_id=uuid.uuid4().hex,
        occurred_at=now,
        business_date=now.date(),
    )
    with db.transaction() as session:
        db.ask(
            session,
            "SELECT id FROM ledger_accounts WHERE member_id = %(id)s ORDER BY unit FOR UPDATE",
            {"id": one},
        )
        has = held(session, one, now=now)
        order = in_force(session, StoredValuePolicy).value.spend_order
        taken = split(amount_fen, principal_fen=has.principal_fen, bonus_fen=has.bonus_fen, order=order)
        movements = (
            Posting(member_id=one, unit=PRINCIPAL, amount=-taken.principal_fen, house="principal_spent"),
            Posting(member_id=one, unit=BONUS, amount=-taken.bonus_fen, house="bonus_spent"),
        )
        post(session, cause, [movement for movement in movements if movement.amount])
