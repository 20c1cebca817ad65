"""Guards taken away, each with the constraint that says the same again: a race that still goes well proves nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from app import idempotency
from app.checkout import record, record_statement
from app.coupons import redeem as redeeming
from app.coupons import void as voiding
from app.engagement import lottery_draw
from app.engagement.events import seats
from app.engagement.rewards import stock

Patch = pytest.MonkeyPatch


def without(engine: Engine, table: str, *constraints: str) -> None:
    with engine.begin() as connection:
        for constraint in constraints:
            connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {constraint}"))


def coupon_stock(engine: Engine, _: Patch) -> None:
    """A claim writes without looking again: the constraint is the guard."""
    without(engine, "coupon_stock", "ck_coupon_stock_never_over")


def coupons_each(engine: Engine, _: Patch) -> None:
    without(engine, "coupons", "uq_coupons_template_id_issued_to_nth")


def keys_of_claims(engine: Engine, patch: Patch) -> None:
    """A twin would meet the member's next number as well."""
    coupons_each(engine, patch)
    without(engine, "idempotency_keys", "pk_idempotency_keys")


def keys(engine: Engine, patch: Patch) -> None:
    """No request waits for its twin."""
    patch.setattr(idempotency, "claim", lambda *_: None)
    without(engine, "idempotency_keys", "pk_idempotency_keys")


def coupon_uses(engine: Engine, patch: Patch) -> None:
    """No condition but the coupon's id."""
    for module, name in ((record_statement, "_REDEEMED"), (redeeming, "_USE")):
        statement = str(getattr(module, name))
        for guard in ("AND state = 'held'", "AND valid_until > %(now)s", "AND valid_until > :now"):
            statement = statement.replace(guard, "")
        patch.setattr(module, name, statement if name == "_REDEEMED" else text(statement))
    # As it is built, not as it was kept.
    patch.setattr(record, "statement_for", record_statement.statement_for.__wrapped__)
    without(engine, "coupons", "ck_coupons_used_within", "ck_coupons_used_up")
    look = redeeming.lock

    def believing(session: Session, coupon_id: str, member_id: int) -> Any:
        held, face = look(session, coupon_id, member_id)
        until = held.valid_until + timedelta(days=1)
        return replace(held, state="held", uses_left=1, valid_until=until), face

    patch.setattr(redeeming, "lock", believing)


def recalls(engine: Engine, patch: Patch) -> None:
    """Taken away whatever became of it in between, and used in the same way."""
    coupon_uses(engine, patch)
    patch.setattr(voiding, "_VOID", text(voiding._VOID.text.replace("AND c.state = 'held'", "")))


def coupon_codes(engine: Engine, _: Patch) -> None:
    without(engine, "coupon_code_uses", "pk_coupon_code_uses")


def prizes(engine: Engine, patch: Patch) -> None:
    """The stock is looked at first and taken then, as one would without thinking."""
    without(engine, "lottery_stock", "ck_lottery_stock_never_over")
    without(engine, "lottery_draws", "uq_lottery_draws_round_id_given_win_no")
    look_then_take = """
        WITH seen AS MATERIALIZED (SELECT won, pg_sleep(0.3) FROM lottery_stock
            WHERE round_id = :round_id AND prize_no = :prize_no AND won < stock)
        UPDATE lottery_stock s SET won = s.won + 1 FROM seen WHERE round_id = :round_id AND prize_no = :prize_no
        RETURNING s.won"""
    patch.setattr(lottery_draw, "_WIN", text(look_then_take))


def rewards(engine: Engine, patch: Patch) -> None:
    """As `prizes`, of what is exchanged for points."""
    without(engine, "reward_stock", "ck_reward_stock_never_over")
    look = text("SELECT taken < stock FROM reward_stock WHERE item_id = :item_id")
    taken = text("UPDATE reward_stock SET taken = taken + 1 WHERE item_id = :item_id")

    def look_then_take(_: Any, session: Any, *, item_id: str, store_id: int | None) -> None:
        if not session.execute(look, {"item_id": item_id}).scalar_one():
            raise stock.RewardUsedUp
        session.execute(text("SELECT pg_sleep(0.2)"))
        session.execute(taken, {"item_id": item_id})

    patch.setattr(stock.OwnStock, "take", look_then_take)


def event_seats(engine: Engine, patch: Patch) -> None:
    """As `prizes`, of the seats of a session."""
    without(engine, "event_sessions", "ck_event_sessions_never_over")
    free = text("SELECT taken + :seats <= seats FROM event_sessions WHERE id = :id")
    taken = text("UPDATE event_sessions SET taken = taken + :seats WHERE id = :id")

    def look_then_take(session: Any, *, session_id: str, starts_at: Any, seats: int) -> bool:
        values = {"id": session_id, "seats": seats}
        found = session.execute(free, values).scalar_one()
        session.execute(text("SELECT pg_sleep(0.2)"))
        if found:
            session.execute(taken, values)
        return bool(found)

    patch.setattr(seats, "take", look_then_take)
