"""Recomputes the books from their rows. Every question answers with no row as long as its promise holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.clock import HOME_ZONE
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
from app.ledger.check_sales import SALE_QUESTIONS
from app.ledger.check_settlement import SETTLEMENT_QUESTIONS
from app.ledger.check_surveys import SURVEY_QUESTIONS
from app.ledger.check_top_ups import TOP_UP_QUESTIONS

QUESTIONS = {
    **SETTLEMENT_QUESTIONS,
    **CAMPAIGN_QUESTIONS,
    "every transaction has entries": """
        SELECT t.id::text AS what, t.kind AS detail FROM ledger_transactions t
        WHERE NOT EXISTS (SELECT FROM ledger_entries e WHERE e.transaction_id = t.id)""",
    "entries of a transaction sum to zero": """
        SELECT transaction_id::text AS what, unit || ' ' || sum(amount) AS detail FROM ledger_entries
        GROUP BY transaction_id, unit HAVING sum(amount) <> 0""",
    "a balance equals its history": """
        SELECT a.id::text AS what, a.balance || ' instead of ' || coalesce(s.total, 0) AS detail
        FROM ledger_accounts a
        LEFT JOIN (SELECT account_id, sum(amount) AS total, count(*) AS n FROM ledger_entries
                   WHERE account_id IS NOT NULL GROUP BY 1) s ON s.account_id = a.id
        WHERE a.balance <> coalesce(s.total, 0) OR a.last_seq <> coalesce(s.n, 0)""",
    "history has no gap and no edited running balance": """
        SELECT account_id::text AS what, 'seq ' || seq AS detail FROM (
            SELECT account_id, seq, balance_after, sum(amount) OVER w AS running, row_number() OVER w AS place
            FROM ledger_entries WHERE account_id IS NOT NULL
            WINDOW w AS (PARTITION BY account_id ORDER BY seq)) x
        WHERE running <> balance_after OR place <> seq""",
    "entries are in the unit of their account": """
        SELECT e.id::text AS what, e.unit AS detail FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
        WHERE a.unit <> e.unit""",
    "no balance was ever below zero": """
        SELECT id::text AS what, balance_after::text AS detail FROM ledger_entries WHERE balance_after < 0""",
    "a balance equals what its lots hold": """
        SELECT a.id::text AS what, a.balance || ' instead of ' || coalesce(l.total, 0) AS detail
        FROM ledger_accounts a
        LEFT JOIN (SELECT account_id, sum(remaining) AS total FROM ledger_lots GROUP BY 1) l ON l.account_id = a.id
        WHERE a.balance <> coalesce(l.total, 0)""",
    "a lot lacks exactly what was allocated from it": """
        SELECT l.id::text AS what, l.remaining || ' of ' || l.amount AS detail FROM ledger_lots l
        LEFT JOIN (SELECT lot_id, sum(amount) AS total FROM ledger_allocations GROUP BY 1) x ON x.lot_id = l.id
        WHERE l.amount - l.remaining <> coalesce(x.total, 0)""",
    "every credit opened its lot or filled lots again": """
        SELECT e.id::text AS what, e.amount::text AS detail FROM ledger_entries e
        LEFT JOIN ledger_lots l ON l.entry_id = e.id AND l.account_id = e.account_id
        LEFT JOIN (SELECT entry_id, sum(amount) AS total FROM ledger_allocations GROUP BY 1) x ON x.entry_id = e.id
        WHERE e.account_id IS NOT NULL AND e.amount > 0 AND coalesce(l.amount, 0) - coalesce(x.total, 0) <> e.amount""",
    "every debit says which lots it took": """
        SELECT e.id::text AS what, e.amount::text AS detail FROM ledger_entries e
        LEFT JOIN (SELECT entry_id, sum(amount) AS total FROM ledger_allocations GROUP BY 1) x ON x.entry_id = e.id
        WHERE e.account_id IS NOT NULL AND e.amount < 0 AND coalesce(x.total, 0) <> -e.amount""",
    "nothing goes back that was not taken": """
        SELECT r.id::text AS what, e.unit || ': ' || e.amount || ' of ' || coalesce(-t.amount, 0) AS detail
        FROM (SELECT reverses_id AS id, e.unit, e.account_id, sum(e.amount) AS amount FROM ledger_transactions x
            JOIN ledger_entries e ON e.transaction_id = x.id AND e.account_id IS NOT NULL
            WHERE x.kind = 'restore' GROUP BY 1, 2, 3) e
        JOIN ledger_transactions r ON r.id = e.id
        LEFT JOIN ledger_entries t ON t.transaction_id = r.id AND t.account_id = e.account_id AND t.unit = e.unit
        WHERE e.amount > coalesce(-t.amount, 0)
        UNION ALL
        SELECT x.entry_id::text, 'lot ' || x.lot_id FROM ledger_allocations x
        JOIN ledger_entries e ON e.id = x.entry_id JOIN ledger_transactions t ON t.id = e.transaction_id
        WHERE x.amount < 0 AND NOT EXISTS (SELECT FROM ledger_allocations o
            JOIN ledger_entries f ON f.id = o.entry_id
            WHERE o.lot_id = x.lot_id AND f.transaction_id = t.reverses_id AND o.amount >= -x.amount)""",
    "whoever owes points has none": """
        SELECT o.member_id::text AS what, o.balance || ' owed, ' || l.remaining || ' held' AS detail
        FROM ledger_accounts o JOIN ledger_accounts a ON a.member_id = o.member_id AND a.unit = 'points'
        JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
        JOIN ledger_entries e ON e.id = l.entry_id JOIN ledger_transactions t ON t.id = e.transaction_id
        WHERE o.unit = 'points_owed' AND o.balance > 0 AND (l.expires_at IS NULL OR l.expires_at > t.occurred_at)""",
    "one event never counts twice": """
        SELECT source_type || ' ' || source_id AS what, kind AS detail FROM ledger_transactions
        GROUP BY kind, source_type, source_id, source_line HAVING count(*) > 1""",
    # What was transferred began where it came from, perhaps by another server's clock: the next question looks at that.
    "principal never ends and never has to be waited for": """
        SELECT l.id::text AS what, coalesce(l.expires_at::text, 'from ' || l.available_at) AS detail
        FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id JOIN ledger_entries e ON e.id = l.entry_id
        JOIN ledger_transactions t ON t.id = e.transaction_id
        WHERE a.unit = 'principal_fen' AND (l.expires_at IS NOT NULL
            OR (l.available_at > t.occurred_at AND t.kind <> 'transfer'))""",
    "a transfer gives what it takes, with the same ends and stores": """
        SELECT x.transaction_id::text AS what, x.unit || ' ' || sum(x.amount) AS detail FROM (
            SELECT e.transaction_id, e.unit, l.store_id, l.available_at, l.expires_at, l.amount
            FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'transfer'
            JOIN ledger_lots l ON l.entry_id = e.id
            UNION ALL
            SELECT e.transaction_id, e.unit, l.store_id, l.available_at, l.expires_at, -x.amount
            FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'transfer'
            JOIN ledger_allocations x ON x.entry_id = e.id JOIN ledger_lots l ON l.id = x.lot_id) x
        GROUP BY x.transaction_id, x.unit, x.store_id, x.available_at, x.expires_at HAVING sum(x.amount) <> 0""",
    **TOP_UP_QUESTIONS,
    **SALE_QUESTIONS,
    "an adjustment moved what was asked for, once somebody could": """
        SELECT a.id AS what, a.points || ', moved ' || coalesce(e.amount::text, 'nothing') AS detail
        FROM points_adjustments a LEFT JOIN approval_requests r ON r.id = a.approval_id
        LEFT JOIN ledger_transactions t ON t.source_type = 'adjustment' AND t.source_id = a.id AND t.kind = 'adjust'
        LEFT JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
        WHERE coalesce(e.amount, 0) <> CASE WHEN a.approval_id IS NULL OR r.state = 'approved' THEN a.points ELSE 0 END
            OR (abs(a.points) > a.alone_points AND a.approval_id IS NULL)
            OR (a.approval_id IS NOT NULL AND r.requested_by IS DISTINCT FROM a.requested_by)""",
    "whoever approved is not who asked": """
        SELECT id AS what, kind AS detail FROM approval_requests
        WHERE state = 'approved' AND (decided_by IS NOT DISTINCT FROM requested_by
            OR (NOT requester_proven AND coalesce(vouched_by, decided_by) = decided_by))""",
    "a tier's gift is the one that was decided": """
        SELECT t.id::text AS what, t.source_id || ': ' || e.amount AS detail FROM ledger_transactions t
        JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
        LEFT JOIN ledger_accounts a ON a.id = e.account_id
        WHERE t.kind = 'tier_gift' AND NOT EXISTS (
            SELECT FROM tier_changes c WHERE c.member_id = a.member_id AND c.gift_points = e.amount
                AND t.source_id = c.member_id || ':' || c.to_tier
                    || CASE WHEN c.gift_no > 1 THEN ':' || c.gift_no ELSE '' END)""",
    "a tier's gift is taken back when its sale was void, and not otherwise": """
        SELECT t.id::text AS what, t.source_id AS detail FROM ledger_transactions t
        WHERE t.kind = 'tier_gift_back' AND NOT EXISTS (
            SELECT FROM tier_changes c JOIN ledger_transactions g ON g.kind = 'tier_gift'
                AND g.source_type = 'member_tier' AND g.source_id = t.source_id AND g.id = t.reverses_id
            WHERE t.source_id = c.member_id || ':' || c.to_tier
                    || CASE WHEN c.gift_no > 1 THEN ':' || c.gift_no ELSE '' END
                AND c.gift_points > 0 AND c.gift_no <= (SELECT count(*) FROM tier_changes x
                    WHERE x.member_id = c.member_id AND c.to_tier = ANY(x.gifts_undone)))""",
    # Seven days late at most, of a birthday that had been known for thirty (app/tiers/birthdays.py). A bound number is
    # exchanged for another and never taken away.
    "a birthday's gift is the one of the day's tier, to whom it had been known": f"""
        SELECT t.id::text AS what, t.source_id || ': ' || e.amount AS detail FROM ledger_transactions t
        JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
        JOIN ledger_accounts a ON a.id = e.account_id JOIN members m ON m.id = a.member_id
        CROSS JOIN LATERAL (SELECT (m.birthday + make_interval(years => CAST(split_part(t.source_id, ':', 2) AS integer)
            - CAST(extract(year FROM m.birthday) AS integer)))::date AS day) d
        CROSS JOIN LATERAL (SELECT CAST(d.day AS timestamp) AT TIME ZONE '{HOME_ZONE}' AS begins) b
        LEFT JOIN LATERAL (SELECT x.to_tier FROM tier_changes x
            WHERE x.member_id = m.id AND x.at <= b.begins AND x.decided_at <= t.occurred_at
            ORDER BY x.seq DESC LIMIT 1) c ON true
        WHERE t.kind = 'birthday_gift' AND m.birthday IS NOT NULL AND (
            split_part(t.source_id, ':', 1) <> m.id::text OR t.business_date NOT BETWEEN d.day AND d.day + 7
            OR m.birthday_set_at IS NULL OR m.birthday_set_at > b.begins - interval '30 days'
            OR NOT EXISTS (SELECT FROM tier_plans p CROSS JOIN LATERAL jsonb_array_elements(p.definition -> 'levels') v
                WHERE p.version = t.rule_id AND v ->> 'code' = coalesce(c.to_tier, 'normal')
                    AND (m.phone_index IS NOT NULL
                        OR NOT coalesce(CAST(p.definition ->> 'birthday_needs_phone' AS boolean), false))
                    AND CAST(v ->> 'birthday_points' AS bigint) = e.amount))""",  # noqa: S608  # a constant of our own
    "a message is sent with proof, and once": """
        SELECT m.id AS what, m.state AS detail FROM messages m
        LEFT JOIN (SELECT message_id, count(*) AS n FROM message_attempts WHERE outcome = 'sent' GROUP BY 1) a
            ON a.message_id = m.id
        WHERE (m.state = 'sent') <> (coalesce(a.n, 0) = 1) OR coalesce(a.n, 0) > 1""",
    "no account holds consent that was not given": """
        SELECT c.member_id::text AS what, c.template_id AS detail FROM subscription_credits c
        LEFT JOIN (SELECT member_id, template_id, sum(change) AS total FROM subscription_changes GROUP BY 1, 2) x
            USING (member_id, template_id)
        WHERE c.credits <> coalesce(x.total, 0)""",
    "the guards are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail FROM unnest(ARRAY['ledger_transactions_append_only',
            'ledger_entries_append_only', 'ledger_allocations_append_only', 'ledger_lots_kept', 'ledger_accounts_kept',
            'ledger_entries_balanced', 'audit_log_append_only', 'consents_append_only', 'earn_rules_append_only',
            'discount_rules_append_only',
            'subscription_changes_append_only', 'marketing_choices_append_only', 'policies_append_only',
            'points_adjustments_append_only',
            'segment_versions_append_only', 'segment_snapshots_append_only', 'snapshot_members_append_only',
            'refunds_append_only', 'refund_lines_append_only', 'refund_tenders_append_only',
            'sale_tenders_kept', 'quotes_kept', 'offline_uploads_append_only',
            'top_up_offers_append_only', 'top_ups_kept', 'top_ups_end_once', 'top_up_refunds_kept',
            'top_up_refunds_end_once', 'top_up_refund_points_append_only',
            'tier_plans_append_only', 'tier_changes_append_only',
            'settlement_closings_append_only', 'settlement_lines_append_only', 'settlement_reopenings_append_only',
            'settled_transactions_kept', 'settled_transactions_stay', 'settlements_closed']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT conname, 'constraint not valid' FROM pg_constraint WHERE NOT convalidated
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['uq_ledger_transactions_cause', 'pk_code_uses',
            'uq_sales_store_id_receipt_no', 'uq_sales_ticket_id', 'uq_ledger_entries_account_id_seq',
            'pk_idempotency_keys', 'uq_messages_dedupe_key', 'uq_earn_rules_rule_no_version',
            'uq_discount_rules_rule_no_version',
            'ck_earn_counts_within_limit', 'uq_top_ups_ticket_id', 'uq_top_ups_transaction_id',
            'uq_top_up_offers_offer_no_version', 'pk_tier_changes',
            'uq_offline_uploads_terminal_id_sequence', 'uq_offline_uploads_sale_id',
            'ck_offline_days_within_limit', 'pk_settled_transactions',
            'pk_settlement_closings', 'uq_settlement_lines_pair', 'ex_settlements_no_day_twice']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
    **DAILY_QUESTIONS,
    **COUPON_QUESTIONS,
    **COUPON_USE_QUESTIONS,
    **EVENT_QUESTIONS,
    **REWARD_QUESTIONS,
    **ENGAGEMENT_QUESTIONS,
    **REFERRAL_QUESTIONS,
    **HOLDER_QUESTIONS,
    **SURVEY_QUESTIONS,
    **AUTOMATION_QUESTIONS,
}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A promise that does not hold, the row it fails for, and how."""

    promise: str
    what: str
    detail: str


def differences(connection: Connection) -> Iterator[Difference]:
    """Ask every question, over one snapshot if the caller opened one; nothing comes out of sound books."""
    for promise, question in QUESTIONS.items():
        for row in connection.execute(text(question)):
            yield Difference(promise=promise, what=row.what, detail=row.detail)
