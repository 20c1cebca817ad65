"""Quotes; sales with discounts and tenders; what a sale spent goes back into the lots it came from."""

from alembic import op

revision = "0012_quotes"
down_revision = "0011_discounts"

TABLES = """
CREATE TABLE quotes (
    id VARCHAR(26) NOT NULL,
    store_id BIGINT NOT NULL,
    terminal_id BIGINT NOT NULL,
    staff_id BIGINT,
    ticket_id VARCHAR(43),
    member_id BIGINT,
    stored_value_fen BIGINT NOT NULL,
    priced JSONB NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    confirmation VARCHAR(9) NOT NULL,
    decided_at timestamptz,
    used_at timestamptz,
    CONSTRAINT pk_quotes PRIMARY KEY (id),
    CONSTRAINT ck_quotes_confirmation CHECK (confirmation IN ('none', 'pending', 'confirmed', 'declined')),
    CONSTRAINT ck_quotes_decided CHECK ((confirmation IN ('confirmed', 'declined')) = (decided_at IS NOT NULL)),
    CONSTRAINT ck_quotes_used_once_confirmed CHECK (used_at IS NULL OR confirmation IN ('none', 'confirmed')),
    CONSTRAINT ck_quotes_member_has_ticket CHECK ((member_id IS NULL) = (ticket_id IS NULL)),
    CONSTRAINT fk_quotes_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_quotes_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_quotes_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT fk_quotes_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE INDEX ix_quotes_expires_at ON quotes (expires_at);
CREATE INDEX ix_quotes_to_confirm ON quotes (member_id) WHERE confirmation = 'pending';

ALTER TABLE sales
    ADD COLUMN quote_id VARCHAR(26),
    ADD COLUMN priced_at timestamptz,
    ADD COLUMN discount_fen BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN discounts JSONB DEFAULT '[]' NOT NULL,
    ADD CONSTRAINT uq_sales_quote_id UNIQUE (quote_id),
    ADD CONSTRAINT ck_sales_discount_not_negative CHECK (discount_fen >= 0),
    ADD CONSTRAINT ck_sales_quote_has_moment CHECK ((quote_id IS NULL) = (priced_at IS NULL));

ALTER TABLE sale_lines
    ADD COLUMN discount_fen BIGINT DEFAULT 0 NOT NULL,
    ADD COLUMN excluded_fen BIGINT DEFAULT 0 NOT NULL,
    ADD CONSTRAINT ck_sale_lines_discount_within CHECK (discount_fen BETWEEN 0 AND quantity * unit_price_fen),
    ADD CONSTRAINT ck_sale_lines_excluded_within CHECK (
        excluded_fen BETWEEN 0 AND quantity * unit_price_fen - discount_fen),
    DROP CONSTRAINT ck_sale_lines_refunded_within,
    ADD CONSTRAINT ck_sale_lines_refunded_within CHECK (refunded_quantity BETWEEN 0 AND quantity
        AND refunded_fen BETWEEN 0 AND quantity * unit_price_fen - discount_fen);

CREATE TABLE sale_tenders (
    sale_id VARCHAR(26) NOT NULL,
    kind VARCHAR(10) NOT NULL,
    amount_fen BIGINT NOT NULL,
    points BIGINT DEFAULT 0 NOT NULL,
    refunded_fen BIGINT DEFAULT 0 NOT NULL,
    refunded_points BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_sale_tenders PRIMARY KEY (sale_id, kind),
    CONSTRAINT ck_sale_tenders_kind CHECK (
        kind IN ('cash', 'card', 'wechat_pay', 'alipay', 'other', 'points', 'principal', 'bonus')),
    CONSTRAINT ck_sale_tenders_amount_positive CHECK (amount_fen > 0),
    CONSTRAINT ck_sale_tenders_points CHECK (points >= 0 AND (kind = 'points') = (points > 0)),
    CONSTRAINT ck_sale_tenders_refunded_within CHECK (
        refunded_fen BETWEEN 0 AND amount_fen AND refunded_points BETWEEN 0 AND points),
    CONSTRAINT fk_sale_tenders_sale_id FOREIGN KEY(sale_id) REFERENCES sales (id)
);

CREATE TABLE refund_tenders (
    refund_id VARCHAR(26) NOT NULL,
    sale_id VARCHAR(26) NOT NULL,
    kind VARCHAR(10) NOT NULL,
    amount_fen BIGINT NOT NULL,
    points BIGINT DEFAULT 0 NOT NULL,
    CONSTRAINT pk_refund_tenders PRIMARY KEY (refund_id, kind),
    CONSTRAINT ck_refund_tenders_something CHECK (least(amount_fen, points) >= 0 AND amount_fen + points > 0),
    CONSTRAINT fk_refund_tenders_refund_id FOREIGN KEY(refund_id) REFERENCES refunds (id),
    CONSTRAINT fk_refund_tenders_sale_id FOREIGN KEY(sale_id, kind) REFERENCES sale_tenders (sale_id, kind)
);
"""

GUARDS = """
-- What was shown stays as it was shown; only how it ends may be written.
CREATE TRIGGER quotes_kept BEFORE UPDATE OF id, store_id, terminal_id, staff_id, ticket_id, member_id, stored_value_fen,
    priced, created_at, expires_at ON quotes
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sale_tenders_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF sale_id, kind, amount_fen, points ON sale_tenders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refund_tenders_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refund_tenders
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

RESTORE = """
CREATE INDEX ix_ledger_transactions_reverses_id ON ledger_transactions (reverses_id) WHERE reverses_id IS NOT NULL;

-- Which lots a debit took from, and how much of each is next to go back, when `p_former` of it went back before and
-- `p_back` goes back now: the lot that ends last first. So any split of calls gives back the same of each lot.
CREATE FUNCTION ledger_next_back(p_entry bigint, p_former bigint, p_back bigint, p_at timestamptz)
RETURNS TABLE (lot_id bigint, amount bigint, store_id bigint, ended boolean, was_grace boolean)
LANGUAGE sql STABLE AS $$
    SELECT t.lot_id, least(t.upto, p_former + p_back) - greatest(t.upto - t.amount, p_former), t.store_id,
            coalesce(t.expires_at <= p_at, false), t.was_grace
        FROM (SELECT x.lot_id, x.amount, l.store_id, l.expires_at, EXISTS (SELECT FROM ledger_entries o
                    JOIN ledger_transactions g ON g.id = o.transaction_id
                    WHERE o.id = l.entry_id AND g.kind = 'restore') AS was_grace,
                sum(x.amount) OVER (ORDER BY l.expires_at DESC NULLS FIRST, l.id DESC)::bigint AS upto
            FROM ledger_allocations x JOIN ledger_lots l ON l.id = x.lot_id WHERE x.entry_id = p_entry) t
        WHERE t.upto > p_former AND t.upto - t.amount < p_former + p_back
        ORDER BY t.lot_id
$$;

-- Gives back what debits took, all of it or a part, into the very lots they took it from. A lot that has ended
-- meanwhile is not filled again: what came from it becomes a lot of its own, for the same store, that ends at
-- `p_grace`; but a grace is given once, and what came from a lot that was one itself ends at once.
-- `p_back` is objects {entry_id, amount}: debits of one transaction. Points that come back first pay what the member
-- owes. Called by app/ledger/restore.py alone.
-- Raises MC004 for more than was taken, unique_violation when the cause was posted before.
CREATE FUNCTION ledger_restore(
    p_back jsonb, p_kind text, p_source_type text, p_source_id text, p_store bigint, p_terminal bigint, p_staff bigint,
    p_note text, p_at timestamptz, p_business_date date, p_grace timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    v_transaction bigint;
    v_taken record;
    v_piece record;
    v_former bigint;
    v_part bigint;
    v_entry bigint;
    v_owed bigint;
BEGIN
    FOR v_taken IN
            SELECT e.id, e.transaction_id, e.unit, -e.amount AS amount, e.account_id, a.member_id, b.amount AS back,
                (SELECT h.house FROM ledger_entries h WHERE h.transaction_id = e.transaction_id AND h.unit = e.unit
                    AND h.account_id IS NULL LIMIT 1) AS house
            FROM jsonb_to_recordset(p_back) AS b (entry_id bigint, amount bigint)
            JOIN ledger_entries e ON e.id = b.entry_id AND e.amount < 0
            JOIN ledger_accounts a ON a.id = e.account_id
            WHERE b.amount > 0 ORDER BY a.member_id, e.unit LOOP
        -- Locks the account, so that nothing moves between the looks and what is written.
        PERFORM ledger_expire(v_taken.account_id, p_at);
        SELECT coalesce(sum(e.amount), 0) INTO v_former FROM ledger_transactions t
            JOIN ledger_entries e ON e.transaction_id = t.id AND e.account_id = v_taken.account_id
            WHERE t.reverses_id = v_taken.transaction_id AND t.kind = p_kind;
        IF v_former + v_taken.back > v_taken.amount THEN
            RAISE EXCEPTION 'more than was taken' USING ERRCODE = 'MC004', DETAIL = v_taken.unit;
        END IF;
        IF v_transaction IS NULL THEN
            INSERT INTO ledger_transactions (kind, source_type, source_id, store_id, terminal_id, staff_id, note,
                    reverses_id, occurred_at, business_date)
                VALUES (p_kind, p_source_type, p_source_id, p_store, p_terminal, p_staff, p_note,
                    v_taken.transaction_id, p_at, p_business_date)
                RETURNING id INTO v_transaction;
        END IF;
        SELECT coalesce(sum(n.amount), 0) INTO v_part
            FROM ledger_next_back(v_taken.id, v_former, v_taken.back, p_at) n WHERE NOT n.ended;
        IF v_part > 0 THEN
            v_entry := ledger_credit(v_transaction, v_taken.account_id, v_taken.unit, v_part, v_taken.house);
            WITH filled AS (
                UPDATE ledger_lots l SET remaining = l.remaining + n.amount
                    FROM ledger_next_back(v_taken.id, v_former, v_taken.back, p_at) n
                    WHERE l.id = n.lot_id AND NOT n.ended RETURNING l.id, n.amount)
                INSERT INTO ledger_allocations (entry_id, lot_id, amount) SELECT v_entry, f.id, -f.amount FROM filled f;
        END IF;
        FOR v_piece IN SELECT * FROM ledger_next_back(v_taken.id, v_former, v_taken.back, p_at) n WHERE n.ended LOOP
            v_entry := ledger_credit(v_transaction, v_taken.account_id, v_taken.unit, v_piece.amount, v_taken.house);
            INSERT INTO ledger_lots (account_id, entry_id, store_id, amount, remaining, available_at, expires_at)
                VALUES (v_taken.account_id, v_entry, v_piece.store_id, v_piece.amount, v_piece.amount, p_at,
                    CASE WHEN v_piece.was_grace THEN p_at ELSE p_grace END);
            IF NOT v_piece.was_grace THEN
                v_part := v_part + v_piece.amount;
            END IF;
        END LOOP;
        SELECT least(o.balance, v_part) INTO v_owed FROM ledger_accounts o
            WHERE v_taken.unit = 'points' AND o.member_id = v_taken.member_id AND o.unit = 'points_owed'
                AND o.balance > 0 AND v_part > 0;
        IF FOUND THEN
            PERFORM ledger_post('repay', 'entry', v_entry::text, 0, p_store, p_terminal, p_staff, NULL, NULL,
                v_transaction, p_at, p_business_date, jsonb_build_array(
                    jsonb_build_object('member_id', v_taken.member_id, 'unit', 'points', 'amount', -v_owed,
                        'house', 'points_issued', 'from_entry', v_entry),
                    jsonb_build_object('member_id', v_taken.member_id, 'unit', 'points_owed', 'amount', -v_owed,
                        'house', 'points_lent')));
        END IF;
    END LOOP;
END $$;

-- Both sides of a credit without its lots; the account is locked.
CREATE FUNCTION ledger_credit(p_transaction bigint, p_account bigint, p_unit text, p_amount bigint, p_house text)
RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    v_balance bigint;
    v_seq bigint;
    v_entry bigint;
BEGIN
    UPDATE ledger_accounts a SET balance = a.balance + p_amount, last_seq = a.last_seq + 1 WHERE a.id = p_account
        RETURNING a.balance, a.last_seq INTO STRICT v_balance, v_seq;
    WITH added AS (
        INSERT INTO ledger_entries (transaction_id, unit, amount, account_id, seq, balance_after, house)
            VALUES (p_transaction, p_unit, p_amount, p_account, v_seq, v_balance, NULL),
                   (p_transaction, p_unit, -p_amount, NULL, NULL, NULL, p_house)
            RETURNING id, account_id)
        SELECT n.id INTO STRICT v_entry FROM added n WHERE n.account_id IS NOT NULL;
    RETURN v_entry;
END $$;
"""


AFTER = """
-- What of a member's stored value may be spent; volatile, so that it sees what the same statement has just moved.
CREATE FUNCTION stored_value_after(p_member bigint, p_at timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT coalesce(sum(l.remaining), 0) FROM ledger_accounts a
        JOIN ledger_lots l ON l.account_id = a.id AND l.remaining > 0
        WHERE a.member_id = p_member AND a.unit IN ('principal_fen', 'bonus_fen') AND l.available_at <= p_at
            AND (l.expires_at IS NULL OR l.expires_at > p_at));
END $$;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(RESTORE)
    op.execute(AFTER)


def downgrade() -> None:
    op.execute("DROP FUNCTION stored_value_after, ledger_restore, ledger_credit, ledger_next_back")
    op.execute("DROP INDEX ix_ledger_transactions_reverses_id")
    op.execute("DROP TABLE refund_tenders, sale_tenders, quotes")
    op.execute("""
        ALTER TABLE sale_lines DROP CONSTRAINT ck_sale_lines_refunded_within, DROP COLUMN discount_fen,
            DROP COLUMN excluded_fen, ADD CONSTRAINT ck_sale_lines_refunded_within CHECK (
                refunded_quantity BETWEEN 0 AND quantity AND refunded_fen BETWEEN 0 AND quantity * unit_price_fen);
        ALTER TABLE sales DROP COLUMN quote_id, DROP COLUMN priced_at, DROP COLUMN discount_fen,
            DROP COLUMN discounts""")
