"""The relay and the review of tiers take a member's rows in the same order, whatever the fact."""

import threading
import time
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError

from app import clock, db, work
from app.facts.relay import Consumer
from app.facts.tell import tell
from app.tiers import review as tiers
from tests.conftest import rows
from tests.racing import PATIENCE_S
from tests.shop import Phone, Shop

PAYLOADS: dict[str, dict[str, Any]] = {
    "top_up_refunded": {
        "store_id": None, "amount_fen": 100, "deducted_fen": 0, "bonus_fen": 0, "points_taken": 0, "points_owed": 0,
    },
    "birthday_gift": {"points": 5},
}  # fmt: skip


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """The facts here have no refund and no gift behind them."""
    return unaudited_engine


def told(shop: Shop, kind: str) -> Phone:
    """Two facts of one member in one batch: that one, and a sale."""
    phone, now = shop.member(), clock.now()
    work.fact_relay(shop.parts).run(now=now)  # that they joined
    with db.transaction() as session:
        tiers.note(session, phone.member_id, at=now)
        tell(session, kind, subject="fact", member_id=phone.member_id, payload=PAYLOADS[kind], now=now)
    shop.earn(phone, 1)
    return phone


def blocked(engine: Engine, shop: Shop, phone: Phone) -> bool:
    """As a review does: the note's row, then, once the relay waits for it, the member's. Whether one of them failed."""
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL lock_timeout = '10s'"))
        one = {"id": phone.member_id}
        connection.execute(text("SELECT FROM tier_reviews WHERE member_id = :id FOR UPDATE"), one)
        relay = threading.Thread(target=work.fact_relay(shop.parts).run, kwargs={"now": clock.now()})
        relay.start()
        until = time.monotonic() + PATIENCE_S
        while not waiting(engine) and time.monotonic() < until:
            time.sleep(0.02)
        try:
            connection.execute(text("UPDATE members SET tier_id = tier_id WHERE id = :id"), one)
        except OperationalError:
            return True
        finally:
            connection.rollback()
            relay.join(PATIENCE_S)
    return rows(engine, "SELECT count(*) FROM facts WHERE handled_at IS NULL") != [(0,)]


def waiting(engine: Engine) -> bool:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    return rows(engine, waits) != [(0,)]


@pytest.mark.parametrize("kind", PAYLOADS)
def test_they_do_not_block_each_other(shop: Shop, engine: Engine, kind: str) -> None:
    assert not blocked(engine, shop, told(shop, kind))


@pytest.mark.long
@pytest.mark.parametrize("kind", PAYLOADS)
def test_without_the_note_first_they_do(
    shop: Shop, engine: Engine, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    noted = work._noted

    def late(consumer: Consumer) -> Consumer:
        """As it was: only sales note."""
        return consumer if consumer in (work.plan_gift, work.plan_top_up_refund) else noted(consumer)

    monkeypatch.setattr(work, "_noted", late)
    assert blocked(engine, shop, told(shop, kind))
