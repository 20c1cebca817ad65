-- The rows of a sale, and nothing else: no look, no check, one plain statement after another in one transaction.
-- The guards on the tables stay on, and the audit of the books is asked about these rows too.
\set n :n + 1
\set number 100000000000000000 + :run * 100000000000000 + :client_id * 100000000000 + :n
\set member random(1, :members)
BEGIN;
INSERT INTO ledger_transactions (kind, source_type, source_id, source_line, store_id, terminal_id, rule_id,
        occurred_at, business_date)
    VALUES ('earn', 'sale', '01REFRNC' || :number, 0, :store, :terminal, :rule, now(), current_date)
    RETURNING id AS transaction \gset
UPDATE ledger_accounts SET balance = balance + :points, last_seq = last_seq + 1
    WHERE member_id = :member AND unit = 'points' RETURNING id AS account, balance, last_seq AS seq \gset
WITH e AS (INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
    VALUES (:transaction, 'points', :points, :account, :seq, :balance, NULL),
           (:transaction, 'points', - CAST(:points AS bigint), NULL, NULL, NULL, 'points_issued')
    RETURNING id, account_id)
    SELECT id AS entry FROM e WHERE account_id IS NOT NULL \gset
INSERT INTO ledger_lots (account_id, entry_id, store_id, amount, remaining, available_at, expires_at)
    VALUES (:account, :entry, :store, :points, :points, now(), now() + interval '366 days');
INSERT INTO sales (id, store_id, terminal_id, member_id, ticket_id, receipt_no, amount_fen, points_earned, rule_id,
        tier_code, earned, occurred_at, business_date)
    VALUES ('01REFRNC' || :number, :store, :terminal, :member, 'ticket-of-the-reference--' || :number,
        'R' || :number, :amount_fen, :points, :rule, 'normal', CAST(:earned AS jsonb), now(), current_date);
INSERT INTO sale_lines (sale_id, line_no, sku, name, quantity, unit_price_fen, points_earned)
    VALUES ('01REFRNC' || :number, 1, :sku_1, :name_1, :quantity_1, :price_1, :points_1),
           ('01REFRNC' || :number, 2, :sku_2, :name_2, :quantity_2, :price_2, :points_2);
INSERT INTO facts (kind, subject, member_id, payload, created_at)
    VALUES ('sale_completed', '01REFRNC' || :number, :member, CAST(:payload AS jsonb), now());
INSERT INTO idempotency_keys (scope, key, request_hash, answer, created_at)
    VALUES (:scope, 'reference-' || :number, CAST(:hash AS bytea), :answer_head || :number || :answer_tail, now());
COMMIT;
