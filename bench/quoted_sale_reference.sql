-- The rows of a sale by quote, and nothing else: no look, no check, one plain statement after another in one
-- transaction. What the member spends comes out of one lot of each unit, in the order in which the ledger takes them.
-- The guards on the tables stay on, and the audit of the books is asked about these rows too.
\set n :n + 1
\set number :start + :client_id * 100000000000 + :n
\set buyer ((:n - 1) * :clients + :client_id) % :buyers
\set member :first_member + :buyer
\set bonus_lot :first_lot + 3 * :buyer
\set points_lot :bonus_lot + 1
\set principal_lot :bonus_lot + 2
BEGIN;
UPDATE coupons SET used = used + 1, state = 'used' WHERE id = '01REFCPN' || :number RETURNING used AS use_no \gset
INSERT INTO ledger_transactions (kind, source_type, source_id, source_line, store_id, terminal_id, occurred_at,
        business_date)
    VALUES ('spend', 'sale', '01REFQTD' || :number, 0, :store, :terminal, now(), current_date)
    RETURNING id AS spending \gset
UPDATE ledger_accounts SET balance = balance - :bonus, last_seq = last_seq + 1
    WHERE member_id = :member AND unit = 'bonus_fen' RETURNING id AS account, balance, last_seq AS seq \gset
WITH e AS (INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
    VALUES (:spending, 'bonus_fen', - CAST(:bonus AS bigint), :account, :seq, :balance, NULL),
           (:spending, 'bonus_fen', :bonus, NULL, NULL, NULL, 'bonus_spent')
    RETURNING id, account_id)
    SELECT id AS entry FROM e WHERE account_id IS NOT NULL \gset
UPDATE ledger_lots SET remaining = remaining - :bonus WHERE id = :bonus_lot;
INSERT INTO ledger_allocations (entry_id, lot_id, amount) VALUES (:entry, :bonus_lot, :bonus);
UPDATE ledger_accounts SET balance = balance - :points, last_seq = last_seq + 1
    WHERE member_id = :member AND unit = 'points' RETURNING id AS account, balance, last_seq AS seq \gset
WITH e AS (INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
    VALUES (:spending, 'points', - CAST(:points AS bigint), :account, :seq, :balance, NULL),
           (:spending, 'points', :points, NULL, NULL, NULL, 'points_spent')
    RETURNING id, account_id)
    SELECT id AS entry FROM e WHERE account_id IS NOT NULL \gset
UPDATE ledger_lots SET remaining = remaining - :points WHERE id = :points_lot;
INSERT INTO ledger_allocations (entry_id, lot_id, amount) VALUES (:entry, :points_lot, :points);
UPDATE ledger_accounts SET balance = balance - :principal, last_seq = last_seq + 1
    WHERE member_id = :member AND unit = 'principal_fen' RETURNING id AS account, balance, last_seq AS seq \gset
WITH e AS (INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
    VALUES (:spending, 'principal_fen', - CAST(:principal AS bigint), :account, :seq, :balance, NULL),
           (:spending, 'principal_fen', :principal, NULL, NULL, NULL, 'principal_spent')
    RETURNING id, account_id)
    SELECT id AS entry FROM e WHERE account_id IS NOT NULL \gset
UPDATE ledger_lots SET remaining = remaining - :principal WHERE id = :principal_lot;
INSERT INTO ledger_allocations (entry_id, lot_id, amount) VALUES (:entry, :principal_lot, :principal);
INSERT INTO ledger_transactions (kind, source_type, source_id, source_line, store_id, terminal_id, rule_id,
        occurred_at, business_date)
    VALUES ('earn', 'sale', '01REFQTD' || :number, 0, :store, :terminal, :rule, now(), current_date)
    RETURNING id AS earning \gset
UPDATE ledger_accounts SET balance = balance + :earned_points, last_seq = last_seq + 1
    WHERE member_id = :member AND unit = 'points' RETURNING id AS account, balance, last_seq AS seq \gset
WITH e AS (INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
    VALUES (:earning, 'points', :earned_points, :account, :seq, :balance, NULL),
           (:earning, 'points', - CAST(:earned_points AS bigint), NULL, NULL, NULL, 'points_issued')
    RETURNING id, account_id)
    SELECT id AS entry FROM e WHERE account_id IS NOT NULL \gset
INSERT INTO ledger_lots (account_id, entry_id, store_id, amount, remaining, available_at, expires_at)
    VALUES (:account, :entry, :store, :earned_points, :earned_points, now(), now() + interval '366 days');
UPDATE quotes SET used_at = now() WHERE id = '01REFQTD' || :number RETURNING created_at AS priced_at \gset
INSERT INTO sales (id, store_id, terminal_id, member_id, ticket_id, receipt_no, amount_fen, points_earned, rule_id,
        tier_code, earned, occurred_at, business_date, quote_id, priced_at, discount_fen, discounts)
    VALUES ('01REFQTD' || :number, :store, :terminal, :member, 'quoted-reference-ticket--' || :number,
        'RQ' || :number, :amount_fen, :earned_points, :rule, :tier, CAST(:earned AS jsonb), now(), current_date,
        '01REFQTD' || :number, CAST(:priced_at AS timestamptz), :discount_fen, CAST(:discounts_0 || :number || :discounts_1 AS jsonb));
INSERT INTO sale_lines (sale_id, line_no, sku, name, category, quantity, unit_price_fen, points_earned, discount_fen,
        excluded_fen)
    VALUES ('01REFQTD' || :number, 1, :sku_1, :name_1, :category_1, :quantity_1, :price_1, :points_1, :off_1,
            :excluded_1),
           ('01REFQTD' || :number, 2, :sku_2, :name_2, :category_2, :quantity_2, :price_2, :points_2, :off_2,
            :excluded_2);
INSERT INTO coupon_redemptions (id, coupon_id, use_no, member_id, sale_id, store_id, terminal_id, discount_fen,
        occurred_at, business_date)
    VALUES ('01REFRDM' || :number, '01REFCPN' || :number, :use_no, :member, '01REFQTD' || :number, :store, :terminal,
        :coupon_fen, now(), current_date);
INSERT INTO coupon_events (coupon_id, kind, member_id, store_id, redemption_id, at)
    VALUES ('01REFCPN' || :number, 'redeemed', :member, :store, '01REFRDM' || :number, now());
INSERT INTO sale_tenders (sale_id, kind, amount_fen, points)
    VALUES ('01REFQTD' || :number, 'points', :points_fen, :points),
           ('01REFQTD' || :number, 'bonus', :bonus, 0),
           ('01REFQTD' || :number, 'principal', :principal, 0),
           ('01REFQTD' || :number, 'cash', :cash_fen, 0);
INSERT INTO facts (kind, subject, member_id, payload, created_at)
    VALUES ('sale_completed', '01REFQTD' || :number, :member, CAST(:payload AS jsonb), now());
INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES (:scope, 'quoted-reference-' || :number, CAST(:hash AS bytea), :answer_0 || :number || :answer_1 || :number
        || :answer_2 || :number || :answer_3,
        now());
COMMIT;
