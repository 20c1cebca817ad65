"""What the books ask of the rewards mall; asked with all others (app/ledger/check.py)."""

REWARD_QUESTIONS = {
    "no more of a reward is out than there was, and its stock says how many are": """
        SELECT s.item_id AS what, 'store ' || coalesce(s.store_id, 0) || ': ' || s.taken || ' of '
            || coalesce(s.stock::text, 'any') || ', ' || o.n || ' exchanged' AS detail
        FROM reward_stock s CROSS JOIN LATERAL (SELECT count(*) AS n FROM reward_orders o
            WHERE o.item_id = s.item_id AND o.store_id IS NOT DISTINCT FROM s.store_id AND o.state <> 'cancelled') o
        WHERE s.taken <> o.n OR s.taken > s.stock
        UNION ALL
        SELECT o.id, 'taken from nowhere' FROM reward_orders o WHERE NOT EXISTS (SELECT FROM reward_stock s
            WHERE s.item_id = o.item_id AND s.store_id IS NOT DISTINCT FROM o.store_id)""",
    "an exchange cost what its version says": """
        SELECT o.id AS what, o.points || ' points, ' || o.principal_fen + o.bonus_fen + o.wechat_fen || ' fen' AS detail
        FROM reward_orders o JOIN reward_versions v ON v.item_id = o.item_id AND v.version = o.item_version
        WHERE NOT EXISTS (
            SELECT FROM (SELECT v.reward -> 'price' AS price UNION ALL
                SELECT t.value FROM jsonb_each(v.reward -> 'tier_prices') t) p
            WHERE CAST(p.price ->> 'points' AS bigint) = o.points
                AND CAST(p.price ->> 'cash_fen' AS bigint) = o.principal_fen + o.bonus_fen + o.wechat_fen)""",
    "an exchange spent what it says, where it waits": """
        SELECT coalesce(o.id, b.order_id) AS what, 'spent ' || coalesce(b.spent::text, 'nothing') AS detail
        FROM (SELECT o.id, o.store_id, jsonb_strip_nulls(jsonb_build_object('points', o.points,
                'principal_fen', nullif(o.principal_fen, 0), 'bonus_fen', nullif(o.bonus_fen, 0))) AS spent, o.member_id
            FROM reward_orders o) o
        FULL JOIN (SELECT t.source_id AS order_id, t.store_id, jsonb_object_agg(e.unit, -e.amount) AS spent,
                min(a.member_id) AS member_id, max(a.member_id) AS last_member
            FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
            JOIN ledger_accounts a ON a.id = e.account_id
            WHERE t.kind = 'spend' AND t.source_type = 'reward_order' GROUP BY t.id) b ON b.order_id = o.id
        WHERE (o.spent, o.store_id, o.member_id, o.member_id)
            IS DISTINCT FROM (b.spent, b.store_id, b.member_id, b.last_member)""",
    "an exchange that was undone gave everything back, and no other gave anything": """
        SELECT coalesce(o.id, b.order_id) AS what, 'gave back ' || coalesce(b.back::text, 'nothing') AS detail
        FROM (SELECT o.id, o.store_id, jsonb_strip_nulls(jsonb_build_object('points', o.points,
                'principal_fen', nullif(o.principal_fen, 0), 'bonus_fen', nullif(o.bonus_fen, 0))) AS back
            FROM reward_orders o WHERE o.state = 'cancelled') o
        FULL JOIN (SELECT x.source_id AS order_id, x.store_id, jsonb_object_agg(x.unit, x.amount) AS back
            FROM (SELECT t.source_id, t.store_id, e.unit, sum(e.amount) AS amount FROM ledger_transactions t
                JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
                WHERE t.kind = 'restore' AND t.source_type = 'reward_order' GROUP BY t.source_id, t.store_id, e.unit) x
            GROUP BY x.source_id, x.store_id) b ON b.order_id = o.id
        WHERE (o.back, o.store_id) IS DISTINCT FROM (b.back, b.store_id)""",
    # Of what was exchanged up to an exchange and not undone, never more than its own version allowed.
    "nobody exchanged more often than an item allows": """
        SELECT o.id AS what, h.n || ', ' || h.today || ' on the day' AS detail FROM reward_orders o
        JOIN reward_versions v ON v.item_id = o.item_id AND v.version = o.item_version
        CROSS JOIN LATERAL (SELECT count(*) AS n, count(*) FILTER (WHERE x.ordered_on = o.ordered_on) AS today
            FROM reward_orders x WHERE x.item_id = o.item_id AND x.member_id = o.member_id AND x.nth <= o.nth
                AND x.state <> 'cancelled') h
        WHERE o.state <> 'cancelled' AND (h.n > CAST(v.reward ->> 'per_member' AS bigint)
            OR h.today > CAST(v.reward ->> 'per_member_a_day' AS bigint))""",
    "a coupon was given for each exchange that gives one, and is void once that is undone": """
        SELECT o.id AS what, count(c.id) || ' coupons, ' || count(c.id) FILTER (WHERE c.state = 'void') || ' void'
            AS detail
        FROM reward_orders o JOIN reward_versions v ON v.item_id = o.item_id AND v.version = o.item_version
        LEFT JOIN coupons c ON c.source = 'reward' AND c.source_id = o.id AND c.issued_to = o.member_id
            AND c.template_id = v.reward ->> 'gives_id'
        WHERE v.reward ->> 'kind' = 'coupon' GROUP BY o.id, o.state
        HAVING CASE WHEN o.state = 'pending' OR o.cancelled_for IN ('unpaid', 'failed') THEN count(c.id) <> 0
            ELSE count(c.id) <> 1 OR (o.state = 'cancelled' AND count(c.id) FILTER (WHERE c.state = 'void') <> 1) END
        UNION ALL
        SELECT c.id, 'for no exchange' FROM coupons c
        WHERE c.source = 'reward' AND NOT EXISTS (SELECT FROM reward_orders o WHERE o.id = c.source_id)""",
    "a chance was given for each exchange that gives one, and taken back once that is undone": """
        SELECT o.id AS what, count(g.id) || ' given, ' || count(b.id) || ' taken back' AS detail
        FROM reward_orders o JOIN reward_versions v ON v.item_id = o.item_id AND v.version = o.item_version
        LEFT JOIN chance_changes g ON g.kind = 'granted' AND g.source_id = o.id AND g.member_id = o.member_id
            AND g.lottery_id = v.reward ->> 'gives_id' AND g.change = 1
        LEFT JOIN chance_changes b ON b.kind = 'taken_back' AND b.source_id = o.id
        WHERE v.reward ->> 'kind' = 'chance' GROUP BY o.id, o.state
        HAVING CASE WHEN o.state = 'pending' OR o.cancelled_for IN ('unpaid', 'failed') THEN count(g.id) <> 0
            ELSE count(g.id) <> 1 OR (o.state = 'cancelled') <> (count(b.id) = 1) END
        UNION ALL
        SELECT c.source_id, 'a chance for nothing' FROM chance_changes c
        WHERE c.kind = 'granted' AND NOT EXISTS (SELECT FROM reward_orders o WHERE o.id = c.source_id)
            AND NOT EXISTS (SELECT FROM activity_grants g WHERE g.id = c.source_id)""",
    "what was handed over was so in its store, in time, and by a clerk in the audit log": """
        SELECT o.id AS what, 'at ' || o.handed_over_at AS detail FROM reward_orders o
        JOIN terminals t ON t.id = o.terminal_id
        WHERE t.store_id <> o.store_id OR o.handed_over_at >= o.collect_by OR o.handed_over_at < o.ordered_at
            OR NOT EXISTS (SELECT FROM audit_log a WHERE a.action = 'reward.hand_over' AND a.object_id = o.id
                AND a.actor_id = o.handed_over_by AND a.store_id = o.store_id)""",
    "what WeChat Pay took for an exchange is paid for it, or goes back": """
        SELECT coalesce(o.id, p.order_id) AS what, o.wechat_fen || ' fen: ' || o.state || ', '
            || coalesce(p.state, 'none') || coalesce(', ' || p.trouble, '') AS detail
        FROM reward_orders o FULL JOIN reward_payments p ON p.order_id = o.id
        WHERE o.wechat_fen <> coalesce(p.amount_fen, 0) OR p.trouble = 'closed'
            OR (o.wechat_fen > 0 AND NOT CASE o.state WHEN 'pending' THEN p.state = 'created'
                WHEN 'cancelled' THEN p.state IN ('closed', 'refunding', 'refunded') ELSE p.state = 'paid' END)""",
    "what a second person let into the mall, they did agree to": """
        SELECT a.object_id AS what, a.action || ' by ' || a.actor_id AS detail FROM audit_log a
        LEFT JOIN approval_requests r ON r.id = a.data ->> 'approval_id' AND r.kind = 'reward_item'
            AND r.subject = a.object_id AND r.state = 'approved' AND r.requested_by = a.actor_id
        WHERE a.action = 'reward.publish' AND r.id IS NULL""",
    "the mall's guards are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail FROM unnest(ARRAY['reward_versions_append_only',
            'reward_orders_kept', 'reward_orders_end_once', 'reward_payments_kept']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['uq_reward_orders_item_id_member_id_nth',
            'uq_reward_stock_place', 'ck_reward_stock_never_over', 'uq_reward_payments_transaction_id']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
