"""Refunds of sales, and taking back what was earned."""

from alembic import op

revision = "0010_refunds"
down_revision = "0009_stored_value"

TABLES = """
CREATE TABLE refunds (
    id VARCHAR(26) NOT NULL,
    sale_id VARCHAR(26) NOT NULL,
    store_id BIGINT NOT NULL,
    terminal_id BIGINT NOT NULL,
    staff_id BIGINT NOT NULL,
    refund_no VARCHAR(40) NOT NULL,
    reason VARCHAR(16) NOT NULL,
    amount_fen BIGINT NOT NULL,
    points BIGINT NOT NULL,
    points_taken BIGINT NOT NULL,
    points_owed BIGINT NOT NULL,
    points_lapsed BIGINT NOT NULL,
    alone_fen BIGINT NOT NULL,
    approval_id VARCHAR(26),
    occurred_at timestamptz NOT NULL,
    business_date DATE NOT NULL,
    CONSTRAINT pk_refunds PRIMARY KEY (id),
    CONSTRAINT uq_refunds_store_id_refund_no UNIQUE (store_id, refund_no),
    CONSTRAINT uq_refunds_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_refunds_amount_not_negative CHECK (amount_fen >= 0),
    CONSTRAINT ck_refunds_points_whole CHECK (points = points_taken + points_owed + points_lapsed),
    CONSTRAINT ck_refunds_points_not_negative CHECK (least(points_taken, points_owed, points_lapsed) >= 0),
    CONSTRAINT ck_refunds_second_person CHECK (amount_fen <= alone_fen OR approval_id IS NOT NULL),
    CONSTRAINT fk_refunds_sale_id FOREIGN KEY(sale_id) REFERENCES sales (id),
    CONSTRAINT fk_refunds_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_refunds_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_refunds_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT fk_refunds_approval_id FOREIGN KEY(approval_id) REFERENCES approval_requests (id)
);

CREATE INDEX ix_refunds_sale_id ON refunds (sale_id);

CREATE TABLE refund_lines (
    refund_id VARCHAR(26) NOT NULL,
    line_no INTEGER NOT NULL,
    sale_id VARCHAR(26) NOT NULL,
    quantity INTEGER NOT NULL,
    amount_fen BIGINT NOT NULL,
    points BIGINT NOT NULL,
    CONSTRAINT pk_refund_lines PRIMARY KEY (refund_id, line_no),
    CONSTRAINT ck_refund_lines_not_negative CHECK (least(quantity, amount_fen, points) >= 0),
    CONSTRAINT fk_refund_lines_refund_id FOREIGN KEY(refund_id) REFERENCES refunds (id),
    CONSTRAINT fk_refund_lines_sale_id FOREIGN KEY(sale_id, line_no) REFERENCES sale_lines (sale_id, line_no)
);
"""

GUARDS = """
CREATE TRIGGER refunds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refunds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER refund_lines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON refund_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


TAKE_BACK = """
-- Takes back points that one entry gave, all of them or a part: first what its lot still holds, then what the member
-- has besides, then as a debt. What has ended unspent in that lot served nobody and is not asked for; `p_lapsed` is
-- how much of it earlier calls have left. Called by app/ledger/take_back.py alone.
CREATE FUNCTION ledger_take_back(
    p_entry bigint, p_points bigint, p_lapsed bigint, p_kind text, p_source_type text, p_source_id text,
    p_store bigint, p_terminal bigint, p_staff bigint, p_note text, p_at timestamptz, p_business_date date
) RETURNS TABLE (taken bigint, owed bigint, lapsed bigint, balance_after bigint, pending bigint)
LANGUAGE plpgsql ROWS 1 AS $$
DECLARE
    v_given record;
    v_own bigint;
    v_ended bigint;
    v_have bigint;
BEGIN
    SELECT e.account_id, e.transaction_id, a.member_id INTO STRICT v_given
        FROM ledger_entries e JOIN ledger_accounts a ON a.id = e.account_id
        WHERE e.id = p_entry AND e.unit = 'points' AND e.amount > 0;
    -- Locks the account, so that nothing moves between the looks and the posting.
    PERFORM ledger_expire(v_given.account_id, p_at);
    SELECT l.remaining, coalesce(sum(x.amount) FILTER (WHERE t.kind = 'expire'), 0) INTO STRICT v_own, v_ended
        FROM ledger_lots l LEFT JOIN ledger_allocations x ON x.lot_id = l.id
        LEFT JOIN ledger_entries n ON n.id = x.entry_id LEFT JOIN ledger_transactions t ON t.id = n.transaction_id
        WHERE l.entry_id = p_entry GROUP BY l.id;
    SELECT coalesce(sum(l.remaining), 0) INTO v_have FROM ledger_lots l
        WHERE l.account_id = v_given.account_id AND l.remaining > 0;
    lapsed := least(greatest(p_points - v_own, 0), v_ended - p_lapsed);
    taken := least(p_points - lapsed, v_have);
    owed := p_points - lapsed - taken;
    PERFORM ledger_post(p_kind, p_source_type, p_source_id, 0, p_store, p_terminal, p_staff, NULL, p_note,
        v_given.transaction_id, p_at, p_business_date, (
            SELECT coalesce(jsonb_agg(to_jsonb(m)), '[]') FROM (
                SELECT v_given.member_id AS member_id, 'points' AS unit, -taken AS amount, 'points_issued' AS house,
                    p_entry AS from_entry WHERE taken > 0
                UNION ALL
                SELECT v_given.member_id, 'points_owed', owed, 'points_lent', NULL WHERE owed > 0) m));
    SELECT coalesce(sum(l.remaining), 0), coalesce(sum(l.remaining) FILTER (WHERE l.available_at > p_at), 0)
        INTO balance_after, pending FROM ledger_lots l WHERE l.account_id = v_given.account_id AND l.remaining > 0;
    RETURN NEXT;
END $$;
"""


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)
    op.execute(TAKE_BACK)


def downgrade() -> None:
    op.execute("DROP FUNCTION ledger_take_back")
    op.execute("DROP TABLE refund_lines, refunds")
