"""Questions about activities; asked with all others (app/ledger/check.py)."""

from app.clock import HOME_ZONE

ENGAGEMENT_QUESTIONS = {
    "what an activity gave is in the books, once": """
        SELECT g.id AS what, g.points || ' points, posted ' || coalesce(e.amount::text, 'none') AS detail
        FROM activity_grants g
        LEFT JOIN ledger_transactions t ON t.kind = 'activity' AND t.source_type = 'activity_grant'
            AND t.source_id = g.id
        LEFT JOIN (SELECT x.transaction_id, a.member_id, sum(x.amount) AS amount FROM ledger_entries x
            JOIN ledger_accounts a ON a.id = x.account_id WHERE x.amount > 0 AND x.unit = 'points' GROUP BY 1, 2) e
            ON e.transaction_id = t.id
        WHERE g.points <> coalesce(e.amount, 0) OR (g.points > 0 AND e.member_id <> g.member_id)
        UNION ALL
        SELECT t.source_id, 'no grant for ' || t.kind FROM ledger_transactions t
        WHERE t.source_type = 'activity_grant' AND NOT EXISTS (SELECT FROM activity_grants g WHERE g.id = t.source_id)
        UNION ALL
        SELECT g.id, g.coupons || ' coupons, issued ' || coalesce(c.n, 0) FROM activity_grants g
        LEFT JOIN (SELECT source_id, template_id, issued_to, count(*) AS n FROM coupons WHERE source = 'activity'
            GROUP BY 1, 2, 3) c ON (c.source_id, c.template_id, c.issued_to) = (g.id, g.template_id, g.member_id)
        WHERE g.coupons <> coalesce(c.n, 0)
        UNION ALL
        SELECT g.id, g.chances || ' chances, given ' || coalesce(c.change, 0) FROM activity_grants g
        LEFT JOIN chance_changes c ON c.kind = 'granted' AND c.source_id = g.id
            AND (c.lottery_id, c.member_id) = (g.lottery_id, g.member_id)
        WHERE g.chances <> coalesce(c.change, 0)""",
    "what was taken back is in the books": """
        SELECT g.id AS what, 'points without a transaction' AS detail FROM activity_grants g
        WHERE g.points > 0 AND (g.taken_back_at IS NULL) = EXISTS (SELECT FROM ledger_transactions t
            WHERE t.kind = 'activity_back' AND t.source_type = 'activity_grant' AND t.source_id = g.id)
        UNION ALL
        SELECT g.id, g.coupons_kept || ' kept of ' || g.coupons || ', void ' || v.n FROM activity_grants g
        CROSS JOIN LATERAL (SELECT count(*) AS n FROM coupons c WHERE c.source = 'activity' AND c.source_id = g.id
            AND c.state = 'void') v
        WHERE g.coupons - g.coupons_kept > v.n
        UNION ALL
        SELECT g.id, g.chances_kept || ' chances kept of ' || g.chances FROM activity_grants g
        LEFT JOIN chance_changes c ON c.kind = 'taken_back' AND c.source_id = g.id
        WHERE g.chances - g.chances_kept <> coalesce(-c.change, 0)""",
    "an activity never gave more than its budget": """
        SELECT b.activity_id AS what, b.unit || ': ' || b.given || ' of ' || b.most || ', granted ' || g.total AS detail
        FROM activity_budgets b CROSS JOIN LATERAL (
            SELECT coalesce(sum(CASE b.unit WHEN 'points' THEN x.points ELSE x.coupons END), 0) AS total
            FROM activity_grants x WHERE x.activity_id = b.activity_id) g
        WHERE b.given <> g.total OR b.given > b.most""",
    "chances are those that were given, and each draw used one or points": """
        SELECT m.member_id::text AS what, m.chances_given || ', used ' || m.chances_used AS detail
        FROM activity_members m LEFT JOIN (SELECT lottery_id, member_id,
                sum(change) FILTER (WHERE kind <> 'used') AS given, -sum(change) FILTER (WHERE kind = 'used') AS used
            FROM chance_changes GROUP BY 1, 2) c ON (c.lottery_id, c.member_id) = (m.activity_id, m.member_id)
        WHERE (m.chances_given, m.chances_used) IS DISTINCT FROM
            (coalesce(c.given, 0)::integer, coalesce(c.used, 0)::integer)
        UNION ALL
        SELECT d.id, d.cost_points || ' points' FROM lottery_draws d
        LEFT JOIN chance_changes c ON c.kind = 'used' AND c.source_id = d.id
        LEFT JOIN ledger_transactions t ON t.kind = 'lottery' AND t.source_type = 'draw' AND t.source_id = d.id
        LEFT JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
        WHERE num_nonnulls(c.id, t.id) <> 1 OR coalesce(-e.amount, 0) <> d.cost_points
        UNION ALL
        SELECT t.source_id, 'paid for no draw' FROM ledger_transactions t
        WHERE t.source_type = 'draw' AND NOT EXISTS (SELECT FROM lottery_draws d WHERE d.id = t.source_id)""",
    "no prize was won more often than there were": """
        SELECT s.round_id AS what, 'prize ' || s.prize_no || ': ' || s.won || ' of ' || s.stock || ', drawn ' || d.n
            AS detail
        FROM lottery_stock s CROSS JOIN LATERAL (SELECT count(*) AS n, coalesce(max(x.win_no), 0) AS last
            FROM lottery_draws x WHERE x.round_id = s.round_id AND x.given = s.prize_no) d
        WHERE s.won <> d.n OR s.won <> d.last OR s.won > s.stock""",
    "members' draws are numbered without a gap, within their round and its limits": """
        SELECT d.id AS what, 'draw ' || d.draw_no || ', ' || d.nth_of_day || ' of the day' AS detail FROM (
            SELECT x.*, row_number() OVER (PARTITION BY round_id, member_id ORDER BY draw_no) AS place,
                row_number() OVER (PARTITION BY round_id, member_id, drawn_on ORDER BY draw_no) AS of_day
            FROM lottery_draws x) d JOIN lottery_rounds r ON r.id = d.round_id
        WHERE d.draw_no <> d.place OR d.nth_of_day <> d.of_day OR d.nth_of_day > d.most_a_day
            OR d.drawn_at < r.starts_at OR d.drawn_at >= r.ends_at""",
    "a prize is what its number fell on, or the fallback for a reason": """
        SELECT d.id AS what, d.number || ' gave ' || d.drawn || ', given ' || d.given AS detail
        FROM lottery_draws d JOIN lottery_rounds r ON r.id = d.round_id
        CROSS JOIN LATERAL (SELECT count(*) + 1 AS prize_no FROM (
            SELECT sum((p.prize ->> 'weight')::bigint) OVER (ORDER BY p.place) AS upto
            FROM jsonb_array_elements(r.terms -> 'prizes') WITH ORDINALITY AS p (prize, place)) x
            WHERE x.upto <= d.number) n
        WHERE d.drawn <> n.prize_no
            OR d.given <> CASE WHEN d.instead IS NULL THEN d.drawn ELSE (r.terms ->> 'fallback')::integer END
            OR (d.instead = 'used_up' AND EXISTS (SELECT FROM lottery_stock s WHERE s.round_id = d.round_id
                AND s.prize_no = d.drawn AND s.won < s.stock))""",
    "a seed was published before and told after its round": """
        SELECT r.id AS what, r.commitment AS detail FROM lottery_rounds r
        WHERE r.committed_at >= r.starts_at OR r.revealed_at < r.ends_at
            OR (r.seed IS NOT NULL AND encode(sha256(r.seed), 'hex') <> r.commitment)
            OR NOT EXISTS (SELECT FROM lottery_seeds s WHERE s.round_id = r.id)
        UNION ALL
        SELECT a.id, 'at the same time as ' || b.id FROM lottery_rounds a JOIN lottery_rounds b
            ON b.activity_id = a.activity_id AND b.id > a.id AND a.starts_at < b.ends_at AND b.starts_at < a.ends_at""",
    "a day was checked in on the day, or made up within the limits": f"""
        SELECT c.member_id::text AS what, c.day::text AS detail FROM check_ins c
        CROSS JOIN LATERAL (SELECT (c.at AT TIME ZONE '{HOME_ZONE}')::date AS on_day) o
        WHERE CASE WHEN c.make_up_nth IS NULL THEN c.day <> o.on_day
            ELSE c.day >= o.on_day OR c.make_up_nth > c.make_up_most OR c.grant_id IS NOT NULL END
        UNION ALL
        SELECT g.member_id::text, 'granted for ' || g.source FROM activity_grants g
        JOIN activities a ON a.id = g.activity_id AND a.kind = 'check_in'
        WHERE NOT EXISTS (SELECT FROM check_ins c WHERE c.grant_id = g.id AND c.member_id = g.member_id
            AND 'day:' || c.day = g.source)""",  # noqa: S608  # a constant of our own
    "days that were made up were paid for": """
        SELECT x.member_id::text AS what, x.points || ' paid for ' || x.cost AS detail FROM (
            SELECT member_id, sum(points)::bigint AS points, sum(cost)::bigint AS cost FROM (
                SELECT a.member_id, -e.amount AS points, 0 AS cost FROM ledger_transactions t
                JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id IS NOT NULL
                JOIN ledger_accounts a ON a.id = e.account_id WHERE t.kind = 'make_up'
                UNION ALL SELECT member_id, 0, cost_points FROM check_ins) y GROUP BY 1) x
        WHERE x.points <> x.cost""",
    "a promotion has its rule while it is on, and none afterwards": """
        SELECT a.id AS what, 'on without a rule' AS detail FROM activities a
        WHERE a.kind = 'promotion' AND a.state = 'live'
            AND (num_nonnulls(a.definition -> 'factor_bp', a.definition -> 'points') > 0 AND NOT EXISTS (
                SELECT FROM activity_rules r WHERE r.activity_id = a.id AND r.book = 'earn_rule')
            OR a.definition -> 'discount' IS NOT NULL AND NOT EXISTS (
                SELECT FROM activity_rules r WHERE r.activity_id = a.id AND r.book = 'discount_rule'))
        UNION ALL
        SELECT r.activity_id, r.book || ' ' || r.rule_no || CASE WHEN v.versions = 0 THEN ' is not there'
            ELSE ' has never ended' END
        FROM activity_rules r JOIN activities a ON a.id = r.activity_id
        CROSS JOIN LATERAL (
            SELECT count(*) AS versions, count(*) FILTER (WHERE until = begun) AS ends FROM (
                SELECT effective_from AS begun, effective_until AS until FROM earn_rules
                WHERE r.book = 'earn_rule' AND rule_no = r.rule_no
                UNION ALL SELECT effective_from, effective_until FROM discount_rules
                WHERE r.book = 'discount_rule' AND rule_no = r.rule_no) x) v
        WHERE v.versions = 0 OR a.state <> 'live' AND v.ends = 0""",
    "the guards of activities are in place": """
        SELECT w AS what, 'trigger missing or off' AS detail
        FROM unnest(ARRAY['activity_grants_kept', 'chance_changes_append_only', 'check_ins_append_only',
            'lottery_rounds_kept', 'lottery_seeds_append_only', 'lottery_stock_kept',
            'lottery_draws_append_only', 'activity_rules_append_only']) w
        WHERE NOT EXISTS (SELECT FROM pg_trigger g WHERE g.tgname = w AND g.tgenabled IN ('O', 'A'))
        UNION ALL
        SELECT w, 'unique key or limit missing' FROM unnest(ARRAY['uq_activity_grants_activity_id_member_id_source',
            'ck_activity_budgets_never_over', 'ck_activity_members_never_over', 'uq_chance_changes_kind_source_id',
            'pk_check_ins', 'ck_check_ins_make_ups_within', 'ck_lottery_stock_never_over',
            'ck_lottery_rounds_seed_is_the_one', 'uq_lottery_draws_round_id_member_id_draw_no',
            'uq_lottery_draws_round_id_member_id_drawn_on_nth_of_day',
            'uq_lottery_draws_round_id_given_win_no', 'ck_lottery_draws_draws_within']) w
        WHERE NOT EXISTS (SELECT FROM pg_constraint p WHERE p.conname = w)""",
}
