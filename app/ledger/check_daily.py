"""Questions about daily life at the till; asked with all others (app/ledger/check.py)."""

DAILY_QUESTIONS = {
    "a ticket found by phone has its look-up": """
        SELECT t.id AS what, 'found at ' || t.created_at AS detail FROM scan_tickets t
        WHERE t.found_by = 'phone' AND NOT EXISTS (SELECT FROM phone_finds f WHERE f.member_id = t.member_id
            AND f.terminal_id = t.terminal_id AND f.staff_id = t.staff_id AND f.at = t.created_at)""",
    "every look-up of a number is in the audit log": """
        SELECT f.id AS what, 'looked up at ' || f.at AS detail FROM phone_finds f
        WHERE NOT EXISTS (SELECT FROM audit_log a WHERE a.action = 'member.find_by_phone' AND a.object_type = 'member'
            AND a.object_id = coalesce(f.member_id::text, 'nobody') AND a.actor_id = f.staff_id AND a.at = f.at)""",
    "who was found by phone earned and did nothing else": """
        SELECT t.id AS what, 'top-up ' || u.id AS detail FROM scan_tickets t JOIN top_ups u ON u.ticket_id = t.id
        WHERE t.found_by <> 'code'
        UNION ALL
        SELECT t.id, x.kind || ' in sale ' || s.id FROM scan_tickets t JOIN sales s ON s.ticket_id = t.id
        JOIN ledger_transactions x ON x.source_type = 'sale' AND x.source_id = s.id
        WHERE t.found_by <> 'code' AND x.kind <> 'earn'""",
    "a receipt that was credited afterwards became the member's, once": """
        SELECT c.id AS what, 'sale ' || c.sale_id || ': ' || c.amount_fen || ' fen, ' || c.points || ' points' AS detail
        FROM sale_credits c JOIN sales s ON s.id = c.sale_id
        LEFT JOIN (SELECT sale_id, sum(quantity * unit_price_fen - discount_fen - uncredited_fen) AS fen
            FROM sale_lines GROUP BY 1) l
            ON l.sale_id = c.sale_id
        WHERE (c.state = 'credited' AND (c.member_id, c.points, c.amount_fen, c.store_id) IS DISTINCT FROM
                (s.member_id, s.points_earned, coalesce(l.fen, 0)::bigint, s.store_id))
            OR (c.state = 'credited' AND (s.ticket_id IS NOT NULL OR c.credited_at < s.occurred_at))
            OR (c.state = 'waiting' AND c.points <> 0)
        UNION ALL
        SELECT sale_id, 'credited more than once' FROM sale_credits WHERE state = 'credited'
        GROUP BY sale_id HAVING count(*) > 1
        UNION ALL
        SELECT l.sale_id, 'line ' || l.line_no || ' without a credit' FROM sale_lines l WHERE l.uncredited_fen <> 0
            AND NOT EXISTS (SELECT FROM sale_credits c WHERE c.sale_id = l.sale_id AND c.state = 'credited')""",
    "a receipt beyond what a clerk may credit alone had a second person": """
        SELECT c.id AS what, c.amount_fen || ' fen' AS detail FROM sale_credits c
        LEFT JOIN approval_requests a ON a.id = c.approval_id AND a.subject = c.id
        WHERE (c.approval_id IS NULL AND c.amount_fen > c.alone_fen)
            OR (c.approval_id IS NOT NULL AND ((c.state = 'credited') <> (coalesce(a.state, '') = 'approved')
                OR a.requested_by IS DISTINCT FROM c.staff_id))
        UNION ALL
        SELECT c.id, 'one of ' || o.n || ' within a day' FROM sale_credits c CROSS JOIN LATERAL (
            SELECT count(*) AS n FROM sale_credits x WHERE x.staff_id = c.staff_id AND x.approval_id IS NULL
                AND x.created_at > c.created_at - interval '24 hours' AND x.created_at <= c.created_at) o
        WHERE c.approval_id IS NULL AND o.n > c.alone_a_day""",
    "a closed shift says what went through its till": """
        WITH sold AS (
            SELECT h.id, count(*) AS n, sum(s.amount_fen) AS fen
            FROM (SELECT * FROM sales x
                WHERE NOT EXISTS (SELECT FROM offline_uploads u WHERE u.sale_id = x.id)) s JOIN LATERAL (
                SELECT * FROM shifts x WHERE x.terminal_id = s.terminal_id AND x.from_id <= s.id
                ORDER BY x.from_id DESC, x.until_id DESC NULLS FIRST LIMIT 1) h ON s.id < h.until_id
            GROUP BY h.id),
        back AS (
            SELECT h.id, count(*) AS n, sum(r.amount_fen) AS fen
            FROM shifts h JOIN refunds r ON r.terminal_id = h.terminal_id AND r.occurred_at >= h.opened_at
                AND r.occurred_at < h.closed_at
            GROUP BY h.id)
        SELECT h.id AS what, 'sales ' || t.sales || ' of ' || coalesce(s.n, 0) || ', ' || t.sales_fen
            || ' fen; refunds ' || t.refunds || ' of ' || coalesce(b.n, 0) || ', ' || t.refunds_fen || ' fen' AS detail
        FROM shifts h
        CROSS JOIN LATERAL jsonb_to_record(h.totals) AS t (sales bigint, sales_fen bigint, refunds bigint,
            refunds_fen bigint)
        LEFT JOIN sold s ON s.id = h.id LEFT JOIN back b ON b.id = h.id
        WHERE h.closed_at IS NOT NULL AND (t.sales, t.sales_fen, t.refunds, t.refunds_fen) IS DISTINCT FROM
            (coalesce(s.n, 0), coalesce(s.fen, 0)::bigint, coalesce(b.n, 0), coalesce(b.fen, 0)::bigint)""",
    "what a drawer should hold follows from its shift": """
        SELECT h.id AS what, h.expected_fen || ' instead of ' || h.opening_fen + c.fen AS detail
        FROM shifts h CROSS JOIN LATERAL (
            SELECT coalesce(sum(p.sign * p.amount_fen), 0) AS fen FROM (
                SELECT 1 AS sign, x.* FROM jsonb_to_recordset(h.totals -> 'tenders') AS x (kind text, amount_fen bigint)
                UNION ALL
                SELECT 1, x.* FROM jsonb_to_recordset(h.totals -> 'top_ups') AS x (kind text, amount_fen bigint)
                UNION ALL
                SELECT -1, x.* FROM jsonb_to_recordset(h.totals -> 'refund_tenders') AS x (kind text, amount_fen bigint)
                UNION ALL
                SELECT -1, x.* FROM jsonb_to_recordset(h.totals -> 'top_up_refunds') AS x (kind text, amount_fen bigint)
            ) p WHERE p.kind = 'cash') c
        WHERE h.closed_at IS NOT NULL AND h.expected_fen <> h.opening_fen + c.fen""",
    "shifts of a till follow one another": """
        SELECT id AS what, 'opened at ' || opened_at AS detail FROM (
            SELECT *, lag(closed_at) OVER w AS former_end, lag(id) OVER w AS former_id FROM shifts
            WINDOW w AS (PARTITION BY terminal_id ORDER BY opened_at, from_id)) x
        WHERE former_id IS NOT NULL AND (former_end IS NULL OR former_end > opened_at)""",
    "the till's guards are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail
        FROM unnest(ARRAY['phone_finds_append_only', 'scan_tickets_kept',
            'sale_credits_kept', 'sale_credits_end_once',
            'shifts_kept', 'shifts_close_once',
            'sales_kept', 'sales_member_once', 'sale_lines_kept', 'sale_lines_refunds_grow', 'sale_lines_earned_once',
            'approval_requests_kept', 'approval_requests_decided_once', 'approval_requests_vouched_once']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['ck_scan_tickets_by_phone_has_clerk',
            'uq_sale_credits_once', 'uq_sale_credits_ticket_id', 'ck_sale_credits_second_person',
            'uq_shifts_one_open', 'ck_approval_requests_vouched']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)
            AND NOT EXISTS (SELECT FROM pg_class i WHERE i.relname = w AND i.relkind = 'i')""",
}
