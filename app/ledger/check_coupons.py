"""Questions about coupons and who was given them; asked with all others (app/ledger/check.py)."""

from app.clock import HOME_ZONE

COUPON_QUESTIONS = {
    "as many coupons of a stock are out as it says": """
        SELECT s.template_id AS what, s.issued || ' instead of ' || c.n AS detail FROM coupon_stock s
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM coupons WHERE template_id = s.template_id) c
        WHERE s.issued <> c.n OR s.issued > s.stock""",
    "coupons of a member are counted without a gap": """
        SELECT c.template_id || ' of member ' || c.issued_to AS what, count(*) || ', the last is ' || max(c.nth)
            AS detail
        FROM coupons c GROUP BY c.template_id, c.issued_to
        HAVING count(*) <> max(c.nth) OR count(DISTINCT c.nth) <> count(*)""",
    # What the limits were stands in the audit log, a row for each version; a template without one is not asked about.
    "nobody was issued more than the widest limit there was": """
        WITH limits AS (
            SELECT a.object_id AS template_id, bool_or(a.data -> 'terms' ->> 'per_member' IS NULL) AS unlimited,
                max(CAST(a.data -> 'terms' ->> 'per_member' AS integer)) AS per_member,
                bool_or(a.data -> 'terms' ->> 'per_member_a_day' IS NULL) AS unlimited_a_day,
                max(CAST(a.data -> 'terms' ->> 'per_member_a_day' AS integer)) AS per_member_a_day
            FROM audit_log a WHERE a.object_type = 'coupon_template'
                AND a.action IN ('coupon_template.create', 'coupon_template.publish', 'coupon_template.change')
            GROUP BY 1)
        SELECT c.template_id || ' of member ' || c.issued_to AS what, count(*) || ' of ' || l.per_member AS detail
        FROM coupons c JOIN limits l USING (template_id) WHERE NOT l.unlimited
        GROUP BY c.template_id, c.issued_to, l.per_member HAVING count(*) > l.per_member
        UNION ALL
        SELECT c.template_id || ' of member ' || c.issued_to, count(*) || ' of ' || l.per_member_a_day || ' on '
            || c.issued_on
        FROM coupons c JOIN limits l USING (template_id) WHERE NOT l.unlimited_a_day
        GROUP BY c.template_id, c.issued_to, c.issued_on, l.per_member_a_day HAVING count(*) > l.per_member_a_day""",
    "no clerk gave away more on a day than the widest limit there was": """
        SELECT c.template_id || ' by clerk ' || c.granted_by AS what, count(*) || ' of ' || l.most || ' on '
            || c.issued_on AS detail
        FROM coupons c JOIN (
            SELECT object_id AS template_id, max(CAST(data -> 'terms' ->> 'per_clerk_a_day' AS integer)) AS most
            FROM audit_log WHERE object_type = 'coupon_template'
                AND action IN ('coupon_template.create', 'coupon_template.publish', 'coupon_template.change')
            GROUP BY 1) l USING (template_id)
        WHERE c.source = 'clerk' GROUP BY c.template_id, c.granted_by, c.issued_on, l.most HAVING count(*) > l.most""",
    "a clerk's gift has its name and its line in the audit log": """
        SELECT c.id AS what, 'given by ' || coalesce(c.granted_by::text, 'nobody') AS detail FROM coupons c
        WHERE c.source = 'clerk' AND NOT EXISTS (SELECT FROM audit_log a WHERE a.action = 'coupon.give'
            AND a.object_type = 'coupon' AND a.object_id = c.id AND a.actor_id = c.granted_by)""",
    # What comes from another system has fewer uses, those that its grant names.
    "a coupon is as its face says": """
        SELECT c.id AS what, 'face ' || c.face_id || ', ' || c.uses || ' uses' AS detail
        FROM coupons c JOIN coupon_faces f ON f.id = c.face_id
        CROSS JOIN LATERAL (SELECT coalesce(CAST(f.face ->> 'uses' AS integer), 1) AS uses) whole
        LEFT JOIN coupon_grant_members m
            ON c.source = 'grant' AND m.grant_id = c.source_id AND m.member_id = c.issued_to
        WHERE f.template_id <> c.template_id OR c.uses <> coalesce(m.uses, whole.uses) OR c.uses > whole.uses""",
    "how a coupon began and that it was recalled is told, and nothing else": """
        SELECT c.id AS what, c.state || ': ' || coalesce(e.kinds, 'nothing told') AS detail FROM coupons c
        LEFT JOIN LATERAL (
            SELECT count(*) FILTER (WHERE kind = 'issued' AND member_id = c.issued_to) AS issued,
                count(*) FILTER (WHERE kind = 'recalled') AS recalled,
                string_agg(kind, ' ' ORDER BY id) AS kinds
            FROM coupon_events WHERE coupon_id = c.id) e ON true
        WHERE coalesce(e.issued, 0) <> 1 OR (c.state = 'void') <> (e.recalled > 0) OR e.recalled > 1""",
    "a grant gave what it says, to whom it says": f"""
        SELECT g.id AS what, 'row ' || m.place || ' ' || m.state || ', ' || c.n || ' coupons' AS detail
        FROM coupon_grants g JOIN coupon_grant_members m ON m.grant_id = g.id CROSS JOIN LATERAL (
            SELECT count(*) AS n FROM coupons c WHERE c.source = 'grant' AND c.source_id = g.id
                AND c.template_id = g.template_id AND c.issued_to = m.member_id) c
        WHERE c.n <> CASE m.state WHEN 'issued' THEN g.count ELSE 0 END
        UNION ALL
        SELECT g.id, g.state || ', ' || m.n || ' members, ' || m.undecided || ' left'
        FROM coupon_grants g CROSS JOIN LATERAL (
            SELECT count(*) AS n, count(member_id) AS named, count(*) FILTER (WHERE state = 'left') AS undecided,
                count(*) FILTER (WHERE state = 'issued') AS issued
            FROM coupon_grant_members WHERE grant_id = g.id) m
        WHERE m.named * g.count <> g.coupons OR (g.state = 'done' AND m.undecided > 0)
            OR (g.state IN ('waiting', 'closed') AND m.issued > 0)
        UNION ALL
        SELECT c.id, 'until ' || c.valid_until || ', through ' || m.valid_through FROM coupon_grant_members m
        JOIN coupons c ON c.source = 'grant' AND c.source_id = m.grant_id AND c.issued_to = m.member_id
        WHERE c.valid_until <> CAST(m.valid_through + 1 AS timestamp) AT TIME ZONE '{HOME_ZONE}'
            AND NOT EXISTS (SELECT FROM coupon_events e WHERE e.coupon_id = c.id AND e.kind = 'extended')""",  # noqa: S608  # a zone of our own
    "a top-up gave the coupons of its offer, or the audit log says why not": """
        SELECT t.id AS what, t.state || ', ' || c.n || ' of ' || o.coupon_count AS detail
        FROM top_ups t JOIN top_up_offers o ON o.id = t.offer_id CROSS JOIN LATERAL (
            SELECT count(*) AS n FROM coupons c WHERE c.source = 'top_up' AND c.source_id = t.id
                AND c.template_id = o.coupon_template_id AND c.issued_to = t.member_id) c
        WHERE c.n <> CASE WHEN t.state = 'credited' AND NOT EXISTS (SELECT FROM audit_log a
                WHERE a.action = 'top_up.coupons_missed' AND a.object_type = 'top_up' AND a.object_id = t.id)
            THEN o.coupon_count ELSE 0 END
        UNION ALL
        SELECT c.id, 'of no top-up' FROM coupons c WHERE c.source = 'top_up' AND NOT EXISTS (
            SELECT FROM top_ups t JOIN top_up_offers o ON o.id = t.offer_id
            WHERE t.id = c.source_id AND o.coupon_template_id = c.template_id)""",
    "a recall took what it says": """
        SELECT r.id AS what, r.recalled || ' told' AS detail FROM coupon_recalls r WHERE r.state = 'done'
            AND r.recalled <> (SELECT count(*) FROM coupon_events e WHERE e.kind = 'recalled' AND e.coupon_id IN (
                SELECT jsonb_array_elements_text(a.data -> 'coupon_ids') FROM audit_log a
                WHERE a.object_type = 'coupon_recall' AND a.object_id = r.id AND a.action = 'coupons.recall'))
        UNION ALL
        SELECT r.id, r.state || ' took ' || r.recalled FROM coupon_recalls r
        WHERE r.state <> 'done' AND (r.recalled, r.kept, r.unused_uses, r.unused_value_fen) <> (0, 0, 0, 0)""",
    "many coupons given or recalled had a second person": """
        SELECT g.id AS what, g.coupons || ' coupons' AS detail FROM coupon_grants g
        LEFT JOIN approval_requests a ON a.id = g.approval_id AND a.subject = g.id
        WHERE (g.approval_id IS NULL AND g.coupons > g.alone_grants) OR (g.approval_id IS NOT NULL AND (
            a.requested_by IS DISTINCT FROM g.requested_by OR (g.state IN ('open', 'done')) <> (a.state = 'approved')))
        UNION ALL
        SELECT r.id, r.recalled || ' coupons' FROM coupon_recalls r
        LEFT JOIN approval_requests a ON a.id = r.approval_id AND a.subject = r.id
        WHERE (r.approval_id IS NULL AND r.recalled > r.alone_recalls) OR (r.approval_id IS NOT NULL AND (
            a.requested_by IS DISTINCT FROM r.requested_by OR (r.state = 'done') <> (a.state = 'approved')))""",
    # Those that were made before anybody wrote it down, or by the operator, need none.
    "what a template gives was agreed to by a second person": """
        SELECT a.object_id AS what, a.action || ' by ' || a.actor_id AS detail FROM audit_log a
        LEFT JOIN approval_requests r ON r.id = a.data ->> 'approval_id' AND r.kind = 'coupon_template'
            AND r.subject = a.object_id AND r.state = 'approved'
        WHERE a.action = 'coupon_template.publish' AND a.actor_type = 'staff' AND r.id IS NULL""",
    "the guards of coupons are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail FROM unnest(ARRAY['coupon_faces_append_only',
            'coupon_events_append_only', 'coupons_kept', 'coupon_grants_kept',
            'coupon_grant_members_kept', 'coupon_recalls_kept']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['ck_coupon_stock_never_over',
            'uq_coupons_template_id_issued_to_nth', 'uq_coupons_source_source_id_source_line_template_id_issued_to',
            'ck_coupon_events_recall_has_note',
            'ck_coupon_grants_second_person', 'ck_coupon_recalls_second_person']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
