"""Questions about coupons that were used; asked with all others (app/ledger/check.py)."""

from scan_codes import DEFAULT_WINDOW as _WINDOW
from scan_codes import STEP_S

COUPON_USE_QUESTIONS = {
    "a coupon was used as often as its redemptions say": """
        SELECT c.id AS what, c.used || ' used, ' || c.restored || ' restored; of redemptions '
            || coalesce(r.n, 0) || ' and ' || coalesce(r.undone, 0) AS detail
        FROM coupons c LEFT JOIN (SELECT coupon_id, count(*) AS n, count(undone_at) AS undone, max(use_no) AS last
            FROM coupon_redemptions GROUP BY 1) r ON r.coupon_id = c.id
        WHERE c.used <> coalesce(r.n, 0) OR c.restored <> coalesce(r.undone, 0) OR c.used <> coalesce(r.last, 0)""",
    "a redemption was within its coupon's time": """
        SELECT r.id AS what, 'at ' || r.occurred_at AS detail FROM coupon_redemptions r
        JOIN coupons c ON c.id = r.coupon_id
        WHERE r.occurred_at < c.valid_from OR r.occurred_at >= c.valid_until""",
    "the coupons of a sale took off what it says": """
        SELECT coalesce(d.sale_id, r.sale_id) AS what, coalesce(d.coupon_id, r.coupon_id) || ': '
            || coalesce(d.fen, 0) || ' and ' || coalesce(r.discount_fen, 0) AS detail
        FROM (SELECT s.id AS sale_id, substr(p.part ->> 'benefit', 8) AS coupon_id,
                CAST(p.part ->> 'discount_fen' AS bigint) AS fen
            FROM sales s CROSS JOIN LATERAL jsonb_array_elements(s.discounts) p (part)
            WHERE p.part ->> 'benefit' LIKE 'coupon:%') d
        FULL JOIN (SELECT * FROM coupon_redemptions WHERE discount_fen > 0) r
            ON r.sale_id = d.sale_id AND r.coupon_id = d.coupon_id
        WHERE d.fen IS DISTINCT FROM r.discount_fen""",
    "a sale used the coupons of its quote, for its member": """
        SELECT coalesce(q.sale_id, r.sale_id) AS what, coalesce(q.coupon_id, r.coupon_id) AS detail
        FROM (SELECT s.id AS sale_id, p.part -> 'coupon' ->> 'coupon_id' AS coupon_id
            FROM sales s JOIN quotes t ON t.id = s.quote_id
            CROSS JOIN LATERAL jsonb_array_elements(t.priced -> 'benefits') p (part)
            WHERE p.part -> 'coupon' ->> 'coupon_id' IS NOT NULL AND (p.part -> 'told' ->> 'applied')::boolean) q
        FULL JOIN (SELECT x.* FROM coupon_redemptions x JOIN sales s ON s.id = x.sale_id
            JOIN quotes t ON t.id = s.quote_id) r ON r.sale_id = q.sale_id AND r.coupon_id = q.coupon_id
        WHERE q.coupon_id IS NULL OR r.coupon_id IS NULL
        UNION ALL
        SELECT r.sale_id, 'member ' || r.member_id FROM coupon_redemptions r JOIN sales s ON s.id = r.sale_id
        WHERE (r.member_id, r.store_id, r.terminal_id, r.occurred_at)
            IS DISTINCT FROM (s.member_id, s.store_id, s.terminal_id, s.occurred_at)""",
    "a coupon comes back with the whole of its sale, and not before": """
        SELECT r.id AS what, 'refund ' || coalesce(r.refund_id, 'none') AS detail FROM coupon_redemptions r
        LEFT JOIN refunds f ON f.id = r.refund_id
        WHERE r.undone_at IS NOT NULL AND ((r.sale_id IS NOT NULL) <> (r.refund_id IS NOT NULL)
            OR f.sale_id IS DISTINCT FROM r.sale_id
            OR EXISTS (SELECT FROM sale_lines l WHERE l.sale_id = r.sale_id AND l.refunded_quantity < l.quantity))
        UNION ALL
        SELECT r.id, 'not back' FROM coupon_redemptions r JOIN coupons c ON c.id = r.coupon_id
        JOIN coupon_faces f ON f.id = c.face_id
        WHERE r.sale_id IS NOT NULL AND r.undone_at IS NULL AND c.state <> 'void'
            AND NOT coalesce((f.face ->> 'forfeited')::boolean, false)
            AND NOT EXISTS (SELECT FROM activity_grants g
                WHERE c.source = 'activity' AND c.member_id = c.issued_to AND g.id = c.source_id
                    AND g.taken_back_at IS NOT NULL)
            AND NOT EXISTS (SELECT FROM sale_lines l
                WHERE l.sale_id = r.sale_id AND l.refunded_quantity < l.quantity)""",
    "every use of a coupon, and every one taken back, is told in its history": """
        SELECT r.id AS what, coalesce(e.n, 0) || ' times, back ' || coalesce(e.back, 0) AS detail
        FROM coupon_redemptions r LEFT JOIN (SELECT redemption_id, count(*) FILTER (WHERE kind = 'redeemed') AS n,
                count(*) FILTER (WHERE kind = 'restored') AS back
            FROM coupon_events WHERE redemption_id IS NOT NULL GROUP BY 1) e ON e.redemption_id = r.id
        WHERE coalesce(e.n, 0) <> 1 OR coalesce(e.back, 0) <> (r.undone_at IS NOT NULL)::integer
        UNION ALL
        SELECT coupon_id, 'extended ' || count(*) || ' times' FROM coupon_events WHERE kind = 'extended'
        GROUP BY coupon_id HAVING count(*) > 1""",
    "no ticket of a coupon without a used code of it": """
        SELECT t.id AS what, 'scanned at ' || t.created_at AS detail FROM scan_tickets t
        WHERE t.found_by = 'coupon' AND NOT EXISTS (SELECT FROM coupon_code_uses u JOIN coupons c USING (coupon_no)
            WHERE c.id = t.coupon_id AND u.used_at = t.created_at AND u.terminal_id = t.terminal_id)""",
    "no coupon's code was taken outside its window": f"""
        SELECT coupon_no::text AS what, 'step ' || step || ' at ' || used_at AS detail FROM coupon_code_uses
        WHERE used_at < to_timestamp((step - {_WINDOW.future}) * {STEP_S}::bigint)
            OR used_at >= to_timestamp((step + {_WINDOW.past} + 1) * {STEP_S}::bigint)""",  # noqa: S608  # numbers of our own
    "a ticket of a coupon used no other": """
        SELECT s.id AS what, r.coupon_id AS detail FROM scan_tickets t JOIN sales s ON s.ticket_id = t.id
        JOIN coupon_redemptions r ON r.sale_id = s.id
        WHERE t.found_by = 'phone' OR (t.found_by = 'coupon' AND t.coupon_id <> r.coupon_id)""",
    "the guards of coupons used are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail FROM unnest(ARRAY['coupons_kept',
            'coupon_redemptions_kept', 'coupon_redemptions_undone_once', 'coupon_events_append_only']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['pk_coupon_code_uses',
            'uq_coupon_redemptions_coupon_id_use_no', 'uq_coupon_redemptions_sale_id_coupon_id',
            'ck_coupons_used_within', 'ck_coupons_used_up', 'ck_scan_tickets_by_coupon_has_coupon']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
