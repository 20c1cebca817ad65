"""Questions about top-ups and their refunds; asked with all others (app/ledger/check.py)."""

TOP_UP_QUESTIONS = {
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
}
