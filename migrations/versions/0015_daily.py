"""Daily life at the till: members found by phone, receipts credited afterwards, shifts."""

from alembic import op

revision = "0015_daily"
down_revision = "0014_settlement"

BY_PHONE = """
ALTER TABLE scan_tickets ADD COLUMN found_by VARCHAR(8) DEFAULT 'code' NOT NULL,
    ADD CONSTRAINT ck_scan_tickets_found_by CHECK (found_by IN ('code', 'phone')),
    ADD CONSTRAINT ck_scan_tickets_by_phone_has_clerk CHECK (found_by <> 'phone' OR staff_id IS NOT NULL);

CREATE TABLE phone_finds (
    id VARCHAR(26) NOT NULL,
    store_id BIGINT NOT NULL,
    terminal_id BIGINT NOT NULL,
    staff_id BIGINT NOT NULL,
    member_id BIGINT,
    at timestamptz NOT NULL,
    CONSTRAINT pk_phone_finds PRIMARY KEY (id),
    CONSTRAINT fk_phone_finds_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_phone_finds_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_phone_finds_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT fk_phone_finds_member_id FOREIGN KEY(member_id) REFERENCES members (id)
);

CREATE INDEX ix_phone_finds_staff_id_at ON phone_finds (staff_id, at);
CREATE INDEX ix_phone_finds_terminal_id_at ON phone_finds (terminal_id, at);
"""

RETRO_CREDIT = """
CREATE TABLE sale_credits (
    id VARCHAR(26) NOT NULL,
    sale_id VARCHAR(26) NOT NULL,
    member_id BIGINT NOT NULL,
    store_id BIGINT NOT NULL,
    terminal_id BIGINT NOT NULL,
    staff_id BIGINT NOT NULL,
    ticket_id VARCHAR(43) NOT NULL,
    state VARCHAR(8) NOT NULL,
    amount_fen BIGINT NOT NULL,
    points BIGINT DEFAULT 0 NOT NULL,
    alone_fen BIGINT NOT NULL,
    alone_a_day INTEGER NOT NULL,
    approval_id VARCHAR(26),
    created_at timestamptz NOT NULL,
    credited_at timestamptz,
    CONSTRAINT pk_sale_credits PRIMARY KEY (id),
    CONSTRAINT uq_sale_credits_ticket_id UNIQUE (ticket_id),
    CONSTRAINT uq_sale_credits_approval_id UNIQUE (approval_id),
    CONSTRAINT ck_sale_credits_state CHECK (state IN ('waiting', 'credited')),
    CONSTRAINT ck_sale_credits_credited_at CHECK ((state = 'credited') = (credited_at IS NOT NULL)),
    CONSTRAINT ck_sale_credits_not_negative CHECK (least(amount_fen, points) >= 0),
    CONSTRAINT ck_sale_credits_second_person CHECK (
        approval_id IS NOT NULL OR (state = 'credited' AND amount_fen <= alone_fen)),
    CONSTRAINT fk_sale_credits_sale_id FOREIGN KEY(sale_id) REFERENCES sales (id),
    CONSTRAINT fk_sale_credits_member_id FOREIGN KEY(member_id) REFERENCES members (id),
    CONSTRAINT fk_sale_credits_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_sale_credits_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_sale_credits_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT fk_sale_credits_approval_id FOREIGN KEY(approval_id) REFERENCES approval_requests (id)
);

CREATE UNIQUE INDEX uq_sale_credits_once ON sale_credits (sale_id) WHERE state = 'credited';
CREATE INDEX ix_sale_credits_staff_id_created_at ON sale_credits (staff_id, created_at);
CREATE INDEX ix_sale_credits_terminal_id_credited_at ON sale_credits (terminal_id, credited_at);

ALTER TABLE sale_lines ADD COLUMN uncredited_fen BIGINT DEFAULT 0 NOT NULL,
    ADD CONSTRAINT ck_sale_lines_uncredited_within CHECK (uncredited_fen BETWEEN 0 AND refunded_fen);
"""

SHIFTS = """
CREATE TABLE shifts (
    id VARCHAR(26) NOT NULL,
    store_id BIGINT NOT NULL,
    terminal_id BIGINT NOT NULL,
    business_date DATE NOT NULL,
    opened_by BIGINT NOT NULL,
    opened_at timestamptz NOT NULL,
    opening_fen BIGINT NOT NULL,
    from_id VARCHAR(26) NOT NULL,
    closed_by BIGINT,
    closed_at timestamptz,
    until_id VARCHAR(26),
    counted_fen BIGINT,
    expected_fen BIGINT,
    totals JSONB,
    CONSTRAINT pk_shifts PRIMARY KEY (id),
    CONSTRAINT ck_shifts_not_negative CHECK (least(opening_fen, counted_fen) >= 0),
    CONSTRAINT ck_shifts_closed_whole CHECK (
        num_nonnulls(closed_at, closed_by, until_id, counted_fen, expected_fen, totals) IN (0, 6)),
    CONSTRAINT ck_shifts_closed_after CHECK (closed_at >= opened_at),
    CONSTRAINT fk_shifts_store_id FOREIGN KEY(store_id) REFERENCES stores (id),
    CONSTRAINT fk_shifts_terminal_id FOREIGN KEY(terminal_id) REFERENCES terminals (id),
    CONSTRAINT fk_shifts_opened_by FOREIGN KEY(opened_by) REFERENCES staff (id),
    CONSTRAINT fk_shifts_closed_by FOREIGN KEY(closed_by) REFERENCES staff (id)
);

CREATE UNIQUE INDEX uq_shifts_one_open ON shifts (terminal_id) WHERE closed_at IS NULL;
CREATE INDEX ix_shifts_terminal_id_from_id ON shifts (terminal_id, from_id);
CREATE INDEX ix_shifts_store_id_business_date ON shifts (store_id, business_date);

-- What of a till is counted.
CREATE INDEX ix_sales_terminal_id ON sales (terminal_id, id);
CREATE INDEX ix_refunds_terminal_id_occurred_at ON refunds (terminal_id, occurred_at);
CREATE INDEX ix_top_ups_terminal_id_credited_at ON top_ups (terminal_id, credited_at) WHERE terminal_id IS NOT NULL;
"""

KEPT = """
-- A sale stays as it was recorded; only one without member may get its member, and with it what that one earned.
CREATE TRIGGER sales_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id, store_id, terminal_id, staff_id, ticket_id,
    receipt_no, amount_fen, occurred_at, business_date, quote_id, priced_at, discount_fen, discounts ON sales
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sales_member_once BEFORE UPDATE ON sales
    FOR EACH ROW WHEN (OLD.member_id IS NOT NULL OR NEW.member_id IS NULL) EXECUTE FUNCTION refuse_change();
-- Of a line, refunds only grow, and what it earned is written down once more at most: when the sale gets its member.
CREATE TRIGGER sale_lines_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF sale_id, line_no, sku, name, category, quantity,
    unit_price_fen, discount_fen, excluded_fen ON sale_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sale_lines_refunds_grow BEFORE UPDATE OF refunded_quantity, refunded_fen ON sale_lines
    FOR EACH ROW WHEN (NEW.refunded_quantity < OLD.refunded_quantity OR NEW.refunded_fen < OLD.refunded_fen)
    EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sale_lines_earned_once BEFORE UPDATE OF points_earned, uncredited_fen ON sale_lines
    FOR EACH ROW WHEN (OLD.points_earned <> 0 OR OLD.uncredited_fen <> 0) EXECUTE FUNCTION refuse_change();
-- What was put before a second person stays as it was put, and is decided once.
CREATE TRIGGER approval_requests_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id, kind, subject, details, store_id,
    requested_by, requested_at, expires_at ON approval_requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER approval_requests_decided_once BEFORE UPDATE ON approval_requests
    FOR EACH ROW WHEN (OLD.state <> 'pending') EXECUTE FUNCTION refuse_change();
"""

GUARDS = """
CREATE TRIGGER shifts_kept BEFORE DELETE OR TRUNCATE
    OR UPDATE OF id, store_id, terminal_id, business_date, opened_by, opened_at, opening_fen, from_id ON shifts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER shifts_close_once BEFORE UPDATE ON shifts
    FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL) EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sale_credits_kept BEFORE DELETE OR TRUNCATE OR UPDATE OF id, sale_id, member_id, store_id, terminal_id,
    staff_id, ticket_id, amount_fen, alone_fen, alone_a_day, approval_id, created_at ON sale_credits
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER sale_credits_end_once BEFORE UPDATE ON sale_credits
    FOR EACH ROW WHEN (OLD.state = 'credited') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER phone_finds_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON phone_finds
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
-- A ticket may be forgotten, but never becomes another member's, or one of a better kind.
CREATE TRIGGER scan_tickets_kept BEFORE UPDATE OF id, member_id, terminal_id, staff_id, created_at, found_by
    ON scan_tickets
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""


_KEPT = (
    ("sales_kept", "sales"),
    ("sales_member_once", "sales"),
    ("sale_lines_kept", "sale_lines"),
    ("sale_lines_refunds_grow", "sale_lines"),
    ("sale_lines_earned_once", "sale_lines"),
    ("approval_requests_kept", "approval_requests"),
    ("approval_requests_decided_once", "approval_requests"),
)


def upgrade() -> None:
    op.execute(BY_PHONE)
    op.execute(RETRO_CREDIT)
    op.execute(SHIFTS)
    op.execute(GUARDS)
    op.execute(KEPT)


def downgrade() -> None:
    for trigger, table in _KEPT:
        op.execute(f"DROP TRIGGER {trigger} ON {table}")
    op.execute("DROP TRIGGER scan_tickets_kept ON scan_tickets")
    op.execute("ALTER TABLE sale_lines DROP COLUMN uncredited_fen")
    op.execute("DROP INDEX ix_sales_terminal_id, ix_refunds_terminal_id_occurred_at")
    op.execute("DROP INDEX ix_top_ups_terminal_id_credited_at")
    op.execute("DROP TABLE shifts, sale_credits, phone_finds")
    op.execute("ALTER TABLE scan_tickets DROP COLUMN found_by")
