"""Each question of the audit finds the violation it is there for: otherwise silence would mean nothing."""

import re
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import Engine, text

from app import clock
from app.checkout.decide import decide
from app.checkout.pricing import RoundingPolicy
from app.ledger.check import QUESTIONS, differences
from app.ledger.check_automations import AUTOMATION_QUESTIONS
from app.ledger.check_campaigns import CAMPAIGN_QUESTIONS
from app.ledger.check_coupon_holders import HOLDER_QUESTIONS
from app.ledger.check_coupons import COUPON_QUESTIONS
from app.ledger.check_coupons_used import COUPON_USE_QUESTIONS
from app.ledger.check_daily import DAILY_QUESTIONS
from app.ledger.check_engagement import ENGAGEMENT_QUESTIONS
from app.ledger.check_events import EVENT_QUESTIONS
from app.ledger.check_referral import REFERRAL_QUESTIONS
from app.ledger.check_rewards import REWARD_QUESTIONS
from app.ledger.check_surveys import SURVEY_QUESTIONS
from app.staff.roles import Grant
from tests.adjusting import adjusted
from tests.app.ledger.books import fen, member, move, points
from tests.app.settlement.trading import settled_trade
from tests.app.stored_value.offering import offer, set_value_policy, ticket, topped_up
from tests.queueing import Queue, allow
from tests.quoting import fill, points_pay, set_policy, taken
from tests.shop import Shop

_ACCOUNT_ENTRY = "account_id IS NOT NULL"

#: For each promise the ways to break it: statements run with triggers and foreign keys off.
VIOLATIONS: dict[str, list[str]] = {
    "what is spent or given back is owed by the stores of its lots": [
        "UPDATE ledger_allocations SET amount = amount - 1 WHERE amount = 200",
        "DELETE FROM ledger_allocations",
    ],
    "statements and what waits for the next one sum to what was spent elsewhere": [
        "UPDATE settlement_lines SET quantity = quantity + 1",
        "DELETE FROM settlement_lines",
        "DELETE FROM settled_transactions",
        "INSERT INTO settled_transactions SELECT max(id), 2 FROM ledger_transactions WHERE kind = 'spend'",
        "CREATE OR REPLACE VIEW settlement_movements AS SELECT 0::bigint AS transaction_id, current_date AS"
        " business_date, 0::bigint AS debtor_id, 0::bigint AS creditor_id, ''::varchar(16) AS unit,"
        " 0::bigint AS quantity, 0::bigint AS entry_id, 0::bigint AS amount",
    ],
    "a closed statement says what it has counted": [
        "UPDATE settlement_lines SET quantity = quantity + 1",
        "UPDATE settlement_lines SET late_quantity = late_quantity + 1",
        "UPDATE settlement_lines SET creditor_id = NULL",
        "DELETE FROM settlement_lines",
        "UPDATE settled_transactions SET settlement_id = 2",
    ],
    "a line costs what the policy of its closing says": [
        "UPDATE settlement_lines SET amount_fen = amount_fen - 1",
        "UPDATE settlement_closings SET owed_fen = owed_fen + 1",
    ],
    "statements follow each other and count the days before their end": [
        "UPDATE settlements SET from_date = from_date - 9, until_date = until_date - 9 WHERE id = 1",
        "UPDATE settlements SET state = 'draft' WHERE id = 1",
        "UPDATE settlements SET version = version + 1",
        "INSERT INTO settled_transactions SELECT max(id), 1 FROM ledger_transactions WHERE kind = 'earn'",
    ],
    "a large statement was closed by two people": [
        "ALTER TABLE settlement_closings DROP CONSTRAINT ck_settlement_closings_second_person;"
        "UPDATE settlement_closings SET alone_fen = 0",
        "UPDATE settlement_closings SET approval_id = (SELECT min(id) FROM approval_requests) WHERE settlement_id = 1",
    ],
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
    "every credit opened its lot or filled lots again": [
        "DELETE FROM ledger_lots",
        "UPDATE ledger_lots SET amount = amount + 1",
        "DELETE FROM ledger_allocations WHERE amount < 0",
    ],
    "nothing goes back that was not taken": [
        "UPDATE ledger_entries SET amount = amount * 10 WHERE transaction_id IN ("
        " SELECT id FROM ledger_transactions WHERE kind = 'restore')",
        "UPDATE ledger_allocations SET lot_id = lot_id + 1000 WHERE amount < 0",
        "UPDATE ledger_allocations SET amount = -1000 WHERE amount < 0",
    ],
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
        "ALTER TABLE approval_requests DROP CONSTRAINT ck_approval_requests_vouched;"
        "UPDATE approval_requests SET requester_proven = false, vouched_by = decided_by",
        "ALTER TABLE approval_requests DROP CONSTRAINT ck_approval_requests_vouched;"
        "UPDATE approval_requests SET requester_proven = false",
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
    "a top-up earned what its reasons and its entry say": [
        "UPDATE top_ups SET points_earned = 1",
        "UPDATE ledger_transactions SET kind = 'top_up_earn' WHERE kind = 'top_up'",
    ],
    "a refund of a top-up moved what it says, out of that top-up's own lots": [
        "UPDATE top_up_refunds SET principal_fen = principal_fen + 1, amount_fen = amount_fen + 1",
        "UPDATE top_up_refunds SET bonus_fen = bonus_fen - 1",
        "UPDATE ledger_transactions SET source_id = 'another' WHERE kind = 'top_up'",
        "DELETE FROM ledger_transactions WHERE kind = 'top_up_refund'",
    ],
    "refunds of a top-up never exceed it, and its points go with them": [
        "UPDATE top_up_refunds SET principal_fen = principal_fen + 50000, amount_fen = amount_fen + 50000",
        "UPDATE top_up_refund_points SET points = points - 1, points_taken = points_taken - 1",
        "DELETE FROM top_up_refund_points",
    ],
    "a refund of a top-up took back the points it says": [
        "UPDATE top_up_refund_points SET points_taken = points_taken - 1, points_owed = points_owed + 1",
        "DELETE FROM ledger_transactions WHERE kind = 'top_up_points_back'",
    ],
    "what WeChat Pay paid back stands as paid back": [
        "UPDATE top_up_refunds SET state = 'failed', paid_at = now(), method = 'wechat_pay', store_id = NULL,"
        " terminal_id = NULL, refund_no = NULL",
    ],
    "a large refund of a top-up was agreed to by a second person": [
        "ALTER TABLE top_up_refunds DROP CONSTRAINT ck_top_up_refunds_second_person;"
        "UPDATE top_up_refunds SET alone_fen = 0",
        "UPDATE top_up_refunds SET approval_id = (SELECT min(id) FROM approval_requests)",
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
    "the reasons of a discount sum to it": [
        "UPDATE sales SET discounts = '[]'",
        "UPDATE sales SET discount_fen = discount_fen + 1",
    ],
    "tenders come to the sale, and what earns nothing to points and bonus": [
        "UPDATE sale_tenders SET amount_fen = amount_fen + 1 WHERE kind = 'cash'",
        "UPDATE sale_lines SET excluded_fen = excluded_fen - 1 WHERE excluded_fen > 0",
    ],
    "a sale spent what its tenders say": [
        "UPDATE sale_tenders SET points = points + 1 WHERE kind = 'points'",
        "UPDATE sale_tenders SET kind = 'bonus' WHERE kind = 'principal'",
        "DELETE FROM ledger_transactions WHERE kind = 'spend'",
        "DELETE FROM sale_tenders",
    ],
    "a quoted sale is its quote": [
        "ALTER TABLE quotes DROP CONSTRAINT ck_quotes_used_once_confirmed; UPDATE quotes SET used_at = NULL",
        "UPDATE quotes SET stored_value_fen = stored_value_fen + 1",
        "UPDATE quotes SET own_fen = own_fen + 1",
        "UPDATE quotes SET priced = jsonb_set(priced, '{amount_fen}', '1')",
        "UPDATE quotes SET expires_at = created_at",
        "UPDATE sales SET priced_at = priced_at - interval '1 s'",
    ],
    "tenders that went back sum to what they say": [
        "UPDATE sale_tenders SET refunded_fen = refunded_fen - 1 WHERE refunded_fen > 0",
        "DELETE FROM refund_tenders",
    ],
    "a refund gave back what its tenders say": [
        "UPDATE refund_tenders SET amount_fen = amount_fen + 1",
        "UPDATE refund_tenders SET points = points + 1 WHERE kind = 'points'",
        "DELETE FROM ledger_transactions WHERE kind = 'restore'",
    ],
    "refunds of a line sum to what it says": [
        "UPDATE sale_lines SET refunded_fen = refunded_fen - 1 WHERE refunded_fen > 0",
        "UPDATE sale_lines SET refunded_quantity = 0",
    ],
    "refunds of a sale take back what the goods had earned": [
        "UPDATE refunds SET points = points + 2, points_owed = points_owed + 2",
        "UPDATE sale_lines SET points_earned = points_earned + 50",
    ],
    "a refund took back what it says": [
        "UPDATE refunds SET points_taken = points_taken - 1, points_owed = points_owed + 1",
        "UPDATE refunds SET amount_fen = amount_fen - 1",
        "DELETE FROM ledger_transactions WHERE kind = 'refund'",
    ],
    "a large refund was agreed to by a second person": [
        "ALTER TABLE refunds DROP CONSTRAINT ck_refunds_second_person; UPDATE refunds SET alone_fen = 0",
        "UPDATE refunds SET approval_id = (SELECT min(id) FROM approval_requests) WHERE refund_no = 'RF-1'",
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
    "a tier's gift is the one that was decided": [
        "UPDATE ledger_transactions SET kind = 'tier_gift' WHERE kind = 'earn'"
    ],
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
        "UPDATE code_uses SET step = step - 100",
        "UPDATE code_uses SET step = step + 100",
    ],
    "a sale is for the member, till and clerk of its ticket": [
        "UPDATE sales SET member_id = member_id + 1",
        "UPDATE sales SET terminal_id = terminal_id + 1",
        "UPDATE scan_tickets SET staff_id = 1",
        "UPDATE sales SET occurred_at = occurred_at + interval '30 minutes'",
    ],
    "an upload of an offline till has its sale, and no other": [
        "UPDATE offline_uploads SET points = points + 1 WHERE sale_id IS NOT NULL",
        "UPDATE offline_uploads SET terminal_id = terminal_id + 1",
        "ALTER TABLE offline_uploads DROP CONSTRAINT uq_offline_uploads_sale_id;"
        "INSERT INTO offline_uploads (terminal_id, sequence, content_hash, verdict, sale_id, points, receipt_no,"
        " amount_fen, sold_at, received_at, received_on) SELECT terminal_id, sequence + 1, content_hash, verdict,"
        " sale_id, points, receipt_no, amount_fen, sold_at, received_at, received_on FROM offline_uploads",
        "DELETE FROM sales",
    ],
    "a day's limit counts what an offline till's uploads gave": [
        "UPDATE offline_days SET points = points - 1",
        "DELETE FROM offline_days",
        "ALTER TABLE offline_days DROP CONSTRAINT ck_offline_days_within_limit; UPDATE offline_days SET most = 0",
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
        "ALTER TABLE discount_rules DISABLE TRIGGER discount_rules_append_only",
        "ALTER TABLE quotes DISABLE TRIGGER quotes_kept",
        "DROP TRIGGER sale_tenders_kept ON sale_tenders",
        "ALTER TABLE refund_tenders DISABLE TRIGGER refund_tenders_append_only",
        "ALTER TABLE top_ups DISABLE TRIGGER top_ups_end_once",
        "ALTER TABLE top_ups DROP CONSTRAINT uq_top_ups_ticket_id",
        "ALTER TABLE offline_uploads DISABLE TRIGGER offline_uploads_append_only",
        "ALTER TABLE offline_uploads DROP CONSTRAINT uq_offline_uploads_terminal_id_sequence",
        "ALTER TABLE settled_transactions DROP CONSTRAINT pk_settled_transactions",
        "DROP TRIGGER settlements_closed ON settlements",
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
    asked_back = {"refund_no": "RF-1", "reason": "returned", **shop.proof(clerk)}
    assert shop.till.post(f"/sales/{sale['id']}/refunds", asked_back).status_code == 201
    refunded_by_quote(shop, clerk.staff_no)
    settled_trade(shop.store.id, shop.open_store("S009").id, member(), one.id)
    set_value_policy(alone_top_up_fen=49_999)
    waiting = topped_up(shop, phone, offer_id=offer().id, clerk=one)
    decide(approval_id=waiting.json["approval_id"], agree=True, stores=None, staff_id=two.id, now=clock.now())
    allow()
    queue = Queue(shop, shop.till)
    # By a clock a minute ahead: of the steps until now some are used.
    assert queue.reason(queue.sold(phone, at=clock.now() + timedelta(seconds=70))) is None
    asked_back = {"amount_fen": 20_000, "principal_fen": 20_000, "refund_no": "TR-1", "reason": "unwanted"}
    back = {**asked_back, **shop.proof(clerk), "ticket": ticket(shop, phone)}
    assert shop.till.post(f"/topups/{waiting.json['id']}/refunds", back).json["state"] == "done"
    assert promises_broken(engine) == set()
    return engine


def refunded_by_quote(shop: Shop, staff_no: str) -> None:
    """A sale with a discount, paid with points, principal and cash; half of it went back."""
    points_pay()
    set_policy(RoundingPolicy, down_to_fen=10)
    phone = shop.member()
    fill(phone, points=200, principal_fen=200)
    two = {"sku": "A", "name": "A", "quantity": 2, "unit_price_fen": 508}
    ticket = shop.till.ticket(shop.code(phone))
    asked = {"ticket": ticket, "lines": [two], "points": 102, "balance_fen": 200}
    quote = shop.till.post("/quotes", asked).json
    sale = taken(shop, quote, tenders=[{"kind": "cash", "amount_fen": quote["payable_fen"]}])
    back = {
        "refund_no": "RF-2",
        "reason": "returned",
        "staff_no": staff_no,
        "lines": [{"line_no": 1, "quantity": 1}],
    }
    assert shop.till.post(f"/sales/{sale['id']}/refunds", back).status_code == 201


def promises_broken(engine: Engine) -> set[str]:
    with engine.connect() as connection:
        return {found.promise for found in differences(connection)}


def break_books(engine: Engine, statements: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statements))


def notices(engine: Engine, promise: str, statements: str) -> bool:
    """Whether the promise's question finds that; nothing of it stays."""
    with engine.connect() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(statements))
        return bool(connection.execute(text(QUESTIONS[promise])).all())


def test_every_promise_has_a_violation_to_find() -> None:
    elsewhere = (
        *AUTOMATION_QUESTIONS,
        *DAILY_QUESTIONS,
        *CAMPAIGN_QUESTIONS,
        *COUPON_QUESTIONS,
        *COUPON_USE_QUESTIONS,
        *HOLDER_QUESTIONS,
        *EVENT_QUESTIONS,
        *REWARD_QUESTIONS,
        *ENGAGEMENT_QUESTIONS,
        *REFERRAL_QUESTIONS,
        *SURVEY_QUESTIONS,
    )
    assert set(VIOLATIONS) == set(QUESTIONS) - set(elsewhere)


def test_each_broken_promise_is_found(written: Engine) -> None:
    """Broken one after the other, each in a transaction that is taken back."""
    assert [case for case in CASES if not notices(written, *case)] == []
    assert promises_broken(written) == set()


def test_every_trigger_of_the_schema_is_asked_about(engine: Engine) -> None:
    """Switched off, each is named: also the next that a migration creates."""
    ours = """
        SELECT g.tgname, c.relname FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
        WHERE NOT g.tgisinternal AND c.relnamespace = 'public'::regnamespace"""
    with engine.connect() as connection:
        triggers = connection.execute(text(ours)).all()
        for trigger in triggers:
            connection.execute(text(f"ALTER TABLE {trigger.relname} DISABLE TRIGGER {trigger.tgname}"))
        named = {found.what for found in differences(connection)}
    assert len(triggers) > 50
    assert sorted({trigger.tgname for trigger in triggers} - named) == []


def test_the_check_of_sound_books_ends_well(app: Flask, written: Engine) -> None:
    result = app.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 0
    assert result.output == f"{len(QUESTIONS)} questions, no difference\n"


def test_the_check_names_each_difference_and_fails(app: Flask, written: Engine) -> None:
    break_books(written, "UPDATE ledger_accounts SET balance = balance + 1 WHERE id = 1")
    result = app.test_cli_runner().invoke(args=["ledger", "check"])
    assert result.exit_code == 1
    held = re.search(r"a balance equals its history: 1 \((\d+) instead of (\d+)\)\n", result.output)
    assert held is not None
    assert int(held[1]) == int(held[2]) + 1
    assert f"a balance equals what its lots hold: 1 ({held[1]} instead of {held[2]})\n" in result.output
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
