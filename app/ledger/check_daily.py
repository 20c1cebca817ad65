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
    "the till's guards are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail
        FROM unnest(ARRAY['phone_finds_append_only', 'scan_tickets_kept']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'limit missing' FROM unnest(ARRAY['ck_scan_tickets_by_phone_has_clerk']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
