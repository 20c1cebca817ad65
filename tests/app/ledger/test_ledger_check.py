"""Each question of the audit finds the violation it is there for: otherwise silence would mean nothing."""

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import clock
from app.checkout.decide import decide
from app.ledger.check import QUESTIONS, differences
from app.staff.roles import Grant
from tests.adjusting import adjusted
from tests.app.ledger.books import fen, member, move, points
from tests.app.stored_value.offering import offer, set_value_policy, topped_up
from tests.shop import Shop

_ACCOUNT_ENTRY = "account_id IS NOT NULL"

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "every transaction has entries": [
        "INSERT INTO ledger_transactions (kind, source_type, source_id, occurred_at, business_date)"
        " VALUES ('adjust', 'test', 'for nothing', now(), current_date)",
    ],
    "entries of a transaction sum to zero": [
        "INSERT INTO ledger_entries (transaction_id, unit, amount, house)"
        " SELECT min(id), 'points', 1, 'test' FROM ledger_transactions",
        "UPDATE ledger_entries SET amount = amount + 1 WHERE house IS NULL",
        "DELETE FROM ledger_entries WHERE house IS NOT NULL",
    ],
    "a balance equals its history": [
        "UPDATE ledger_accounts SET balance = balance + 1",
        "UPDATE ledger_accounts SET last_seq = last_seq + 1",
        f"DELETE FROM ledger_entries WHERE {_ACCOUNT_ENTRY}",
    ],
    "history has no gap and no edited running balance": [
        f"UPDATE ledger_entries SET seq = seq + 100 WHERE {_ACCOUNT_ENTRY}",
        f"UPDATE ledger_entries SET balance_after = balance_after + 1 WHERE {_ACCOUNT_ENTRY}",
    ],
    "entries are in the unit of their account": [
        "UPDATE ledger_entries SET unit = 'bonus_fen' WHERE unit = 'points'"
    ],
    "no balance was ever below zero": [
        "ALTER TABLE ledger_entries DROP CONSTRAINT ck_ledger_entries_balance_after_not_negative;"
        f"UPDATE ledger_entries SET balance_after = -1 WHERE {_ACCOUNT_ENTRY}",
    ],
    "a balance equals what its lots hold": [
        "UPDATE ledger_lots SET remaining = remaining - 1 WHERE remaining > 0",
        "INSERT INTO ledger_lots (account_id, entry_id, amount, remaining, available_at)"
        " SELECT min(id), 999999, 5, 5, now() FROM ledger_accounts",
    ],
    "a lot lacks exactly what was allocated from it": [
        "DELETE FROM ledger_allocations",
        "UPDATE ledger_lots SET remaining = remaining - 1 WHERE remaining > 0",
    ],
    "every credit opened its lot": ["DELETE FROM ledger_lots", "UPDATE ledger_lots SET amount = amount + 1"],
    "every debit says which lots it took": [
        "UPDATE ledger_allocations SET amount = amount + 1",
        "DELETE FROM ledger_allocations",
    ],
    "principal never ends and never has to be waited for": [
        "UPDATE ledger_lots SET expires_at = now() + interval '1 day' WHERE amount = 300",
        "UPDATE ledger_lots SET available_at = available_at + interval '1 day' WHERE amount = 300",
    ],
    "a top-up stands in the books once it is credited, and not before": [
        "UPDATE top_ups SET amount_fen = amount_fen + 1",
        "UPDATE top_ups SET member_id = member_id + 1",
        "UPDATE top_ups SET state = 'closed', credited_at = NULL, method = 'wechat_pay', expires_at = now()",
        "DELETE FROM top_ups",
        "DELETE FROM ledger_transactions WHERE kind = 'top_up'",
    ],
    "a top-up gives what its offer says, while it holds": [
        "UPDATE top_ups SET points = points + 1",
        "UPDATE top_ups SET created_at = created_at - interval '1 hour'",
        "UPDATE top_up_offers SET bonus_fen = bonus_fen - 1",
        "UPDATE top_up_offers SET effective_until = effective_from",
    ],
    "a top-up that needed a second person had one": [
        "ALTER TABLE top_ups DROP CONSTRAINT ck_top_ups_waiting_has_approval;"
        "UPDATE top_ups SET state = 'waiting', credited_at = NULL",
        "UPDATE approval_requests SET state = 'rejected'",
        "UPDATE top_ups SET staff_id = staff_id + 1",
    ],
    "an adjustment moved what was asked for, once somebody could": [
        "UPDATE points_adjustments SET points = points + 1",
        "ALTER TABLE points_adjustments DROP CONSTRAINT ck_points_adjustments_second_person;"
        "UPDATE points_adjustments SET alone_points = 0",
        "DELETE FROM approval_requests",
    ],
    "whoever approved is not who asked": [
        "ALTER TABLE approval_requests DROP CONSTRAINT ck_approval_requests_two_people;"
        "UPDATE approval_requests SET requested_by = decided_by",
    ],
    "whoever owes points has none": [
        "INSERT INTO ledger_accounts (member_id, unit, balance) SELECT member_id, 'points_owed', 1 FROM ledger_accounts"
        " WHERE unit = 'points'"
    ],
    "one event never counts twice": [
        "ALTER TABLE ledger_transactions DROP CONSTRAINT uq_ledger_transactions_cause;"
        "INSERT INTO ledger_transactions (kind, source_type, source_id, source_line, occurred_at, business_date)"
        " SELECT kind, source_type, source_id, source_line, occurred_at, business_date FROM ledger_transactions",
    ],
    "a sale earned what its entry says": [
        "UPDATE sales SET points_earned = points_earned + 1",
        "DELETE FROM ledger_transactions WHERE kind = 'earn'",
    ],
    "the lines of a sale sum to it": [
        "UPDATE sale_lines SET quantity = quantity + 1",
        "UPDATE sale_lines SET points_earned = points_earned + 1",
        "DELETE FROM sale_lines",
    ],
    "refunds of a line sum to what it says": [
        "UPDATE sale_lines SET refunded_fen = refunded_fen - 1 WHERE refunded_fen > 0",
        "UPDATE sale_lines SET refunded_quantity = 0",
        "UPDATE refund_lines SET points = points - 1",
    ],
    "a refund took back what it says": [
        "UPDATE refunds SET points_taken = points_taken - 1, points_owed = points_owed + 1",
        "UPDATE refunds SET amount_fen = amount_fen - 1",
        "DELETE FROM ledger_transactions WHERE kind = 'refund'",
    ],
    "a large refund was agreed to by a second person": [
        "ALTER TABLE refunds DROP CONSTRAINT ck_refunds_second_person; UPDATE refunds SET alone_fen = 0",
        "UPDATE refunds SET approval_id = (SELECT min(id) FROM approval_requests)",
    ],
    "the reasons of a sale sum to its points": [
        "UPDATE sales SET earned = '[]'",
        "UPDATE sales SET earned = jsonb_set(earned, '{0,points}', '13')",
    ],
    "a sale names rules that were in force": [
        "UPDATE sales SET earned = jsonb_set(earned, '{0,version}', '2')",
        "UPDATE sales SET rule_id = NULL",
        "UPDATE earn_rules SET effective_from = effective_from + interval '1 hour'",
        "UPDATE earn_rules SET effective_until = effective_from",
        "INSERT INTO earn_rules (rule_no, version, name_zh, name_en, kind, applies_to, definition, priority, stacking,"
        " effective_from, created_at) SELECT rule_no, 2, '', '', kind, applies_to, definition, 0, stacking,"
        " effective_from - interval '1 hour', effective_from - interval '1 hour' FROM earn_rules",
    ],
    "a daily limit counts what was given": [
        "INSERT INTO earn_counts (member_id, business_date, rule_no, points, most)"
        " SELECT DISTINCT member_id, business_date, 1, 5, 10 FROM sales",
    ],
    "an earning has its sale": ["DELETE FROM sales"],
    "a tier's gift is the one that was decided": ["UPDATE ledger_transactions SET kind = 'tier_gift'"],
    "a transfer gives what it takes, with the same ends and stores": [
        "UPDATE ledger_transactions SET kind = 'transfer', source_line = id WHERE kind = 'earn'",
    ],
    "a tier's gift is taken back when its sale was void, and not otherwise": [
        "UPDATE ledger_transactions SET kind = 'tier_gift_back', source_line = id"
    ],
    "a birthday's gift is the one of the day's tier, to whom it had been known": [
        "UPDATE members SET birthday = DATE '1990-01-01';"
        "UPDATE ledger_transactions SET kind = 'birthday_gift', source_id = '1:2030', source_line = id",
    ],
    "an acknowledged sale has its effect": ["DELETE FROM sales"],
    "a sale for a member told the outbox": ["DELETE FROM facts", "UPDATE facts SET subject = 'another sale'"],
    "no ticket without a used code": [
        "DELETE FROM code_uses",
        "INSERT INTO scan_tickets (id, member_id, terminal_id, created_at, expires_at)"
        " SELECT 'made up', member_id, terminal_id, now(), now() FROM code_uses LIMIT 1",
    ],
    "no code was taken outside its window": [
        "UPDATE code_uses SET step = step - 5",
        "UPDATE code_uses SET step = step + 5",
    ],
    "a sale is for the member, till and clerk of its ticket": [
        "UPDATE sales SET member_id = member_id + 1",
        "UPDATE sales SET terminal_id = terminal_id + 1",
        "UPDATE sales SET staff_id = 1",
        "UPDATE sales SET occurred_at = occurred_at + interval '30 minutes'",
    ],
    "a message is sent with proof, and once": [
        "INSERT INTO messages (id, member_id, kind, category, channel, dedupe_key, params, state, due_at, created_at)"
        " VALUES ('m', 1, 'receipt', 'service', 'inbox', 'd', '{}', 'sent', now(), now())",
        "INSERT INTO messages (id, member_id, kind, category, channel, dedupe_key, params, state, due_at, created_at)"
        " VALUES ('m', 1, 'receipt', 'service', 'inbox', 'd', '{}', 'sent', now(), now());"
        "INSERT INTO message_attempts (message_id, attempt, started_at, outcome)"
        " VALUES ('m', 1, now(), 'sent'), ('m', 2, now(), 'sent')",
    ],
    "no account holds consent that was not given": [
        "INSERT INTO subscription_credits (member_id, template_id, credits) VALUES (1, 'template', 3)",
    ],
    "the guards are in place": [
        "ALTER TABLE ledger_entries DISABLE TRIGGER ledger_entries_append_only",
        "DROP TRIGGER ledger_entries_balanced ON ledger_entries",
        "ALTER TABLE code_uses DROP CONSTRAINT pk_code_uses",
        "ALTER TABLE sales DROP CONSTRAINT uq_sales_ticket_id",
        "ALTER TABLE earn_counts DROP CONSTRAINT ck_earn_counts_within_limit",
        "ALTER TABLE earn_rules DROP CONSTRAINT uq_earn_rules_rule_no_version",
        "ALTER TABLE top_ups DISABLE TRIGGER top_ups_end_once",
        "ALTER TABLE top_ups DROP CONSTRAINT uq_top_ups_ticket_id",
        "ALTER TABLE sales DROP CONSTRAINT ck_sales_amount_not_negative;"
        "ALTER TABLE sales ADD CONSTRAINT ck_sales_amount_not_negative CHECK (amount_fen >= 0) NOT VALID",
    ],
}
CASES = [(promise, statement) for promise, statements in VIOLATIONS.items() for statement in statements]


@pytest.fixture
def engine(unaudited_engine: Engine) -> Engine:
    """Books to be broken."""
    return unaudited_engine


@pytest.fixture
def written(engine: Engine, shop: Shop) -> Engine:
    """Books with a sale, a debit and a second unit in them."""
    phone = shop.member()
    shop.earn(phone, 12)
    move(points(phone.member_id, -5), at=clock.now())
    move(fen(member(), 300))
    one, two = (shop.person(f"boss-{number}", Grant("manager", shop.store.id)) for number in (1, 2))
    for amount in (100, 5_000):
        asked = adjusted(shop, phone, one.id, amount)
    assert asked.approval_id is not None
    decide(approval_id=asked.approval_id, agree=True, stores=None, staff_id=two.id, now=clock.now())
    clerk = shop.person("anna", Grant("clerk", shop.store.id))
    sale = shop.till.sell(shop.till.ticket(shop.code(phone, steps=1)), 700).json
    asked_back = {"refund_no": "RF-1", "reason": "returned", "staff_no": clerk.staff_no}
    assert shop.till.post(f"/sales/{sale['id']}/refunds", asked_back).status_code == 201
    set_value_policy(alone_top_up_fen=49_999)
    waiting = topped_up(shop, phone, offer_id=offer().id, clerk=one)
    decide(approval_id=waiting.json["approval_id"], agree=True, stores=None, staff_id=two.id, now=clock.now())
    assert promises_broken(engine) == set()
    return engine


def promises_broken(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return {found.promise for found in differences(connection)}


def break_books(engine: Engine, statements: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statements))


def test_every_promise_has_a_violation_to_find() -> None:
    assert set(VIOLATIONS) == set(QUESTIONS)


@pytest.mark.parametrize(("promise", "statements"), CASES)
def test_a_broken_promise_is_found(written: Engine, promise: str, statements: str) -> None:
    break_books(written, statements)
    assert promise in promises_broken(written)


def test_the_check_of_sound_books_ends_well(app: Flask, written: Engine) -> None:
    result = app.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 0
    assert result.output == f"{len(QUESTIONS)} questions, no difference\n"


def test_the_check_names_each_difference_and_fails(app: Flask, written: Engine) -> None:
    break_books(written, "UPDATE ledger_accounts SET balance = balance + 1 WHERE unit = 'points'")
    result = app.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 1
    assert "a balance equals its history: 1 (5208 instead of 5207)\n" in result.output
    assert "a balance equals what its lots hold: 1 (5208 instead of 5207)\n" in result.output
    assert "2 differences" in result.output


def test_the_check_changes_nothing_and_shows_a_hundred_differences_at_most(
    app: Flask, written: Engine
) -> None:
    break_books(
        written,
        "INSERT INTO ledger_transactions (kind, source_type, source_id, occurred_at, business_date)"
        " SELECT 'adjust', 'test', 'empty ' || n, now(), current_date FROM generate_series(1, 150) n",
    )
    result = app.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 1
    assert result.output.count("every transaction has entries:") == 100
    assert "150 differences" in result.output
