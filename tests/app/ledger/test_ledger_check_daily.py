"""Each question about daily life at the till finds the violation it is there for."""

import pytest
from sqlalchemy import Engine

from app import clock
from app.checkout.decide import decide
from app.ledger.check_daily import DAILY_QUESTIONS
from app.staff.roles import Grant
from tests.app.ledger.test_ledger_check import notices, promises_broken
from tests.app.stored_value.offering import ticket
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
        " 0, 1, 1, terminal_id, id, 'T-2', created_at, created_at FROM scan_tickets WHERE found_by = 'phone'",
        "UPDATE ledger_transactions SET kind = 'spend'",
    ],
    "a receipt that was credited afterwards became the member's, once": [
        "UPDATE sale_credits SET member_id = member_id + 1",
        "UPDATE sale_credits SET points = points + 1",
        "UPDATE sale_lines SET uncredited_fen = 0",
        "UPDATE sales SET member_id = NULL WHERE ticket_id IS NULL",
        "DELETE FROM sale_credits",
        "DROP INDEX uq_sale_credits_once; INSERT INTO sale_credits SELECT 'x', sale_id, member_id, store_id,"
        " terminal_id, staff_id, 'other', state, amount_fen, points, alone_fen, alone_a_day, 'other', created_at,"
        " credited_at FROM sale_credits WHERE state = 'credited' LIMIT 1",
    ],
    "a receipt beyond what a clerk may credit alone had a second person": [
        "ALTER TABLE sale_credits DROP CONSTRAINT ck_sale_credits_second_person; UPDATE sale_credits SET alone_fen = 0",
        "UPDATE sale_credits SET alone_a_day = 0",
        "UPDATE approval_requests SET state = 'rejected'",
        "DELETE FROM approval_requests",
        "UPDATE approval_requests SET requested_by = 99",
    ],
    "a closed shift says what went through its till": [
        "UPDATE shifts SET totals = jsonb_set(totals, '{sales}', '99')",
        "UPDATE shifts SET totals = jsonb_set(totals, '{sales_fen}', '999999')",
        "UPDATE shifts SET totals = jsonb_set(totals, '{refunds}', '9')",
        "UPDATE shifts SET totals = totals - 'refunds_fen'",
        "UPDATE sales SET amount_fen = amount_fen - 1",
        "UPDATE shifts SET totals = jsonb_set(totals, '{sales}', '2')",
    ],
    "what a drawer should hold follows from its shift": [
        "UPDATE shifts SET expected_fen = expected_fen + 1",
        "UPDATE shifts SET opening_fen = opening_fen + 1",
        "UPDATE shifts SET totals = jsonb_set(totals, '{top_ups,0,amount_fen}', '7')",
    ],
    "shifts of a till follow one another": [
        "DROP INDEX uq_shifts_one_open; UPDATE shifts SET closed_at = NULL, closed_by = NULL, until_id = NULL,"
        " counted_fen = NULL, expected_fen = NULL, totals = NULL",
        "UPDATE shifts SET closed_at = closed_at + interval '1 hour' WHERE closed_at IS NOT NULL",
    ],
    "the till's guards are in place": [
        "ALTER TABLE shifts DISABLE TRIGGER shifts_close_once",
        "DROP INDEX uq_shifts_one_open",
        "ALTER TABLE sales DISABLE TRIGGER sales_member_once",
        "DROP INDEX uq_sale_credits_once",
        "DROP TRIGGER scan_tickets_kept ON scan_tickets",
        "ALTER TABLE phone_finds DISABLE TRIGGER phone_finds_append_only",
        "DROP TRIGGER approval_requests_vouched_once ON approval_requests",
        "ALTER TABLE approval_requests DROP CONSTRAINT ck_approval_requests_vouched",
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
    """A day at a till: somebody found by phone, receipts credited, a top-up, a drawer counted."""
    anna = shop.person("anna", Grant("clerk", shop.store.id))
    phone = bound(shop, shop.member("陈一"))
    named = {"staff_no": anna.staff_no}
    shift = shop.till.post("/shifts", {"opening_fen": 20_000, **named}).json
    found = shop.till.post("/scans/by-phone", {"phone": "13800138000", **named})
    bought = {"ticket": found.json["ticket"], "receipt_no": "R-1", "amount_fen": 1_000, **named}
    assert shop.till.post("/sales", bought).status_code == 201
    boss = shop.person("boss", Grant("manager", shop.store.id))
    later = shop.member()
    for amount_fen in (1_000, 60_000):
        sale = shop.till.sell(None, amount_fen).json
        back = {"refund_no": f"RF-{amount_fen}", "reason": "returned", "amount_fen": 100, **shop.proof(anna)}
        assert shop.till.post(f"/sales/{sale['id']}/refunds", back).status_code == 201
        credit = {"ticket": ticket(shop, later, clerk=anna), **shop.proof(anna)}
        credited = shop.till.post(f"/sales/{sale['id']}/member", credit)
        assert credited.status_code == 201, credited.json
    decide(
        approval_id=credited.json["approval_id"], agree=True, stores=None, staff_id=boss.id, now=clock.now()
    )
    topped = {"ticket": ticket(shop, phone), "amount_fen": 5_000, "method": "cash", "receipt_no": "T-1"}
    assert shop.till.post("/topups", topped).status_code == 201
    closed = shop.till.post(f"/shifts/{shift['id']}/close", {"counted_fen": 25_000, **named}).json
    assert (closed["difference_fen"], closed["totals"]["sales"], closed["totals"]["refunds"]) == (0, 3, 2)
    assert shop.till.post("/shifts", {"opening_fen": 25_000, **named}).status_code == 201
    assert promises_broken(engine) == set()
    return engine


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(DAILY_QUESTIONS)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()
