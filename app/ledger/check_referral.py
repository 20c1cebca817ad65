"""Questions about members who brought members; asked with all others (app/ledger/check.py)."""

REFERRAL_QUESTIONS = {
    "whoever was brought was new then, and by somebody who was there": """
        SELECT r.id AS what, 'joined ' || n.joined_at || ', written ' || r.joined_at AS detail FROM referrals r
        JOIN members n ON n.id = r.newcomer_id JOIN members i ON i.id = r.inviter_id
        WHERE r.joined_at <> n.joined_at OR i.joined_at > n.joined_at OR i.id = n.id
            OR NOT EXISTS (SELECT FROM invite_codes c WHERE c.member_id = r.inviter_id)""",
    "a referral brought both what its purchase was worth, once": """
        SELECT r.id AS what, 'grant ' || g.id || ' of ' || g.member_id || ' for ' || g.source AS detail FROM referrals r
        JOIN activity_grants g ON g.id IN (r.inviter_grant_id, r.newcomer_grant_id)
        WHERE g.activity_id <> r.activity_id OR g.source <> 'sale:' || r.sale_id
            OR g.member_id <> CASE g.id WHEN r.inviter_grant_id THEN r.inviter_id ELSE r.newcomer_id END
            OR (g.taken_back_at IS NULL) <> (r.state = 'rewarded')
        UNION ALL
        SELECT g.id, 'standing without a referral' FROM activity_grants g
        JOIN activities a ON a.id = g.activity_id AND a.kind = 'referral'
        WHERE g.taken_back_at IS NULL AND NOT EXISTS (SELECT FROM referrals r
            WHERE g.id IN (r.inviter_grant_id, r.newcomer_grant_id))""",
    "what counted was the newcomer's, in time and large enough": """
        SELECT r.id AS what, 'sale ' || s.id || ' of ' || s.amount_fen AS detail FROM referrals r
        JOIN sales s ON s.id = r.sale_id
        WHERE s.member_id IS DISTINCT FROM r.newcomer_id OR s.amount_fen < r.at_least_fen
            OR s.occurred_at < r.joined_at OR s.occurred_at >= r.buy_until
        UNION ALL
        SELECT r.id, 'refunded, and stands' FROM referrals r JOIN sales s ON s.id = r.sale_id
        WHERE r.state = 'rewarded' AND s.amount_fen - coalesce((SELECT sum(x.amount_fen) FROM refunds x
                WHERE x.sale_id = s.id), 0) < r.at_least_fen
            AND NOT EXISTS (SELECT FROM facts f WHERE f.handled_at IS NULL AND f.kind = 'sale_refunded'
                AND f.member_id = r.newcomer_id)
            AND NOT EXISTS (SELECT FROM gifts_due d WHERE d.member_id = r.newcomer_id)""",
    "an inviter's referrals are counted without a gap and within the caps": """
        SELECT r.id AS what, r.nth || ' of ' || r.most || ', ' || r.nth_of_day || ' of the day' AS detail FROM (
            SELECT x.*, row_number() OVER (PARTITION BY activity_id, inviter_id ORDER BY nth) AS place,
                row_number() OVER (PARTITION BY activity_id, inviter_id, counted_on ORDER BY nth_of_day) AS of_day
            FROM referrals x WHERE x.nth IS NOT NULL) r
        WHERE r.nth <> r.place OR r.nth_of_day <> r.of_day OR r.nth > r.most OR r.nth_of_day > r.most_a_day""",
    "the guards of referrals are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail
        FROM unnest(ARRAY['referrals_kept', 'invite_codes_append_only']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['uq_referrals_newcomer_id', 'uq_invite_codes_code',
            'uq_referrals_activity_id_inviter_id_nth', 'uq_referrals_activity_id_inviter_id_counted_on_nth_of_day',
            'ck_referrals_not_oneself', 'ck_referrals_within_cap', 'ck_referrals_within_day_cap']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
