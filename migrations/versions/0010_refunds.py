"""Refunds of sales."""

from alembic import op

revision = "0010_refunds"
down_revision = "0007_policies_and_approvals"

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


def upgrade() -> None:
    op.execute(TABLES)
    op.execute(GUARDS)


def downgrade() -> None:
    op.execute("DROP TABLE refund_lines, refunds")
