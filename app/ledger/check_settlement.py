"""What the books ask of the settlement between stores: everything spent elsewhere is owed once, to the fen."""

SETTLEMENT_QUESTIONS = {
    "what is spent or given back is owed by the stores of its lots": """
        SELECT e.id::text AS what, coalesce(m.total, 0) || ' instead of ' || -e.amount AS detail
        FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
        LEFT JOIN (SELECT entry_id, sum(quantity) AS total FROM settlement_movements GROUP BY 1) m ON m.entry_id = e.id
        WHERE t.kind IN ('spend', 'restore') AND e.account_id IS NOT NULL
            AND e.unit IN ('points', 'principal_fen', 'bonus_fen') AND coalesce(m.total, 0) <> -e.amount""",
    # Past the view, straight from the ledger, so that the view itself is asked as well.
    "statements and what waits for the next one sum to what was spent elsewhere": """
        SELECT coalesce(debtor_id, 0) || ' owes ' || coalesce(creditor_id, 0) || ' ' || unit AS what,
            'off by ' || sum(n) AS detail
        FROM (
            SELECT l.store_id AS debtor_id, t.store_id AS creditor_id, e.unit, x.amount AS n
            FROM ledger_allocations x JOIN ledger_lots l ON l.id = x.lot_id JOIN ledger_entries e ON e.id = x.entry_id
            JOIN ledger_transactions t ON t.id = e.transaction_id WHERE t.kind IN ('spend', 'restore')
            UNION ALL
            SELECT l.store_id, t.store_id, e.unit, -l.amount
            FROM ledger_lots l JOIN ledger_entries e ON e.id = l.entry_id
            JOIN ledger_transactions t ON t.id = e.transaction_id WHERE t.kind = 'restore'
            UNION ALL
            SELECT m.debtor_id, m.creditor_id, m.unit, -m.quantity FROM settlement_movements m
            WHERE NOT EXISTS (SELECT FROM settled_transactions c WHERE c.transaction_id = m.transaction_id)
            UNION ALL
            SELECT l.debtor_id, l.creditor_id, l.unit, -l.quantity FROM settlement_lines l
            JOIN settlements s ON s.id = l.settlement_id AND s.version = l.version WHERE s.state = 'closed') moved
        WHERE debtor_id IS DISTINCT FROM creditor_id AND unit <> 'points_owed'
        GROUP BY debtor_id, creditor_id, unit HAVING sum(n) <> 0""",
    "a closed statement says what it has counted": """
        SELECT settlement_id || ': ' || debtor || ' owes ' || creditor || ' ' || unit AS what,
            coalesce(l.n, 0) || ' instead of ' || coalesce(k.n, 0) AS detail
        FROM (
            SELECT c.settlement_id, coalesce(m.debtor_id, 0) AS debtor, coalesce(m.creditor_id, 0) AS creditor, m.unit,
                sum(m.quantity) AS n, coalesce(sum(m.quantity) FILTER (WHERE m.business_date < s.from_date), 0) AS late
            FROM settlement_movements m JOIN settled_transactions c ON c.transaction_id = m.transaction_id
            JOIN settlements s ON s.id = c.settlement_id WHERE m.debtor_id IS DISTINCT FROM m.creditor_id
            GROUP BY 1, 2, 3, 4 HAVING sum(m.quantity) <> 0) k
        FULL JOIN (
            SELECT l.settlement_id, coalesce(l.debtor_id, 0) AS debtor, coalesce(l.creditor_id, 0) AS creditor, l.unit,
                l.quantity AS n, l.late_quantity AS late
            FROM settlement_lines l JOIN settlements s ON s.id = l.settlement_id AND s.version = l.version
            WHERE s.state = 'closed') l USING (settlement_id, debtor, creditor, unit)
        WHERE (k.n, k.late) IS DISTINCT FROM (l.n, l.late)""",
    "a line costs what the policy of its closing says": """
        SELECT l.id::text AS what, l.amount_fen || ' fen for ' || l.quantity || ' ' || l.unit AS detail
        FROM settlement_lines l JOIN settlement_closings c USING (settlement_id, version)
        WHERE l.amount_fen <> sign(l.quantity) * CASE l.unit
            WHEN 'principal_fen' THEN abs(l.quantity)
            WHEN 'bonus_fen' THEN (abs(l.quantity) * CAST(c.policy ->> 'bonus_cost_bp' AS bigint) + 5000) / 10000
            ELSE (abs(l.quantity) * CAST(c.policy ->> 'fen_per_1000_points' AS bigint) + 500) / 1000 END
        UNION ALL
        SELECT c.settlement_id || ' version ' || c.version, c.owed_fen || ' instead of ' || coalesce(l.total, 0)
        FROM settlement_closings c LEFT JOIN (SELECT settlement_id, version, sum(abs(amount_fen)) AS total
            FROM settlement_lines GROUP BY 1, 2) l USING (settlement_id, version)
        WHERE c.owed_fen <> coalesce(l.total, 0)""",
    "statements follow each other and count the days before their end": """
        SELECT s.id::text AS what, 'begins on ' || s.from_date AS detail FROM (
            SELECT id, from_date, lag(until_date) OVER (ORDER BY from_date) AS former FROM settlements) s
        WHERE s.former <> s.from_date
        UNION ALL
        SELECT c.transaction_id::text, 'counted by ' || s.id || ', ' || s.state
        FROM settled_transactions c JOIN settlements s ON s.id = c.settlement_id
        LEFT JOIN ledger_transactions t ON t.id = c.transaction_id
        WHERE s.state <> 'closed' OR t.id IS NULL OR t.business_date >= s.until_date
            OR t.kind NOT IN ('spend', 'restore')
        UNION ALL
        SELECT s.id::text, 'no closing' FROM settlements s WHERE s.state = 'closed' AND NOT EXISTS (
            SELECT FROM settlement_closings c WHERE (c.settlement_id, c.version, c.from_date, c.until_date)
                = (s.id, s.version, s.from_date, s.until_date))""",
    "a large statement was closed by two people": """
        SELECT c.settlement_id || ' version ' || c.version AS what, c.owed_fen || ' fen' AS detail
        FROM settlement_closings c LEFT JOIN approval_requests a
            ON a.id = c.approval_id AND a.subject = c.settlement_id::text AND a.state = 'approved'
            AND a.requested_by = c.closed_by
        WHERE (c.approval_id IS NOT NULL AND a.id IS NULL)
            OR (c.owed_fen > c.alone_fen AND c.approval_id IS NULL)""",
}
