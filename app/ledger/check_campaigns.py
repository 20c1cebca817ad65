"""Questions about campaigns; asked with all others (app/ledger/check.py)."""

CAMPAIGN_QUESTIONS = {
    "what a campaign gave is in the books, once, and given to nobody else": """
        SELECT c.id AS what, 'member ' || m.member_id || ': ' || n.coupons || ' coupons, ' || p.points || ' points'
            AS detail
        FROM campaigns c JOIN campaign_members m ON m.campaign_id = c.id AND m.given
        CROSS JOIN LATERAL (SELECT count(*) AS coupons FROM coupons x WHERE x.source = 'campaign'
            AND x.source_id = c.id AND x.issued_to = m.member_id
            AND x.template_id = c.gift ->> 'coupon_template') n
        CROSS JOIN LATERAL (SELECT coalesce(sum(e.amount), 0) AS points FROM ledger_transactions t
            JOIN ledger_entries e ON e.transaction_id = t.id AND e.amount > 0 AND e.unit = 'points'
            JOIN ledger_accounts a ON a.id = e.account_id AND a.member_id = m.member_id
            WHERE t.kind = 'campaign' AND t.source_type = 'campaign' AND t.source_id = c.id || ':' || m.member_id) p
        WHERE n.coupons <> coalesce(CAST(c.gift ->> 'coupons' AS integer), 0)
            OR p.points <> coalesce(CAST(c.gift ->> 'points' AS integer), 0)
        UNION ALL
        SELECT x.id, 'for no member of campaign ' || x.source_id FROM coupons x WHERE x.source = 'campaign'
            AND NOT EXISTS (SELECT FROM campaign_members m WHERE m.campaign_id = x.source_id
                AND m.member_id = x.issued_to AND m.given)
        UNION ALL
        SELECT t.source_id, 'points for no member' FROM ledger_transactions t WHERE t.kind = 'campaign'
            AND NOT EXISTS (SELECT FROM campaign_members m WHERE m.given
                AND m.campaign_id = split_part(t.source_id, ':', 1)
                AND m.member_id = CAST(split_part(t.source_id, ':', 2) AS bigint))""",
    "whoever was told has what the campaign gives": """
        SELECT c.id AS what, 'member ' || m.member_id || ' was told and given nothing' AS detail
        FROM campaigns c JOIN campaign_members m ON m.campaign_id = c.id AND m.arm = 'told' AND m.state = 'planned'
        WHERE c.gift <> '{}' AND NOT m.given""",
    "a campaign spent what stands with its members, within its budget": """
        SELECT c.id AS what, c.spent || ' instead of ' || m.cost AS detail FROM campaigns c
        CROSS JOIN LATERAL (SELECT coalesce(sum(message_cost + gift_cost), 0) AS cost FROM campaign_members
            WHERE campaign_id = c.id) m
        WHERE c.spent <> m.cost OR c.spent > c.budget_fen * 1000""",
    "the guards of campaigns are in place": """
        SELECT w AS what, 'unique key or limit missing' AS detail FROM unnest(ARRAY['pk_campaign_members',
            'ck_campaigns_never_over', 'ck_campaign_members_held_out_gets_nothing']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
