"""What was recorded stays: the database itself refuses to change it, whoever asks."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from app import clock
from app.checkout.decide import decide
from app.staff.roles import Grant
from tests.adjusting import adjusted
from tests.shop import Shop

REFUSED = [
    "UPDATE sales SET amount_fen = amount_fen",
    "UPDATE sales SET occurred_at = occurred_at",
    "UPDATE sales SET staff_id = 1",
    "DELETE FROM sales",
    "TRUNCATE sales CASCADE",
    # of the sale with a member: neither another one nor other points
    "UPDATE sales SET member_id = 2 WHERE member_id IS NOT NULL",
    "UPDATE sales SET points_earned = 99 WHERE member_id IS NOT NULL",
    "UPDATE sales SET earned = '[]' WHERE member_id IS NOT NULL",
    # of the one without: nothing but with a member
    "UPDATE sales SET points_earned = 99 WHERE member_id IS NULL",
    "UPDATE sale_lines SET unit_price_fen = 1",
    "UPDATE sale_lines SET name = 'x'",
    "DELETE FROM sale_lines",
    "UPDATE sale_lines SET points_earned = points_earned + 1 WHERE points_earned > 0",
    "UPDATE sale_lines SET refunded_fen = refunded_fen - 1 WHERE refunded_fen > 0",
    "UPDATE approval_requests SET details = '{}'",
    "UPDATE approval_requests SET requested_by = 2",
    "UPDATE approval_requests SET state = 'rejected'",
    "DELETE FROM approval_requests",
    "UPDATE scan_tickets SET found_by = 'phone'",
    "UPDATE shifts SET opening_fen = 0",
    "UPDATE shifts SET counted_fen = 0",
    "DELETE FROM shifts",
    "UPDATE sale_credits SET points = 0",
    "DELETE FROM sale_credits",
    "DELETE FROM phone_finds",
]


@pytest.fixture
def written(shop: Shop, engine: Engine) -> Engine:
    """Something of everything."""
    anna = shop.person("anna", Grant("clerk", shop.store.id))
    boss, other = (shop.person(name, Grant("manager", shop.store.id)) for name in ("boss", "other"))
    named = {"staff_no": anna.staff_no}
    shift = shop.till.post("/shifts", {"opening_fen": 100, **named}).json
    phone = shop.member()
    shop.till.sell(None, 500)
    his = shop.till.sell(shop.till.ticket(shop.code(phone)), 1_000).json
    back = {"refund_no": "RF", "reason": "other", "amount_fen": 100, **named}
    assert shop.till.post(f"/sales/{his['id']}/refunds", back).status_code == 201
    later = shop.till.sell(None, 1_000).json
    ticket = shop.till.post("/scans", {"code": shop.code(phone, steps=1), **named}).json["ticket"]
    credited = shop.till.post(f"/sales/{later['id']}/member", {"ticket": ticket, **named})
    assert credited.status_code == 201
    shop.till.post("/scans/by-phone", {"phone": "13800138000", **named})
    asked = adjusted(shop, phone, boss.id, 5_000)
    assert asked.approval_id is not None
    decide(approval_id=asked.approval_id, agree=True, stores=None, staff_id=other.id, now=clock.now())
    assert shop.till.post(f"/shifts/{shift['id']}/close", {"counted_fen": 1, **named}).status_code == 200
    return engine


def test_what_was_recorded_cannot_be_changed(written: Engine) -> None:
    let_through = []
    for statement in REFUSED:
        try:
            with written.begin() as connection:
                connection.execute(text(statement))
                connection.rollback()
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != "MC001":
                let_through.append(f"{statement}: {error.orig}")
        else:
            let_through.append(statement)
    assert let_through == []
