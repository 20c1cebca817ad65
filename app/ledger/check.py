"""Recomputes the books from their rows. Every question answers with no row as long as its promise holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.clock import HOME_ZONE
from scan_codes import DEFAULT_WINDOW as _WINDOW
from scan_codes import STEP_S

QUESTIONS = {
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
    "every credit opened its lot": """
        SELECT e.id::text AS what, e.amount::text AS detail FROM ledger_entries e
        LEFT JOIN ledger_lots l ON l.entry_id = e.id AND l.amount = e.amount AND l.account_id = e.account_id
        WHERE e.account_id IS NOT NULL AND e.amount > 0 AND l.id IS NULL""",
    "every debit says which lots it took": """
        SELECT e.id::text AS what, e.amount::text AS detail FROM ledger_entries e
        LEFT JOIN (SELECT entry_id, sum(amount) AS total FROM ledger_allocations GROUP BY 1) x ON x.entry_id = e.id
        WHERE e.account_id IS NOT NULL AND e.amount < 0 AND coalesce(x.total, 0) <> -e.amount""",
    "whoever owes points has none": """
        SELECT o.member_id::text AS what, o.balance || ' owed, ' || l.remaining || ' held' AS detail
        FROM ledger_accounts o JOIN ledger_accounts a ON a.member_id = o.member_id AND a.unit = 'points'
        JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
        JOIN ledger_entries e ON e.id = l.entry_id JOIN ledger_transactions t ON t.id = e.transaction_id
        WHERE o.unit = 'points_owed' AND o.balance > 0 AND (l.expires_at IS NULL OR l.expires_at > t.occurred_at)""",
    "one event never counts twice": """
        SELECT source_type || ' ' || source_id AS what, kind AS detail FROM ledger_transactions
        GROUP BY kind, source_type, source_id, source_line HAVING count(*) > 1""",
    "principal never ends and never has to be waited for": """
        SELECT l.id::text AS what, coalesce(l.expires_at::text, 'from ' || l.available_at) AS detail
        FROM ledger_lots l JOIN ledger_accounts a ON a.id = l.account_id JOIN ledger_entries e ON e.id = l.entry_id
        JOIN ledger_transactions t ON t.id = e.transaction_id
        WHERE a.unit = 'principal_fen' AND (l.expires_at IS NOT NULL OR l.available_at > t.occurred_at)""",
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
    "a top-up stands in the books once it is credited, and not before": """
        SELECT coalesce(t.id, b.id) AS what, coalesce(t.state, 'no top-up') || ', booked ' || coalesce(b.principal, 0)
            || ' + ' || coalesce(b.bonus, 0) || ', points ' || coalesce(b.points, 0) AS detail
        FROM top_ups t FULL JOIN (
            SELECT x.source_id AS id, sum(e.amount) FILTER (WHERE e.unit = 'principal_fen') AS principal,
                sum(e.amount) FILTER (WHERE e.unit = 'bonus_fen') AS bonus,
                sum(e.amount) FILTER (WHERE e.unit = 'points') AS points, min(a.member_id) AS member_id
            FROM ledger_transactions x JOIN ledger_entries e ON e.transaction_id = x.id
            JOIN ledger_accounts a ON a.id = e.account_id
            WHERE x.kind = 'top_up' GROUP BY x.source_id) b ON b.id = t.id
        WHERE t.id IS NULL OR (t.state = 'credited') <> (b.id IS NOT NULL) OR (t.state = 'credited' AND
            (t.amount_fen, t.bonus_fen, t.points, t.member_id) IS DISTINCT FROM
            (b.principal, coalesce(b.bonus, 0), coalesce(b.points, 0), b.member_id))""",
    "a top-up gives what its offer says, while it holds": """
        SELECT t.id AS what, 'offer ' || o.offer_no || ' version ' || o.version AS detail
        FROM top_ups t JOIN top_up_offers o ON o.id = t.offer_id
        WHERE (t.amount_fen, t.bonus_fen, t.points) <> (o.pay_fen, o.bonus_fen, o.points)
            OR t.created_at < o.effective_from OR t.created_at >= o.effective_until""",
    "a top-up that needed a second person had one": """
        SELECT t.id AS what, r.state AS detail FROM top_ups t JOIN approval_requests r ON r.id = t.approval_id
        WHERE (t.state = 'credited') <> (r.state = 'approved') OR r.requested_by IS DISTINCT FROM t.staff_id""",
    "a sale earned what its entry says": """
        SELECT s.id AS what, s.points_earned || ' instead of ' || coalesce(e.amount, 0) AS detail FROM sales s
        LEFT JOIN ledger_transactions t
            ON t.source_type = 'sale' AND t.source_id = s.id AND t.kind = 'earn' AND t.source_line = 0
        LEFT JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL AND e.unit = 'points'
        WHERE s.points_earned <> coalesce(e.amount, 0)""",
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
        WHERE state = 'approved' AND decided_by IS NOT DISTINCT FROM requested_by""",
    "the lines of a sale sum to it": """
        SELECT s.id AS what, s.amount_fen || ' instead of ' || coalesce(sum(l.quantity * l.unit_price_fen), 0) AS detail
        FROM sales s LEFT JOIN sale_lines l ON l.sale_id = s.id GROUP BY s.id
        HAVING s.amount_fen <> coalesce(sum(l.quantity * l.unit_price_fen), 0)
            OR s.points_earned <> coalesce(sum(l.points_earned), 0)""",
    "refunds of a line sum to what it says": """
        SELECT l.sale_id AS what, 'line ' || l.line_no AS detail FROM sale_lines l
        LEFT JOIN (SELECT sale_id, line_no, sum(quantity) AS pieces, sum(amount_fen) AS fen, sum(points) AS points
            FROM refund_lines GROUP BY 1, 2) r USING (sale_id, line_no)
        WHERE l.refunded_quantity <> coalesce(r.pieces, 0) OR l.refunded_fen <> coalesce(r.fen, 0)
            OR coalesce(r.points, 0) > l.points_earned
            OR (l.refunded_quantity = l.quantity AND (l.refunded_fen <> l.quantity * l.unit_price_fen
                OR coalesce(r.points, 0) <> l.points_earned))""",
    "a refund took back what it says": """
        SELECT r.id AS what, 'of ' || r.points || ' points' AS detail FROM refunds r
        LEFT JOIN (SELECT refund_id, sum(amount_fen) AS fen, sum(points) AS points FROM refund_lines GROUP BY 1) l
            ON l.refund_id = r.id
        LEFT JOIN ledger_transactions t ON t.kind = 'refund' AND t.source_type = 'refund' AND t.source_id = r.id
        LEFT JOIN (SELECT transaction_id, sum(amount) FILTER (WHERE unit = 'points') AS points,
                sum(amount) FILTER (WHERE unit = 'points_owed') AS owed
            FROM ledger_entries WHERE account_id IS NOT NULL GROUP BY 1) e ON e.transaction_id = t.id
        WHERE r.amount_fen <> coalesce(l.fen, 0) OR r.points <> coalesce(l.points, 0)
            OR r.points_taken <> coalesce(-e.points, 0) OR r.points_owed <> coalesce(e.owed, 0)""",
    "a large refund was agreed to by a second person": """
        SELECT r.id AS what, r.amount_fen || ' fen' AS detail FROM refunds r
        LEFT JOIN approval_requests a ON a.id = r.approval_id AND a.subject = r.id AND a.state = 'approved'
        WHERE (r.approval_id IS NOT NULL AND a.id IS NULL) OR (r.amount_fen > r.alone_fen AND r.approval_id IS NULL)""",
    "the reasons of a sale sum to its points": """
        SELECT s.id AS what, coalesce(e.total, 0) || ' instead of ' || s.points_earned AS detail FROM sales s
        LEFT JOIN LATERAL (SELECT sum(CAST(part ->> 'points' AS bigint)) AS total
            FROM jsonb_array_elements(s.earned) part) e ON true
        WHERE coalesce(e.total, 0) <> s.points_earned""",
    # A minute, because a sale keeps the rules it saw when it looked, and servers' clocks are not quite one.
    "a sale names rules that were in force": """
        SELECT s.id AS what, 'version ' || coalesce(p.part ->> 'rule_id', '?') AS detail
        FROM sales s CROSS JOIN LATERAL jsonb_array_elements(s.earned) p (part)
        LEFT JOIN earn_rules r ON r.id = CAST(p.part ->> 'rule_id' AS bigint)
            AND r.rule_no = CAST(p.part ->> 'rule_no' AS bigint) AND r.version = CAST(p.part ->> 'version' AS integer)
        WHERE r.id IS NULL OR s.occurred_at < r.effective_from OR s.occurred_at >= r.effective_until
            OR EXISTS (SELECT FROM earn_rules n WHERE n.rule_no = r.rule_no AND n.version > r.version
                AND greatest(n.effective_from, n.created_at) < s.occurred_at - interval '1 minute')
        UNION ALL
        SELECT s.id, 'no base rule' FROM sales s WHERE s.earned <> '[]'
            AND NOT EXISTS (SELECT FROM jsonb_array_elements(s.earned) part
                WHERE part ->> 'kind' = 'base' AND CAST(part ->> 'rule_id' AS bigint) = s.rule_id)""",
    "a daily limit counts what was given": """
        SELECT c.member_id || ' rule ' || c.rule_no AS what,
            c.points || ' instead of ' || coalesce(g.total, 0) AS detail
        FROM earn_counts c
        LEFT JOIN LATERAL (SELECT sum(CAST(p.part ->> 'points' AS bigint)) AS total
            FROM sales s CROSS JOIN LATERAL jsonb_array_elements(s.earned) p (part)
            JOIN earn_rules r ON r.id = CAST(p.part ->> 'rule_id' AS bigint)
            WHERE s.member_id = c.member_id AND s.business_date = c.business_date AND r.rule_no = c.rule_no
                AND r.definition -> 'caps' ->> 'per_day' IS NOT NULL) g ON true
        WHERE c.points <> coalesce(g.total, 0) OR c.points > c.most""",
    "an earning has its sale": """
        SELECT t.id::text AS what, t.source_id AS detail FROM ledger_transactions t
        LEFT JOIN sales s ON s.id = t.source_id
        WHERE t.source_type = 'sale' AND s.id IS NULL""",
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
    # Seven days late at most, of a birthday that had been known for thirty (app/tiers/birthdays.py).
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
                    AND CAST(v ->> 'birthday_points' AS bigint) = e.amount))""",  # noqa: S608  # a constant of our own
    "an acknowledged sale has its effect": """
        SELECT k.key AS what, k.scope AS detail FROM idempotency_keys k
        WHERE k.answer LIKE '%"sale_id":%'
        AND NOT EXISTS (SELECT FROM sales s WHERE s.id = k.answer::jsonb ->> 'sale_id')""",
    "a sale for a member told the outbox": """
        SELECT s.id AS what, 'no fact' AS detail FROM sales s WHERE s.member_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM facts f WHERE f.kind = 'sale_completed' AND f.subject = s.id)""",
    "no ticket without a used code": """
        SELECT t.id AS what, 'scanned at ' || t.created_at AS detail FROM scan_tickets t
        WHERE NOT EXISTS (SELECT FROM code_uses u WHERE u.member_id = t.member_id AND u.used_at = t.created_at)""",
    "no code was taken outside its window": f"""
        SELECT member_id::text AS what, 'step ' || step || ' at ' || used_at AS detail FROM code_uses
        WHERE used_at < to_timestamp((step - {_WINDOW.future}) * {STEP_S}::bigint)
            OR used_at >= to_timestamp((step + {_WINDOW.past} + 1) * {STEP_S}::bigint)""",  # noqa: S608  # numbers of our own
    "a sale is for the member, till and clerk of its ticket": """
        SELECT s.id AS what, 'ticket expired at ' || k.expires_at AS detail FROM sales s
        JOIN scan_tickets k ON k.id = s.ticket_id
        WHERE s.member_id IS DISTINCT FROM k.member_id OR s.terminal_id <> k.terminal_id
            OR s.staff_id IS DISTINCT FROM k.staff_id OR s.occurred_at >= k.expires_at""",
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
            'subscription_changes_append_only', 'policies_append_only', 'points_adjustments_append_only',
            'refunds_append_only', 'refund_lines_append_only',
            'top_up_offers_append_only', 'top_ups_kept', 'top_ups_end_once',
            'tier_plans_append_only', 'tier_changes_append_only']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT conname, 'constraint not valid' FROM pg_constraint WHERE NOT convalidated
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['uq_ledger_transactions_cause', 'pk_code_uses',
            'uq_sales_store_id_receipt_no', 'uq_sales_ticket_id', 'uq_ledger_entries_account_id_seq',
            'pk_idempotency_keys', 'uq_messages_dedupe_key', 'uq_earn_rules_rule_no_version',
            'ck_earn_counts_within_limit', 'uq_top_ups_ticket_id', 'uq_top_ups_transaction_id',
            'uq_top_up_offers_offer_no_version', 'pk_tier_changes']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
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
