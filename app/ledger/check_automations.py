"""Questions about automations; asked with all others (app/ledger/check.py)."""

AUTOMATION_QUESTIONS = {
    "what an automation gave is in the books, once": """
        SELECT r.id::text AS what, r.points || ' points, posted ' || coalesce(e.amount::text, 'none') AS detail
        FROM automation_runs r
        LEFT JOIN ledger_transactions t ON t.kind = 'automation' AND t.source_type = 'automation_run'
            AND t.source_id = r.id::text AND t.rule_id = r.automation_no
        LEFT JOIN (SELECT x.transaction_id, a.member_id, sum(x.amount) AS amount FROM ledger_entries x
            JOIN ledger_accounts a ON a.id = x.account_id WHERE x.amount > 0 AND x.unit = 'points' GROUP BY 1, 2) e
            ON e.transaction_id = t.id
        WHERE r.points <> coalesce(e.amount, 0) OR (r.points > 0 AND e.member_id <> r.member_id)
        UNION ALL
        SELECT t.source_id, 'points for no run' FROM ledger_transactions t
        WHERE t.source_type = 'automation_run' AND NOT EXISTS (
            SELECT FROM automation_runs r WHERE r.id::text = t.source_id AND r.state = 'acted')
        UNION ALL
        SELECT r.id::text, r.coupons || ' coupons, issued ' || coalesce(c.n, 0) FROM automation_runs r
        LEFT JOIN (SELECT source_id, issued_to, count(*) AS n FROM coupons WHERE source = 'automation' GROUP BY 1, 2) c
            ON (c.source_id, c.issued_to) = (r.id::text, r.member_id)
        WHERE r.coupons <> coalesce(c.n, 0)
        UNION ALL
        SELECT c.id, 'a coupon for no run' FROM coupons c WHERE c.source = 'automation' AND NOT EXISTS (
            SELECT FROM automation_runs r WHERE r.id::text = c.source_id AND r.state = 'acted')
        UNION ALL
        SELECT r.id::text, 'told by ' || r.message_id FROM automation_runs r WHERE r.message_id IS NOT NULL
            AND NOT EXISTS (SELECT FROM messages m WHERE m.id = r.message_id AND m.member_id = r.member_id
                AND m.category = 'marketing')""",
    "an automation did no more than it may, and counts what it did": """
        SELECT a.no::text AS what, a.acted || ' of ' || coalesce(a.max_runs::text, 'any') || ', runs ' || r.n AS detail
        FROM automations a CROSS JOIN LATERAL (
            SELECT count(*) AS n FROM automation_runs WHERE automation_no = a.no AND state = 'acted') r
        WHERE a.acted <> r.n OR a.acted > a.max_runs""",
    "an automation is on because a second person agreed": """
        SELECT a.no::text AS what, a.state AS detail FROM automations a
        LEFT JOIN approval_requests r ON r.id = a.approval_id AND r.kind = 'automation' AND r.subject = a.no::text
        WHERE a.state IN ('on', 'off') AND (r.state IS DISTINCT FROM 'approved'
            OR (r.details ->> 'version')::integer <> a.version)""",
    "the guards of automations are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail FROM unnest(ARRAY['automation_runs_kept',
            'automation_runs_end_once', 'automation_runs_stay']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['uq_automation_runs_automation_no_member_id_occasion',
            'ex_automation_runs_once', 'ck_automations_never_over', 'ck_automations_value_is_bounded']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
