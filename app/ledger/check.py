"""Recomputes the books from their rows. Every question answers with no row as long as its promise holds."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.ledger.check_daily import DAILY_QUESTIONS
from app.ledger.check_settlement import SETTLEMENT_QUESTIONS
from scan_codes import DEFAULT_WINDOW as _WINDOW
from scan_codes import STEP_S

QUESTIONS = {
    **SETTLEMENT_QUESTIONS,
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
        WHERE x.amount < 0 AND (t.kind <> 'restore' OR NOT EXISTS (SELECT FROM ledger_allocations o
            JOIN ledger_entries f ON f.id = o.entry_id
            WHERE o.lot_id = x.lot_id AND f.transaction_id = t.reverses_id AND o.amount >= -x.amount))""",
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
    "a top-up earned what its reasons and its entry say": """
        SELECT t.id AS what, t.points_earned || ', told ' || p.points || ', booked ' || coalesce(e.amount, 0) AS detail
        FROM top_ups t CROSS JOIN LATERAL (
            SELECT coalesce(sum(CAST(part ->> 'points' AS bigint)), 0) AS points, bool_and(r.applies_to = 'top_up')
                AS fits
            FROM jsonb_array_elements(t.earned) part
            LEFT JOIN earn_rules r ON r.id = CAST(part ->> 'rule_id' AS bigint)) p
        LEFT JOIN ledger_transactions x ON x.kind = 'top_up_earn' AND x.source_type = 'top_up' AND x.source_id = t.id
        LEFT JOIN ledger_entries e ON e.transaction_id = x.id AND e.account_id IS NOT NULL AND e.unit = 'points'
        WHERE t.points_earned <> p.points OR t.points_earned <> coalesce(e.amount, 0) OR NOT coalesce(p.fits, true)""",
    "a refund of a top-up moved what it says, out of that top-up's own lots": """
        SELECT r.id AS what,
            r.state || ': moved ' || coalesce(b.principal, 0) || ' + ' || coalesce(b.bonus, 0) AS detail
        FROM top_up_refunds r LEFT JOIN (
            SELECT x.source_id AS id, coalesce(sum(a.amount) FILTER (WHERE e.unit = 'principal_fen'), 0) AS principal,
                coalesce(sum(a.amount) FILTER (WHERE e.unit = 'bonus_fen'), 0) AS bonus,
                min(g.source_id) AS least, max(g.source_id) AS most
            FROM ledger_transactions x JOIN ledger_entries e ON e.transaction_id = x.id AND e.unit <> 'points'
            JOIN ledger_allocations a ON a.entry_id = e.id JOIN ledger_lots l ON l.id = a.lot_id
            JOIN ledger_entries o ON o.id = l.entry_id JOIN ledger_transactions g ON g.id = o.transaction_id
            WHERE x.source_type = 'top_up_refund' AND x.kind NOT IN ('top_up_points_back', 'top_up_earned_back')
            GROUP BY x.source_id) b ON b.id = r.id
        WHERE coalesce(b.principal, 0) <> CASE r.state WHEN 'failed' THEN 0 ELSE r.principal_fen END
            OR coalesce(b.bonus, 0) <> CASE r.state WHEN 'failed' THEN 0 ELSE r.bonus_fen END
            OR b.least <> r.top_up_id OR b.most <> r.top_up_id""",
    "refunds of a top-up never exceed it, and its points go with them": """
        SELECT t.id AS what, r.principal || ' of ' || t.amount_fen || ', points ' || coalesce(p.points, 0) AS detail
        FROM top_ups t JOIN (
            SELECT top_up_id, sum(principal_fen) FILTER (WHERE state <> 'failed') AS principal,
                coalesce(sum(principal_fen) FILTER (WHERE state = 'done'), 0)::bigint AS done
            FROM top_up_refunds GROUP BY 1) r ON r.top_up_id = t.id
        LEFT JOIN LATERAL (
            SELECT sum(g.points * r.done / t.amount_fen) AS due, sum(k.points) AS points FROM (
                SELECT e.id, e.amount AS points FROM ledger_transactions x
                JOIN ledger_entries e ON e.transaction_id = x.id AND e.unit = 'points' AND e.account_id IS NOT NULL
                WHERE x.source_type = 'top_up' AND x.kind IN ('top_up', 'top_up_earn') AND x.source_id = t.id) g
            LEFT JOIN (SELECT entry_id, sum(points) AS points FROM top_up_refund_points GROUP BY 1) k
                ON k.entry_id = g.id) p ON true
        WHERE r.principal > t.amount_fen OR coalesce(p.points, 0) <> coalesce(p.due, 0)""",
    "a refund of a top-up took back the points it says": """
        SELECT r.refund_id AS what, r.taken || ' taken, ' || r.owed || ' owed' AS detail FROM (
            SELECT refund_id, sum(points_taken) AS taken, sum(points_owed) AS owed FROM top_up_refund_points
            GROUP BY 1) r
        LEFT JOIN (SELECT x.source_id, coalesce(-sum(e.amount) FILTER (WHERE e.unit = 'points'), 0) AS taken,
                coalesce(sum(e.amount) FILTER (WHERE e.unit = 'points_owed'), 0) AS owed
            FROM ledger_transactions x JOIN ledger_entries e ON e.transaction_id = x.id AND e.account_id IS NOT NULL
            WHERE x.source_type = 'top_up_refund' AND x.kind IN ('top_up_points_back', 'top_up_earned_back')
            GROUP BY 1) b ON b.source_id = r.refund_id
        WHERE (r.taken, r.owed) <> (coalesce(b.taken, 0), coalesce(b.owed, 0))""",
    "what WeChat Pay paid back stands as paid back": """
        SELECT id AS what, state || ', but paid at ' || paid_at AS detail FROM top_up_refunds
        WHERE state <> 'done' AND paid_at IS NOT NULL""",
    "a large refund of a top-up was agreed to by a second person": """
        SELECT r.id AS what, r.amount_fen || ' fen' AS detail FROM top_up_refunds r
        LEFT JOIN approval_requests a ON a.id = r.approval_id AND a.subject = r.id AND a.state = 'approved'
        WHERE (r.approval_id IS NOT NULL AND (a.id IS NULL OR a.requested_by <> r.staff_id))
            OR (r.amount_fen > r.alone_fen AND r.approval_id IS NULL)""",
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
        SELECT s.id AS what, s.amount_fen || ' instead of '
            || coalesce(sum(l.quantity * l.unit_price_fen - l.discount_fen), 0) AS detail
        FROM sales s LEFT JOIN sale_lines l ON l.sale_id = s.id GROUP BY s.id
        HAVING s.amount_fen <> coalesce(sum(l.quantity * l.unit_price_fen - l.discount_fen), 0)
            OR s.discount_fen <> coalesce(sum(l.discount_fen), 0)
            OR s.points_earned <> coalesce(sum(l.points_earned), 0)""",
    "the reasons of a discount sum to it": """
        SELECT s.id AS what, coalesce(d.total, 0) || ' instead of ' || s.discount_fen AS detail FROM sales s
        LEFT JOIN LATERAL (SELECT sum(CAST(part ->> 'discount_fen' AS bigint)) AS total
            FROM jsonb_array_elements(s.discounts) part) d ON true
        WHERE coalesce(d.total, 0) <> s.discount_fen""",
    "tenders come to the sale, and what earns nothing to points and bonus": """
        SELECT s.id AS what, t.fen || ' of ' || s.amount_fen AS detail FROM sales s
        JOIN (SELECT sale_id, sum(amount_fen) AS fen, coalesce(sum(amount_fen) FILTER (
            WHERE kind IN ('points', 'bonus')), 0) AS gifts FROM sale_tenders GROUP BY 1) t ON t.sale_id = s.id
        JOIN (SELECT sale_id, sum(excluded_fen) AS fen FROM sale_lines GROUP BY 1) l ON l.sale_id = s.id
        WHERE t.fen <> s.amount_fen OR l.fen <> t.gifts""",
    "a sale spent what its tenders say": """
        SELECT coalesce(t.sale_id, b.sale_id) AS what, coalesce(t.unit, b.unit) || ': ' || coalesce(t.amount, 0)
            || ' and ' || coalesce(b.amount, 0) AS detail
        FROM (SELECT sale_id, CASE kind WHEN 'points' THEN 'points' ELSE kind || '_fen' END AS unit,
                CASE kind WHEN 'points' THEN points ELSE amount_fen END AS amount
            FROM sale_tenders WHERE kind IN ('points', 'principal', 'bonus')) t
        FULL JOIN (SELECT x.source_id AS sale_id, e.unit, -e.amount AS amount FROM ledger_transactions x
            JOIN ledger_entries e ON e.transaction_id = x.id AND e.account_id IS NOT NULL
            WHERE x.kind = 'spend' AND x.source_type = 'sale') b ON b.sale_id = t.sale_id AND b.unit = t.unit
        WHERE t.amount IS DISTINCT FROM b.amount""",
    "a quoted sale is its quote": """
        SELECT s.id AS what, q.id AS detail FROM sales s JOIN quotes q ON q.id = s.quote_id
        WHERE q.used_at IS NULL OR s.occurred_at >= q.expires_at OR s.priced_at <> q.created_at
            OR (s.member_id, s.ticket_id, s.terminal_id) IS DISTINCT FROM (q.member_id, q.ticket_id, q.terminal_id)
            OR CAST(q.priced ->> 'amount_fen' AS bigint) <> s.amount_fen
            OR CAST(q.priced ->> 'discount_fen' AS bigint) <> s.discount_fen
            OR CAST(q.priced -> 'earning' ->> 'points' AS bigint) <> s.points_earned
            OR q.stored_value_fen <> (SELECT coalesce(sum(t.amount_fen), 0) FROM sale_tenders t
                WHERE t.sale_id = s.id AND t.kind IN ('principal', 'bonus'))""",
    "tenders that went back sum to what they say": """
        SELECT t.sale_id AS what, t.kind || ': ' || t.refunded_fen AS detail FROM sale_tenders t
        LEFT JOIN (SELECT sale_id, kind, sum(amount_fen) AS fen, sum(points) AS points FROM refund_tenders
            GROUP BY 1, 2) r ON r.sale_id = t.sale_id AND r.kind = t.kind
        LEFT JOIN (SELECT sale_id, sum(amount_fen) AS fen FROM refunds GROUP BY 1) w ON w.sale_id = t.sale_id
        JOIN sales s ON s.id = t.sale_id
        WHERE t.refunded_fen <> coalesce(r.fen, 0) OR t.refunded_points <> coalesce(r.points, 0)
            OR (coalesce(w.fen, 0) = s.amount_fen
                AND (t.refunded_fen, t.refunded_points) <> (t.amount_fen, t.points))""",
    "a refund gave back what its tenders say": """
        SELECT coalesce(t.refund_id, b.refund_id) AS what, coalesce(t.unit, b.unit) || ': ' || coalesce(t.amount, 0)
            || ' and ' || coalesce(b.amount, 0) AS detail
        FROM (SELECT refund_id, CASE kind WHEN 'points' THEN 'points' ELSE kind || '_fen' END AS unit,
                CASE kind WHEN 'points' THEN points ELSE amount_fen END AS amount
            FROM refund_tenders WHERE kind IN ('points', 'principal', 'bonus')
                AND CASE kind WHEN 'points' THEN points ELSE amount_fen END > 0) t
        FULL JOIN (SELECT x.source_id AS refund_id, e.unit, sum(e.amount) AS amount FROM ledger_transactions x
            JOIN ledger_entries e ON e.transaction_id = x.id AND e.account_id IS NOT NULL
            WHERE x.kind = 'restore' AND x.source_type = 'refund' GROUP BY 1, 2) b
            ON b.refund_id = t.refund_id AND b.unit = t.unit
        WHERE t.amount IS DISTINCT FROM b.amount
        UNION ALL
        SELECT r.id, t.fen || ' of ' || r.amount_fen FROM refunds r
        JOIN (SELECT refund_id, sum(amount_fen) AS fen FROM refund_tenders GROUP BY 1) t ON t.refund_id = r.id
        WHERE t.fen <> r.amount_fen""",
    "refunds of a line sum to what it says": """
        SELECT l.sale_id AS what, 'line ' || l.line_no AS detail FROM sale_lines l
        LEFT JOIN (SELECT sale_id, line_no, sum(quantity) AS pieces, sum(amount_fen) AS fen, sum(points) AS points
            FROM refund_lines GROUP BY 1, 2) r USING (sale_id, line_no)
        WHERE l.refunded_quantity <> coalesce(r.pieces, 0) OR l.refunded_fen <> coalesce(r.fen, 0)
            OR coalesce(r.points, 0) > l.points_earned
            OR (l.refunded_quantity = l.quantity AND (l.refunded_fen <> l.quantity * l.unit_price_fen - l.discount_fen
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
        WHERE r.id IS NULL OR coalesce(s.priced_at, s.occurred_at) < r.effective_from
            OR coalesce(s.priced_at, s.occurred_at) >= r.effective_until
            OR EXISTS (SELECT FROM earn_rules n WHERE n.rule_no = r.rule_no AND n.version > r.version
                AND greatest(n.effective_from, n.created_at) < coalesce(s.priced_at, s.occurred_at)
                    - interval '1 minute')
        UNION ALL
        SELECT s.id, 'no base rule' FROM sales s WHERE s.earned <> '[]'
            AND NOT EXISTS (SELECT FROM jsonb_array_elements(s.earned) part
                WHERE part ->> 'kind' = 'base' AND CAST(part ->> 'rule_id' AS bigint) = s.rule_id)""",
    "a daily limit counts what was given": """
        SELECT c.member_id || ' rule ' || c.rule_no AS what,
            c.points || ' instead of ' || coalesce(g.total, 0) AS detail
        FROM earn_counts c
        LEFT JOIN LATERAL (SELECT sum(CAST(p.part ->> 'points' AS bigint)) AS total
            FROM (SELECT member_id, business_date, earned FROM sales UNION ALL
                SELECT t.member_id, x.business_date, t.earned FROM top_ups t JOIN ledger_transactions x
                    ON x.kind = 'top_up' AND x.source_type = 'top_up' AND x.source_id = t.id) s
            CROSS JOIN LATERAL jsonb_array_elements(s.earned) p (part)
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
            SELECT FROM tier_changes c WHERE c.member_id || ':' || c.to_tier = t.source_id
                AND c.member_id = a.member_id AND c.gift_points = e.amount)""",
    "an acknowledged sale has its effect": """
        SELECT k.key AS what, k.scope AS detail FROM idempotency_keys k
        WHERE k.answer LIKE '%"sale_id":%'
        AND NOT EXISTS (SELECT FROM sales s WHERE s.id = k.answer::jsonb ->> 'sale_id')""",
    "a sale for a member told the outbox": """
        SELECT s.id AS what, 'no fact' AS detail FROM sales s WHERE s.member_id IS NOT NULL
        AND NOT EXISTS (SELECT FROM facts f WHERE f.kind = 'sale_completed' AND f.subject = s.id)""",
    "no ticket without a used code": """
        SELECT t.id AS what, 'scanned at ' || t.created_at AS detail FROM scan_tickets t
        WHERE t.found_by = 'code'
            AND NOT EXISTS (SELECT FROM code_uses u WHERE u.member_id = t.member_id AND u.used_at = t.created_at)""",
    "no code was taken outside its window": f"""
        SELECT member_id::text AS what, 'step ' || step || ' at ' || used_at AS detail FROM code_uses
        WHERE used_at < to_timestamp((step - {_WINDOW.future}) * {STEP_S}::bigint)
            OR used_at >= to_timestamp((step + {_WINDOW.past} + 1) * {STEP_S}::bigint)""",  # noqa: S608  # numbers of our own
    "a sale is for the member, till and clerk of its ticket": """
        SELECT s.id AS what, 'ticket expired at ' || k.expires_at AS detail FROM sales s
        JOIN scan_tickets k ON k.id = s.ticket_id
        WHERE s.member_id IS DISTINCT FROM k.member_id OR s.terminal_id <> k.terminal_id
            OR (k.staff_id IS NOT NULL AND s.staff_id IS DISTINCT FROM k.staff_id) OR s.occurred_at >= k.expires_at""",
    "an upload of an offline till has its sale, and no other": """
        SELECT u.id::text AS what, coalesce(s.id, 'no sale') AS detail FROM offline_uploads u
        LEFT JOIN sales s ON s.id = u.sale_id
        WHERE u.sale_id IS NOT NULL AND (s.terminal_id, s.receipt_no, s.amount_fen, s.points_earned)
            IS DISTINCT FROM (u.terminal_id, u.receipt_no, u.amount_fen, u.points)
        UNION ALL
        SELECT sale_id, 'uploaded ' || count(*) || ' times' FROM offline_uploads
        WHERE sale_id IS NOT NULL GROUP BY sale_id HAVING count(*) > 1""",
    "a day's limit counts what an offline till's uploads gave": """
        SELECT terminal_id || ' on ' || received_on AS what,
            coalesce(d.points, 0) || ' instead of ' || coalesce(u.total, 0) AS detail
        FROM offline_days d FULL JOIN (
            SELECT terminal_id, received_on, sum(points) AS total FROM offline_uploads
            GROUP BY 1, 2 HAVING sum(points) > 0) u USING (terminal_id, received_on)
        WHERE coalesce(d.points, 0) <> coalesce(u.total, 0) OR d.points > d.most""",
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
            'subscription_changes_append_only', 'policies_append_only', 'points_adjustments_append_only',
            'refunds_append_only', 'refund_lines_append_only', 'offline_uploads_append_only',
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
