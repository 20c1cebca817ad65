"""The controls: with their guards taken away, races over receipts are lost."""

from typing import Any

import pytest
from sqlalchemy import Engine, select

from app.checkout import retro_credit
from app.checkout.models import Sale
from app.staff.accounts import StaffView
from app.staff.roles import Grant
from tests.pos_api.test_retro_credit import credited_at_once, sold
from tests.shop import Shop


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def anna(shop: Shop) -> StaffView:
    return shop.person("anna", Grant("clerk", shop.store.id))


@pytest.mark.long
def test_without_locks_and_keys_one_receipt_is_credited_more_than_once(
    shop: Shop, engine: Engine, anna: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP INDEX uq_sale_credits_once")
        connection.exec_driver_sql("DROP TRIGGER sale_lines_earned_once ON sale_lines")
        connection.exec_driver_sql(
            "ALTER TABLE ledger_transactions DROP CONSTRAINT uq_ledger_transactions_cause"
        )

    def unlocked(session: Any, sale_id: str, store_id: int) -> Sale:
        return session.execute(  # type: ignore[no-any-return]
            select(Sale).where(Sale.id == sale_id, Sale.store_id == store_id)
        ).scalar_one()

    monkeypatch.setattr(retro_credit, "_locked_sale", unlocked)
    for _ in range(5):
        if credited_at_once(shop, anna, [sold(shop, amount_fen=100)] * 16).count("done") > 1:
            return
    raise AssertionError("the lock was not needed")


@pytest.mark.long
def test_without_the_lock_a_clerk_credits_more_alone_than_they_may(
    shop: Shop, anna: StaffView, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retro_credit, "one_at_a_time", lambda *_: None)
    for number in range(5):
        who = anna if number == 0 else shop.person(f"c{number}", Grant("clerk", shop.store.id))
        sales = [sold(shop, amount_fen=100) for _ in range(16)]
        if credited_at_once(shop, who, sales).count("done") > 5:
            return
    raise AssertionError("the lock was not needed")
