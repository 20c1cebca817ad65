"""Refunds of top-ups, what top-ups earn by rules, and an end for top-ups that nobody agreed to."""

from alembic import op

revision = "0013_top_up_refunds"
down_revision = "0012_quotes"

TABLES = """
ALTER TABLE top_ups ADD COLUMN points_earned BIGINT DEFAULT 0 NOT NULL, ADD COLUMN rule_id BIGINT,
    ADD COLUMN earned JSONB DEFAULT '[]' NOT NULL,
    ADD CONSTRAINT ck_top_ups_earned_once_credited CHECK (
        points_earned >= 0 AND (state = 'credited' OR points_earned = 0)),
    ADD CONSTRAINT fk_top_ups_rule_id FOREIGN KEY(rule_id) REFERENCES earn_rules (id),
    DROP CONSTRAINT ck_top_ups_by_wechat_pay,
    ADD CONSTRAINT ck_top_ups_by_wechat_pay CHECK ((method = 'wechat_pay') = (expires_at IS NOT NULL)
        AND state <> CASE method WHEN 'wechat_pay' THEN 'waiting' ELSE 'created' END);
CREATE INDEX ix_top_ups_waiting ON top_ups (approval_id) WHERE state = 'waiting';
ALTER TABLE top_up_offers ADD COLUMN approval_id VARCHAR(26),
    ADD CONSTRAINT uq_top_up_offers_approval_id UNIQUE (approval_id),
    ADD CONSTRAINT fk_top_up_offers_approval_id FOREIGN KEY(approval_id) REFERENCES approval_requests (id);

CREATE TABLE top_up_refunds (
    id VARCHAR(26) NOT NULL,
    top_up_id VARCHAR(26) NOT NULL,
    method VARCHAR(10) NOT NULL,
    state VARCHAR(6) NOT NULL,
    principal_fen BIGINT NOT NULL,
    deducted_fen BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL,
    bonus_fen BIGINT NOT NULL,
    bonus_charged_fen BIGINT NOT NULL,
    cooling_off BOOLEAN NOT NULL,
    policy_version INTEGER NOT NULL,
    reason VARCHAR(16) NOT NULL,
    store_id BIGINT,
    terminal_id BIGINT,
    staff_id BIGINT NOT NULL,
    refund_no VARCHAR(40),
    alone_fen BIGINT NOT NULL,
    approval_id VARCHAR(26),
    asked_at timestamptz NOT NULL,
    business_date DATE NOT NULL,
    tried_at timestamptz,
    accepted BOOLEAN NOT NULL,
    trouble VARCHAR(32),
    paid_at timestamptz,
    ended_at timestamptz,
    CONSTRAINT pk_top_up_refunds PRIMARY KEY (id),
    CONSTRAINT uq_top_up_refunds_store_id_refund_no UNIQUE (store_id, refund_no),
    CONSTRAINT uq_top_up_refunds_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_top_up_refunds_method CHECK (method IN ('cash', 'card', 'wechat_pay')),
    CONSTRAINT ck_top_up_refunds_state CHECK (state IN ('asked', 'done', 'failed')),
    CONSTRAINT ck_top_up_refunds_sums CHECK (
        amount_fen > 0 AND amount_fen = principal_fen - deducted_fen AND least(deducted_fen, bonus_fen) >= 0
        AND deducted_fen <= bonus_charged_fen),
    CONSTRAINT ck_top_up_refunds_ended CHECK ((state = 'asked') = (ended_at IS NULL)),
    CONSTRAINT ck_top_up_refunds_where CHECK (CASE method WHEN 'wechat_pay'
        THEN num_nonnulls(store_id, terminal_id, refund_no) = 0
        ELSE num_nonnulls(store_id, terminal_id, refund_no) = 3 AND state = 'done' END),
    CONSTRAINT ck_top_up_refunds_paid CHECK (method <> 'wechat_pay' OR state <> 'done' OR paid_at IS NOT NULL),
    CONSTRAINT ck_top_up_refunds_second_person CHECK (amount_fen <= alone_fen OR approval_id IS NOT NULL),
    CONSTRAINT fk_top_up_refunds_top_up_id FOREIGN KEY(top_up_id) REFERENCES top_ups (id),
    CONSTRAINT fk_top_up_refunds_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_top_up_refunds_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_top_up_refunds_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT fk_top_up_refunds_approval_id FOREIGN KEY(approval_id) REFERENCES approval_requests (id)
);

CREATE INDEX ix_top_up_refunds_top_up_id ON top_up_refunds (top_up_id);
CREATE UNIQUE INDEX uq_top_up_refunds_one_asked ON top_up_refunds (top_up_id) WHERE state = 'asked';
CREATE INDEX ix_top_up_refunds_asked ON top_up_refunds (asked_at) WHERE state = 'asked';

CREATE TABLE top_up_refund_points (
    refund_id VARCHAR(26) NOT NULL,
    entry_id BIGINT NOT NULL,
    points BIGINT NOT NULL,
    points_taken BIGINT NOT NULL,
    points_owed BIGINT NOT NULL,
    points_lapsed BIGINT NOT NULL,
    CONSTRAINT pk_top_up_refund_points PRIMARY KEY (refund_id, entry_id),
    CONSTRAINT ck_top_up_refund_points_whole CHECK (points > 0 AND points = points_taken + points_owed + points_lapsed
        AND least(points_taken, points_owed, points_lapsed) >= 0),
    CONSTRAINT fk_top_up_refund_points_refund_id FOREIGN KEY(refund_id) REFERENCES top_up_refunds (id),
    CONSTRAINT fk_top_up_refund_points_entry_id FOREIGN KEY(entry_id) REFERENCES ledger_entries (id)
);
"""

GUARDS = """
-- What was asked for stays as it was asked for; only how it goes on may be written, and how it ended once.
CREATE TRIGGER top_up_refunds_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id, top_up_id, method, principal_fen,
    deducted_fen, amount_fen, bonus_fen, bonus_charged_fen, cooling_off, policy_version, reason, store_id, terminal_id,
    staff_id, refund_no, alone_fen, approval_id, asked_at, business_date ON top_up_refunds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER top_up_refunds_end_once BEFORE UPDATE OF state, ended_at ON top_up_refunds
    FOR EACH ROW WHEN (OLD.state <> 'asked') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER top_up_refund_points_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON top_up_refund_points
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

TAKE = """
-- Takes value out of the very lots that entries opened, and out of no other: objects {entry_id, amount, house}. What
-- may not be spent yet is taken as well; what has ended is not. Called by app/ledger/take.py alone.
-- Raises MC003 when a lot holds less, unique_violation when the cause was posted before.
CREATE FUNCTION ledger_take(
    p_kind text, p_source_type text, p_source_id text, p_store bigint, p_terminal bigint, p_staff bigint, p_note text,
    p_at timestamptz, p_business_date date, p_takes jsonb
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_transaction bigint;
    v_take record;
    v_lot bigint;
    v_entry bigint;
    v_balance bigint;
    v_seq bigint;
BEGIN
    INSERT INTO ledger_transactions (kind, source_type, source_id, store_id, terminal_id, staff_id, note, reverses_id,
            occurred_at, business_date)
        SELECT p_kind, p_source_type, p_source_id, p_store, p_terminal, p_staff, p_note, min(e.transaction_id),
            p_at, p_business_date
        FROM ledger_entries e WHERE e.id IN (
            SELECT t.entry_id FROM jsonb_to_recordset(p_takes) AS t (entry_id bigint))
        RETURNING id INTO v_transaction;
    -- By unit, as everybody takes the accounts of a member.
    FOR v_take IN
            SELECT t.entry_id, t.amount, t.house, e.unit, e.account_id
            FROM jsonb_to_recordset(p_takes) AS t (entry_id bigint, amount bigint, house text)
            JOIN ledger_entries e ON e.id = t.entry_id JOIN ledger_accounts a ON a.id = e.account_id
            ORDER BY a.member_id, e.unit, t.entry_id, t.house LOOP
        UPDATE ledger_accounts a SET balance = a.balance - v_take.amount, last_seq = a.last_seq + 1
            WHERE a.id = v_take.account_id AND a.balance >= v_take.amount
            RETURNING a.balance, a.last_seq INTO v_balance, v_seq;
        IF FOUND THEN
            UPDATE ledger_lots l SET remaining = l.remaining - v_take.amount
                WHERE l.entry_id = v_take.entry_id AND l.remaining >= v_take.amount
                    AND (l.expires_at IS NULL OR l.expires_at > p_at)
                RETURNING l.id INTO v_lot;
        END IF;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'not enough %', v_take.unit USING ERRCODE = 'MC003', DETAIL = v_take.unit;
        END IF;
        WITH added AS (
            INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
                VALUES (v_transaction, v_take.unit, -v_take.amount, v_take.account_id, v_seq, v_balance, NULL),
                       (v_transaction, v_take.unit, v_take.amount, NULL, NULL, NULL, v_take.house)
                RETURNING id, account_id)
            SELECT n.id INTO STRICT v_entry FROM added n WHERE n.account_id IS NOT NULL;
        INSERT INTO ledger_allocations (entry_id, lot_id, amount) VALUES (v_entry, v_lot, v_take.amount);
    END LOOP;
    RETURN v_transaction;
END $$;

-- Undoes what `ledger_take` did for a cause: the same amounts go back into the same lots, with the ends they had.
-- Raises unique_violation when it was undone before.
CREATE FUNCTION ledger_put_back(
    p_of_kind text, p_kind text, p_source_type text, p_source_id text, p_store bigint, p_terminal bigint,
    p_staff bigint, p_note text, p_at timestamptz, p_business_date date
) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_former bigint;
    v_transaction bigint;
    v_taken record;
    v_entry bigint;
    v_balance bigint;
    v_seq bigint;
BEGIN
    SELECT t.id INTO STRICT v_former FROM ledger_transactions t
        WHERE t.kind = p_of_kind AND t.source_type = p_source_type AND t.source_id = p_source_id AND t.source_line = 0;
    INSERT INTO ledger_transactions (kind, source_type, source_id, store_id, terminal_id, staff_id, note, reverses_id,
            occurred_at, business_date)
        VALUES (p_kind, p_source_type, p_source_id, p_store, p_terminal, p_staff, p_note, v_former,
            p_at, p_business_date)
        RETURNING id INTO v_transaction;
    FOR v_taken IN
            SELECT e.unit, e.account_id, x.lot_id, x.amount, (
                SELECT h.house FROM ledger_entries h WHERE h.transaction_id = v_former AND h.id <> e.id
                    AND h.account_id IS NULL AND h.unit = e.unit AND h.amount = -e.amount LIMIT 1) AS house
            FROM ledger_entries e JOIN ledger_allocations x ON x.entry_id = e.id
            JOIN ledger_accounts a ON a.id = e.account_id
            WHERE e.transaction_id = v_former ORDER BY a.member_id, e.unit, e.id LOOP
        UPDATE ledger_accounts a SET balance = a.balance + v_taken.amount, last_seq = a.last_seq + 1
            WHERE a.id = v_taken.account_id RETURNING a.balance, a.last_seq INTO v_balance, v_seq;
        UPDATE ledger_lots l SET remaining = l.remaining + v_taken.amount WHERE l.id = v_taken.lot_id;
        WITH added AS (
            INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
                VALUES (v_transaction, v_taken.unit, v_taken.amount, v_taken.account_id, v_seq, v_balance, NULL),
                       (v_transaction, v_taken.unit, -v_taken.amount, NULL, NULL, NULL, v_taken.house)
                RETURNING id, account_id)
            SELECT n.id INTO STRICT v_entry FROM added n WHERE n.account_id IS NOT NULL;
        INSERT INTO ledger_allocations (entry_id, lot_id, amount) VALUES (v_entry, v_taken.lot_id, -v_taken.amount);
    END LOOP;
    RETURN v_transaction;
END $$;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(TAKE)


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_put_back")
    op.execute("DROP FUNCTION ledger_take")
    op.execute("DROP TABLE top_up_refund_points, top_up_refunds")
    op.execute(
        "ALTER TABLE top_up_offers DROP COLUMN approval_id;"
        "DROP INDEX ix_top_ups_waiting;"
        "ALTER TABLE top_ups DROP COLUMN points_earned, DROP COLUMN rule_id, DROP COLUMN earned,"
        " DROP CONSTRAINT ck_top_ups_by_wechat_pay, ADD CONSTRAINT ck_top_ups_by_wechat_pay CHECK ("
        "(method = 'wechat_pay') = (expires_at IS NOT NULL)"
        " AND (method = 'wechat_pay' OR state IN ('waiting', 'credited'))) NOT VALID"
    )
