"""Each question about daily life at the till finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app.ledger.check_daily import DAILY_QUESTIONS
from app.staff.roles import Grant
from tests.app.ledger.test_ledger_check import break_books, promises_broken
from tests.phones import bound
from tests.shop import Shop

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "a ticket found by phone has its look-up": [
        "DELETE FROM phone_finds",
        "UPDATE phone_finds SET member_id = NULL",
        "UPDATE scan_tickets SET staff_id = staff_id + 1",
    ],
    "every look-up of a number is in the audit log": [
        "DELETE FROM audit_log WHERE action = 'member.find_by_phone'",
        "UPDATE phone_finds SET member_id = NULL",
    ],
    "who was found by phone earned and did nothing else": [
        "INSERT INTO top_ups (id, member_id, method, state, amount_fen, bonus_fen, points, policy_version, store_id,"
        " terminal_id, ticket_id, receipt_no, created_at, credited_at) SELECT 't', member_id, 'cash', 'credited', 1, 0,"
        " 0, 1, 1, terminal_id, id, 'T-1', created_at, created_at FROM scan_tickets",
        "UPDATE ledger_transactions SET kind = 'spend'",
    ],
    "the till's guards are in place": [
        "DROP TRIGGER scan_tickets_kept ON scan_tickets",
        "ALTER TABLE phone_finds DISABLE TRIGGER phone_finds_append_only",
        "ALTER TABLE scan_tickets DROP CONSTRAINT ck_scan_tickets_by_phone_has_clerk",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """A day on which somebody was found by phone and bought something."""
    anna = shop.person("anna", Grant("clerk", shop.store.id))
    bound(shop, shop.member("陈一"))
    named = {"staff_no": anna.staff_no}
    found = shop.till.post("/scans/by-phone", {"phone": "13800138000", **named})
    bought = {"ticket": found.json["ticket"], "receipt_no": "R-1", "amount_fen": 1_000, **named}
    assert shop.till.post("/sales", bought).status_code == 201
    assert promises_broken(engine) == set()
    return engine


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(DAILY_QUESTIONS)


@pytest.mark.parametrize(("promise", "statements"), CASES)
def test_a_broken_promise_is_found(written: Engine, promise: str, statements: str) -> None:
    break_books(written, statements)
    assert promise in promises_broken(written)
