"""Questions about scans, sales, quotes, refunds and uploads; asked with all others (app/ledger/check.py)."""

from scan_codes import DEFAULT_WINDOW as _WINDOW
from scan_codes import STEP_S

SALE_QUESTIONS = {
    "a sale earned what its entry says": """
        SELECT s.id AS what, s.points_earned || ' instead of ' || coalesce(e.amount, 0) AS detail FROM sales s
        LEFT JOIN ledger_transactions t
            ON t.source_type = 'sale' AND t.source_id = s.id AND t.kind = 'earn' AND t.source_line = 0
        LEFT JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL AND e.unit = 'points'
        WHERE s.points_earned <> coalesce(e.amount, 0)""",
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
                WHERE t.sale_id = s.id AND t.kind IN ('principal', 'bonus'))
            OR (q.own_fen <> 0 AND q.own_fen <> (SELECT coalesce(sum(t.amount_fen), 0) FROM sale_tenders t
                WHERE t.sale_id = s.id AND t.kind IN ('points', 'principal', 'bonus')))""",
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
        LEFT JOIN (SELECT sale_id, line_no, sum(quantity) AS pieces, sum(amount_fen) AS fen FROM refund_lines
            GROUP BY 1, 2) r USING (sale_id, line_no)
        WHERE l.refunded_quantity <> coalesce(r.pieces, 0) OR l.refunded_fen <> coalesce(r.fen, 0)
            OR (l.refunded_quantity = l.quantity
                AND l.refunded_fen <> l.quantity * l.unit_price_fen - l.discount_fen)""",
    # To the whole point; a thousandth, because the fractions of lines are decimal here.
    "refunds of a sale take back what the goods had earned": """
        SELECT r.sale_id AS what, r.points || ' of ' || round(l.points, 3) AS detail
        FROM (SELECT sale_id, sum(points) AS points FROM refunds GROUP BY 1) r
        JOIN (SELECT sale_id, sum(CASE WHEN quantity * unit_price_fen - discount_fen > uncredited_fen
                THEN CAST(points_earned AS numeric) * (refunded_fen - uncredited_fen)
                    / (quantity * unit_price_fen - discount_fen - uncredited_fen)
                ELSE CAST(points_earned AS numeric) * refunded_quantity / quantity END) AS points
            FROM sale_lines GROUP BY 1) l USING (sale_id)
        WHERE r.points > l.points + 0.001 OR r.points < l.points - 1.001""",
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
}
