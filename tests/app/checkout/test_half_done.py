"""Whatever breaks in the middle of a sale by quote or a refund: nothing happened, or all of it."""

from collections.abc import Callable

import pytest
from sqlalchemy import Engine, text

from app import clock
from app.db import DatabaseAway
from app.staff.roles import Grant
from app.stored_value.policy import StoredValuePolicy
from tests.app.checkout.desk import Desk, desk_of, line
from tests.app.checkout.till_side import request
from tests.app.ledger.books import everything
from tests.conftest import rows
from tests.quoting import fill, points_pay, set_policy
from tests.shop import Phone, Shop

#: What a sale and a refund write, each of which breaks once.
SALE = (
    "ledger_transactions",
    "ledger_entries",
    "ledger_allocations",
    "ledger_lots",
    "sales",
    "sale_lines",
    "sale_tenders",
    "facts",
    "idempotency_keys",
)
REFUND = (
    "ledger_transactions",
    "ledger_entries",
    "ledger_allocations",
    "refunds",
    "refund_lines",
    "refund_tenders",
    "facts",
    "audit_log",
    "idempotency_keys",
)
TABLES = sorted({*SALE, *REFUND, "quotes"})

BREAK = """
    CREATE OR REPLACE FUNCTION breaks() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN {how}; RETURN NULL; END $$;
    CREATE OR REPLACE TRIGGER breaks AFTER INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION breaks()"""
MEND = "DROP TRIGGER breaks ON {table}"
RAISE = "RAISE EXCEPTION 'broken'"
#: As if an operator, or the kernel, had ended the server process under it.
END = "PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(1)"


@pytest.fixture
def desk(shop: Shop) -> Desk:
    points_pay()
    set_policy(StoredValuePolicy, confirm_above_fen=None)
    return desk_of(shop, shop.person("anna", Grant("clerk", shop.store.id)).staff_no)


@pytest.fixture
def phone(shop: Shop) -> Phone:
    phone = shop.member()
    fill(phone, points=1_000, principal_fen=1_000, bonus_fen=1_000)
    return phone


def stored(engine: Engine) -> dict[str, object]:
    """Every row that a sale or a refund may write."""
    found: dict[str, object] = dict(everything(engine))
    for table in TABLES:
        found[table] = rows(engine, f"SELECT t::text FROM {table} t ORDER BY 1")
    return found


def _run(engine: Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(text(statement))


def breaks_everywhere(engine: Engine, tables: tuple[str, ...], how: str, run: Callable[[], object]) -> None:
    before = stored(engine)
    for table in tables:
        _run(engine, BREAK.format(how=how, table=table))
        with pytest.raises((DatabaseAway, Exception), match=r"broken|database|terminat"):
            run()
        _run(engine, MEND.format(table=table))
        assert stored(engine) == before, table


def test_a_sale_that_breaks_anywhere_leaves_nothing(desk: Desk, phone: Phone, engine: Engine) -> None:
    quoted = desk.quote(phone.member_id, [line(900, 3)], clock.now(), points=100, balance_fen=500)
    breaks_everywhere(engine, SALE, RAISE, lambda: desk.sell(quoted, clock.now()))
    assert desk.sell(quoted, clock.now()).points_earned


def test_a_refund_that_breaks_anywhere_leaves_nothing(desk: Desk, phone: Phone, engine: Engine) -> None:
    quoted = desk.quote(phone.member_id, [line(900, 3)], clock.now(), points=100, balance_fen=500)
    sale = desk.sell(quoted, clock.now())
    breaks_everywhere(engine, REFUND, RAISE, lambda: desk.refund(sale.sale_id, clock.now(), {1: 1}))
    assert desk.refund(sale.sale_id, clock.now()).amount_fen == sale.amount_fen


def test_a_server_process_that_is_killed_leaves_nothing_and_the_same_key_is_good_again(
    desk: Desk, phone: Phone, engine: Engine
) -> None:
    quoted = desk.quote(phone.member_id, [line(900, 3)], clock.now(), points=100, balance_fen=500)
    key = request()
    breaks_everywhere(engine, ("sale_tenders",), END, lambda: desk.sell(quoted, clock.now(), again=key))
    sale = desk.sell(quoted, clock.now(), again=key)
    assert desk.sell(quoted, clock.now(), again=key) == sale
    again = request()
    breaks_everywhere(
        engine, ("refund_tenders",), END, lambda: desk.refund(sale.sale_id, clock.now(), again=again)
    )
    back = desk.refund(sale.sale_id, clock.now(), again=again)
    assert desk.refund(sale.sale_id, clock.now(), again=again) == back
